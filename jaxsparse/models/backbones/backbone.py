"""What all backbones have in common: how views come in, what is shared, what features go out."""

import abc
import dataclasses
import functools
from collections.abc import Callable, Iterable, Sequence
from typing import Any, ClassVar

import flax.linen as nn
import jax.numpy as jnp

from jaxsparse.errors import InputError
from jaxsparse.models.fields import check_fields, field
from jaxsparse.nn.activations import ACTIVATIONS
from jaxsparse.nn.blocks import VOCABULARIES, BlockSettings
from jaxsparse.nn.coordinate_inputs import append_coordinates
from jaxsparse.nn.pointwise import with_type
from jaxsparse.rules import COUNT, SWITCH, TEXT, number, one_of

DTYPES = ("float32", "bfloat16")

# What a head may read of a backbone; it makes only what the heads of the network ask for.
PIXELS, EVENT = "pixels", "event"

View = tuple[Any, Any]  # tensor and geometry, of one vocabulary


@dataclasses.dataclass(frozen=True)
class Features:
    """What a backbone finds in a batch.

    Attributes:
      named: the output of every stage, on the level of that stage, by its name: for example
        ``encoder_2_view_0`` of the first view, or ``stage_3`` of all views together.
      pixels: one tensor a view on the sites of its image; none where no head reads them.
      event: tensors whose sites are pooled; none where no head reads them.
      shared: whether one set of weights made the ``pixels`` of all views.
      class_scores: what a head ``semantic`` says of the pixels of every view; none without it.
    """

    named: dict[str, Any]
    pixels: tuple[Any, ...] = ()
    event: tuple[Any, ...] = ()
    shared: bool = False
    class_scores: tuple[Any, ...] = ()


def per_view(views: int, shared: bool, name: str, make: Callable[[str], Any]) -> list[Any]:
    """One module a view: ``NAME`` serving all of them, or ``NAME_view_V`` each.

    A network of one view has no other view to be told from: its parameters have the names of the
    shared ones, and may begin a network that shares them among more views.
    """
    if shared or views == 1:
        return [make(name)] * views
    return [make(f"{name}_view_{view}") for view in range(views)]


