"""What the classifiers of events have in common: how views come in and scores go out."""

import abc
from collections.abc import Sequence
from typing import Any, ClassVar

import flax.linen as nn
import jax.numpy as jnp
from jaxtyping import Array, Float32

from jaxsparse import Geometry, SparseTensor
from jaxsparse.errors import InputError
from jaxsparse.nn.blocks import BlockSettings
from jaxsparse.nn.classifier_head import ClassifierHead
from jaxsparse.nn.coordinate_inputs import append_coordinates
from jaxsparse.nn.dense_tensor import DenseGeometry, DenseTensor


class EventClassifier(nn.Module, abc.ABC):
    """A score a class for every event, from one or several views. Networks derive from it.

    A network gives ``order`` of its blocks, ``levels``, and :meth:`event_features`.

    Attributes:
        num_classes: scores an event.
        views: images an event.
        stem_stride: of the stem; which ones there are, the network says.
        shared_stem: one stem for all views, instead of one each.
        merge: ``"add"`` or ``"concatenate"``, over the union of the views' sites.
        activation: a name of :data:`jaxsparse.nn.ACTIVATIONS`.
        residual: blocks add their input.
        coordinate_inputs: the pixel's coordinates are channels of the input too.
        pooling: over the sites of an event: ``"average"``, ``"max"``, ``"sum"``, ``"log_sum"``, or
            several joined by ``+``, see :class:`~jaxsparse.nn.ClassifierHead`.
        normalize_pooled: batch norm of the pooled features before dropout.
        dropout: share of the pooled features that is dropped in training.
        vocabulary: ``"sparse"`` or ``"dense"``. The parameters are the same.
        dtype: type of the matrix products' operands, ``"float32"`` (None) or ``"bfloat16"``.
        momentum: of batch norm's running statistics.
        remat: compute the inside of blocks again in the backward pass instead of storing it; for
            what that saves where, see :class:`~jaxsparse.models.UResNet`.
        axis_name: mapped axis over which batch norm sums its moments (None: this device alone).
    """

    task: ClassVar[str] = "classification"
    order: ClassVar[str]

    num_classes: int = 5
    views: int = 2
    stem_stride: int = 1
    shared_stem: bool = False
    merge: str = "add"
    activation: str = "mish"
    residual: bool = True
    coordinate_inputs: bool = False
    pooling: str = "average"
    normalize_pooled: bool = False
    dropout: float = 0.0
    vocabulary: str = "sparse"
    dtype: str | None = None
    momentum: float = 0.9
    remat: bool = False
    axis_name: str | None = None

    @property
    @abc.abstractmethod
    def levels(self) -> int:
        """Levels that every view's geometry must have."""

    @property
    def kernels(self) -> tuple[int, ...]:
        """Submanifold kernels that every view's geometry should have."""
        return (3,)

    @property
    def stem_names(self) -> list[str]:
        """Names of the stems: one for all views, or one each."""
        return ["stem"] if self.shared_stem else [f"stem_view_{v}" for v in range(self.views)]

    @nn.compact
    def __call__(
        self,
        images: tuple[SparseTensor | DenseTensor, ...],
        geometries: tuple[Geometry | DenseGeometry, ...],
        *,
        train: bool,
    ) -> tuple[Float32[Array, "events classes"], dict[str, Any]]:
        """Scores of every event.

        Args:
            images: one batch a view, of the same events and the same ``spatial_shape``, features
                ``[sites, channels]`` on the finest level. The dense vocabulary takes sparse batches
                too (as plain images), or DenseTensors.
            geometries: one a view, with at least ``levels`` levels.
            train: batch norm uses and records the statistics of the batch
                (``mutable=["batch_stats"]``), dropout drops.

        Returns:
            The logits, float32 ``[events, num_classes]``, and a dictionary of tensors: those that
            the network names, and ``features`` before the pooling.

        Raises:
            InputError: another number of views, views of different shapes, too few levels, and what
                the network refuses.
        """
        settings = BlockSettings(
            train=train,
            vocabulary=self.vocabulary,
            order=self.order,
            dtype=None if self.dtype is None else jnp.dtype(self.dtype),
            momentum=self.momentum,
            axis_name=self.axis_name,
            activation=self.activation,
            residual=self.residual,
        )
        intermediates: dict[str, Any] = {}
        views = self._enter(settings, images, geometries)
        x = self.event_features(settings, views, intermediates)
        intermediates["features"] = x
        head = ClassifierHead(
            self.num_classes, settings, self.pooling, self.normalize_pooled, self.dropout,
            name="head",
        )  # fmt: skip
        return head(x), intermediates

    @nn.nowrap
    @abc.abstractmethod
    def event_features(
        self, settings: BlockSettings, views: list[tuple[Any, Any]], intermediates: dict[str, Any]
    ) -> Any:
        """All of the network before the pooling, called where layers may be made.

        Args:
            settings: of the blocks.
            views: ``(tensor, geometry)`` each.
            intermediates: takes the tensors that the network names.
        """

    def _enter(
        self, settings: BlockSettings, images: Sequence[Any], geometries: Sequence[Any]
    ) -> list[tuple[Any, Any]]:
        """The views in the form that the vocabulary works on, ``(tensor, geometry)`` each."""
        if len(images) != self.views or len(geometries) != self.views:
            raise InputError(
                f"{len(images)} images and {len(geometries)} geometries: the network has "
                f"views={self.views}, give one of each a view"
            )
        entered = [settings.layers.enter(x, g) for x, g in zip(images, geometries, strict=True)]
        if self.coordinate_inputs:
            entered = [(append_coordinates(x), g) for x, g in entered]
        return entered
