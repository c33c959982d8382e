"""A network: one backbone and one or more heads."""

import dataclasses
from collections.abc import Mapping
from typing import Any

import flax.linen as nn
import jax
from flax.core import FrozenDict
from jaxtyping import Array, Int32

from jaxsparse import Geometry, SparseTensor
from jaxsparse.errors import InputError
from jaxsparse.models.backbones.backbone import Backbone, Features
from jaxsparse.models.heads.head import Head
from jaxsparse.nn.blocks import BlockSettings
from jaxsparse.nn.dense_tensor import DenseGeometry, DenseTensor


class Network(nn.Module):
    """``outputs[NAME] = heads[NAME](backbone(images))``, all heads in one pass.

    Parameters lie below ``backbone/`` and ``heads/NAME/``.

    Attributes:
      backbone: makes of the batch what the heads read, and no more.
      heads: by the names of their outputs, at least one.

    Raises:
      InputError: no head.

    >>> import jax, jaxsparse
    >>> from jaxsparse.models import EventHead, SemanticHead, UResNet
    >>> x = jaxsparse.sparse_tensor([[0, 3, 4], [0, 3, 5]], [[1.0], [2.0]], spatial_shape=(8, 8),
    ...                             batch_size=1, capacity=4)
    >>> backbone = UResNet(filters=2, depth=1, blocks=1)
    >>> network = Network(backbone, {"event": EventHead(3), "semantic": SemanticHead(5)})
    >>> @jax.jit
    ... def initial_scores(key, x):
    ...     views = (x,), (jaxsparse.geometry(x, levels=network.levels, kernels=network.kernels),)
    ...     variables = network.init(key, *views, train=False)
    ...     return network.apply(variables, *views, train=False)
    >>> outputs, features = initial_scores(jax.random.key(0), x)
    >>> outputs["event"].shape, [scores.shape for scores in outputs["semantic"]]
    ((1, 3), [(4, 5)])
    >>> sorted(features)
    ['bottom_view_0', 'encoder_0_view_0', 'stem_view_0']
    """

    backbone: Backbone
    heads: Mapping[str, Head]

    def __post_init__(self) -> None:
        if not self.heads:
            raise InputError(f"heads is {dict(self.heads)}: must have at least one head")
        self.heads = FrozenDict(self.heads)  # hashable, as modules are
        super().__post_init__()

    @property
    def levels(self) -> int:
        """Levels that every view's geometry must have."""
        return self.backbone.levels

    @property
    def kernels(self) -> tuple[int, ...]:
        """Submanifold kernels that every view's geometry should have maps for."""
        return self.backbone.kernels

    @property
    def views(self) -> int:
        """Images an event."""
        return self.backbone.views

    @property
    def lifts(self) -> bool:
        """Whether the last view sees features of the others, by ``links`` to their pixels."""
        return self.backbone.lifts

    @nn.nowrap
    def computed_by(self, device: jax.Device) -> str:
        """What computes the sums on a device; the bits of two results agree only where it does."""
        return self.backbone.settings(train=True).computed_by(device)

    @nn.compact
    def __call__(
        self,
        images: tuple[SparseTensor | DenseTensor, ...],
        geometries: tuple[Geometry | DenseGeometry, ...],
        links: tuple[Int32[Array, " _"], ...] = (),
        *,
        train: bool,
    ) -> tuple[dict[str, Any], dict[str, Any]]:
        """The outputs of all heads.

        Args:
          images: one batch a view, of the same events, features ``[sites, channels]`` on the
            finest level. The dense vocabulary takes sparse batches too (as plain images), or
            DenseTensors. Views that a backbone merges have the same ``spatial_shape``.
          geometries: one a view, with at least ``levels`` levels and maps for ``kernels``.
          links: where the network :attr:`lifts`, for every view but the last one int32 ``[sites of
            the last one]``: the row, counted within its event, of the pixel that shows a site; -1
            where none does.
          train: batch norm uses and records the statistics of the batch
            (``mutable=["batch_stats"]``), dropout drops (``rngs={"dropout": key}``).

        Returns:
          What each head makes, by its name, and the features that the backbone names.

        Raises:
          InputError: another number of views, geometries of too few levels or without a kernel,
            and what the backbone refuses.
        """
        settings = self.backbone.settings(train=train)
        views = self.backbone.enter(images, geometries)
        wanted = frozenset(head.reads for head in self.heads.values())
        extra = {"links": links} if self.lifts else {}
        features = self.backbone(settings, views, wanted, **extra)
        outputs = _Heads(self.heads, name="heads")(settings, features, images)
        return outputs, features.named


class _Heads(nn.Module):
    """A place for the parameters of all heads, so that they lie below one name."""

    heads: Mapping[str, Head]

    @nn.compact
    def __call__(
        self, settings: BlockSettings, features: Features, images: tuple[Any, ...]
    ) -> dict[str, Any]:
        # Pixels are named first: heads of particles read their classes.
        outputs: dict[str, Any] = {}
        for name in sorted(self.heads, key=lambda name: name != "semantic"):
            head = self.heads[name].copy(parent=self, name=name)
            outputs[name] = head(settings, features, images)
            if name == "semantic":
                features = dataclasses.replace(features, class_scores=outputs[name])
        return outputs