class Backbone(nn.Module, abc.ABC):
    """From the views of an event to features; heads make something of them.

    A backbone gives ``order`` of its blocks, ``levels``, and ``__call__``. What it makes of a view
    by itself are its stem and its stages; the parameters of both may be shared by the views.

    Attributes:
      lifts: whether the last view sees features of the views before it: then ``__call__`` also
        takes the links of :meth:`jaxsparse.models.Network.__call__`.
      axis_name: mapped axis over which batch norm sums its moments (None: this device alone).
    """

    lifts: ClassVar[bool] = False

    views: int = field(1, COUNT, "images an event")
    shared_stem: bool = field(False, SWITCH, "one stem for all views, instead of one each")
    shared_stages: bool = field(
        False, SWITCH, "one set of all a view passes by itself behind its stem, instead of one each"
    )
    activation: str = field("relu", one_of(*ACTIVATIONS), "of all blocks and heads")
    residual: bool = field(True, SWITCH, "blocks add their input")
    coordinate_inputs: bool = field(
        False, SWITCH, "the pixel's coordinates are channels of the input too"
    )
    vocabulary: str = field(
        "sparse", one_of(*VOCABULARIES), "dense: the same network on whole images"
    )
    dtype: str = field(
        "float32", one_of(*DTYPES),
        "of features between layers and operands of matrix products; sums, batch norm, parameters "
        "and last layers stay float32",
    )  # fmt: skip
    momentum: float = field(
        0.9, number("lie in [0, 1)", lambda value: 0 <= value < 1),
        "of batch norm's running statistics",
    )  # fmt: skip
    remat: bool = field(
        False, SWITCH, "compute the inside of blocks again in the backward pass (docs/network.md)"
    )
    implementation: str = field(
        "auto", TEXT, "data flow of sparse convolutions and what goes with them (docs/engine.md)"
    )
    axis_name: str | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        check_fields(self)
        self.settings(train=False)  # which refuses what does not go together

    @property
    @abc.abstractmethod
    def levels(self) -> int:
        """Levels that every view's geometry must have."""

    @property
    def kernels(self) -> tuple[int, ...]:
        """Submanifold kernels that every view's geometry should have maps for."""
        return (3,)

    @nn.nowrap
    def axes(self, dim: int) -> tuple[int, ...]:
        """Spatial axes of the images of every view; ``dim`` is that of the config."""
        return (dim,) * self.views

    @abc.abstractmethod
    def __call__(
        self, settings: BlockSettings, views: Sequence[View], wanted: frozenset[str]
    ) -> Features:
        """Features of a batch.

        Args:
          settings: of :meth:`settings`.
          views: of :meth:`enter`.
          wanted: of ``PIXELS`` and ``EVENT`` those that heads read.
        """

    @nn.nowrap
    def merged(
        self, settings: BlockSettings, views: Sequence[View], stages: Sequence[Sequence[Any]]
    ) -> tuple[list[Any], Any]:
        """Stages of all views on the union of their sites, and its geometry; of one view its own.

        Args:
          settings: of :meth:`settings`.
          views: of :meth:`enter`.
          stages: of every view, the finest last: the geometry begins there.
        """
        geometries = [geometry for _, geometry in views]
        if len(views) == 1:
            return list(stages[0]), geometries[0]
        level = geometries[0].level_of(stages[0][-1])
        union = settings.layers.merged_views(geometries, level, kernels=self.kernels)
        return [
            union.merge(stage, self.merge) for stage in zip(*stages, strict=True)
        ], union.geometry

    @nn.nowrap
    def settings(self, *, train: bool) -> BlockSettings:
        """What blocks and heads of this network have in common."""
        return BlockSettings(
            train=train,
            vocabulary=self.vocabulary,
            order=self.order,
            kernel_size=self.kernels[0],
            dtype=None if self.dtype == "float32" else jnp.dtype(self.dtype),
            momentum=self.momentum,
            axis_name=self.axis_name,
            activation=self.activation,
            residual=self.residual,
            implementation=self.implementation,
        )

    @nn.nowrap
    def enter(self, images: Sequence[Any], geometries: Sequence[Any]) -> list[View]:
        """The views in the form that the vocabulary works on.

        Raises:
          InputError: no tuples, or another number of views.
        """
        if not isinstance(images, tuple | list) or not isinstance(geometries, tuple | list):
            raise InputError(
                f"images is a {type(images).__name__} and geometries a "
                f"{type(geometries).__name__}: must be tuples of one a view, (x,) for one view"
            )
        if len(images) != self.views or len(geometries) != self.views:
            raise InputError(
                f"{len(images)} images and {len(geometries)} geometries: the network has "
                f"views={self.views}, give one of each a view"
            )
        settings = self.settings(train=False)
        entered = [settings.layers.enter(x, g) for x, g in zip(images, geometries, strict=True)]
        if self.coordinate_inputs:
            entered = [(append_coordinates(x), g) for x, g in entered]
        if settings.dtype is None:
            return entered
        return [(with_type(x, settings.dtype), g) for x, g in entered]


def on_image(settings: BlockSettings, columns: Iterable[Any], image: Any, geometry: Any) -> Any:
    """Features of several levels side by side on the sites of an image ("hypercolumns").

    A coarser site's features are copied to its pixels. Where all of them are coarser than the image
    its own values stand before them: else the pixels of a site could not be told apart.

    Args:
      settings: of the network.
      columns: tensors on levels of the geometry.
      image: the finest level.
      geometry: of the image.

    Source: Hariharan et al., arXiv 1411.5752.
    """
    layers = settings.layers

    def fine(x: Any) -> Any:
        while (level := geometry.level_of(x)) > 0:
            x = layers.average_unpooling(x, layers.down(geometry, level - 1))
        return x

    columns = list(columns)
    if all(geometry.level_of(x) > 0 for x in columns):
        columns.insert(0, image)
    return functools.reduce(layers.concatenate, map(fine, columns))
