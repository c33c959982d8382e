"""UResNet: the segmentation network of SparseSSNet, for sparse and for dense images."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import Any

import flax.linen as nn

from jaxsparse.models.backbones.backbone import (
    EVENT,
    PIXELS,
    Backbone,
    Features,
    View,
    per_view,
)
from jaxsparse.models.fields import POSITIVE_ODD, field
from jaxsparse.nn.blocks import ORDERS, BlockSettings, ConvolutionUnit, ResidualBlock
from jaxsparse.rules import COUNT, one_of, whole


class UResNet(Backbone):
    """A U-Net of residual blocks, each view by itself.

    A submanifold stem; on each of ``depth`` levels ``blocks`` residual blocks, with ``filters``
    more channels a level; between levels a kernel-2 stride-2 convolution down and its inverse up;
    the encoder's output of a level is concatenated before the decoder's blocks. With a
    :class:`~jaxsparse.models.SemanticHead` of five classes the defaults have 3.81 million
    parameters in two dimensions.

    Heads of pixels read the top of the decoder. Heads of events read the bottom of every view,
    batch norm and activation after it; where they are alone there is no decoder.

    The order of batch norm, activation and convolution is pre-activation, that of the published
    network (arXiv 2012.08513, built with ``sparseconvnet.UNet(..., residual_blocks=True)``);
    ``order="convolution_first"`` is the other reading, for comparison. The published network has
    leak 0 in its ReLUs, batch norm with epsilon 1e-4 and momentum 0.9, no bias in convolutions.

    Works in any number of dimensions: the dimension is that of the images. Views may differ in
    shape.

    Named features, each with ``_view_<v>``: ``stem`` and ``encoder_<level>``; ``decoder_<level>``
    where a head reads pixels, ``bottom`` where one reads events.

    Rematerialisation saves memory on CPU only if XLA is told to keep the barriers that make it
    wait, with the compiler option ``xla_disable_hlo_passes`` set to ``cse_barrier_expander``: 94 MB
    instead of 218 for a training step of this network on a plane of 17 thousand sites (JAX 0.10.2),
    and 218 without it (``docs/network.md``). Not measured on accelerators.
    """

    filters: int = field(32, COUNT, "of the finest level; level l has (l + 1) * filters")
    depth: int = field(5, whole(1, 16), "levels")
    blocks: int = field(2, COUNT, "residual blocks a level, each way")
    kernel_size: int = field(3, POSITIVE_ODD, "of the submanifold convolutions")
    order: str = field("norm_first", one_of(*ORDERS), "of batch norm and convolution in a unit")

    @property
    def levels(self) -> int:
        """Levels that every view's geometry must have."""
        return self.depth

    @property
    def kernels(self) -> tuple[int, ...]:
        """Submanifold kernels that every view's geometry must have maps for."""
        return (self.kernel_size,)

    @nn.compact
    def __call__(
        self, settings: BlockSettings, views: Sequence[View], wanted: frozenset[str]
    ) -> Features:
        return self.of_views(settings, views, wanted)

    @nn.nowrap
    def of_views(
        self, settings: BlockSettings, views: Sequence[View], wanted: frozenset[str]
    ) -> Features:
        """Features of views, each by itself; to be called once, within ``__call__``."""
        stems = per_view(
            len(views), self.shared_stem, "stem", functools.partial(self.stem, settings)
        )
        towers = per_view(
            len(views), self.shared_stages, "tower", functools.partial(self.tower, settings)
        )
        every = [
            stages_of(stem, tower, view, wanted)
            for stem, tower, view in zip(stems, towers, views, strict=True)
        ]
        named = {
            f"{stage}_view_{view}": x
            for view, stages in enumerate(every)
            for stage, x in stages.items()
        }
        pixels = tuple(self.top(stages) for stages in every if PIXELS in wanted)
        event = tuple(stages["bottom"] for stages in every if EVENT in wanted)
        return Features(named, pixels, event, self.shared_stages)

    @nn.nowrap
    def stem(self, settings: BlockSettings, name: str) -> Any:
        """The first layer of a view."""
        return settings.layers.SubmanifoldConv(
            self.filters,
            kernel_size=self.kernel_size,
            dtype=settings.dtype,
            implementation=settings.implementation,
            name=name,
        )

    @nn.nowrap
    def tower(self, settings: BlockSettings, name: str) -> UNet:
        """All that a view passes behind its stem."""
        return UNet(self.filters, self.depth, self.blocks, settings, self.remat, name=name)

    @nn.nowrap
    def top(self, stages: dict[str, Any]) -> Any:
        """The features of pixels."""
        return stages["decoder_0" if self.depth > 1 else "encoder_0"]


def stages_of(stem: Any, tower: Any, view: View, wanted: frozenset[str]) -> dict[str, Any]:
    """The output of every stage of a view by name."""
    image, geometry = view
    first = stem(image, geometry)
    return {"stem": first, **tower(first, geometry, wanted)}


class UNet(nn.Module):
    """Encoder and decoder of one view; returns the output of every stage by name.

    Attributes:
      filters: channels of the finest level.
      depth: levels.
      blocks: residual blocks a level, each way.
      settings: of the network.
      remat: compute the inside of blocks again in the backward pass.
    """

    filters: int
    depth: int
    blocks: int
    settings: BlockSettings
    remat: bool = False

    @nn.compact
    def __call__(self, x: Any, geometry: Any, wanted: frozenset[str]) -> dict[str, Any]:
        settings = self.settings
        block = nn.remat(ResidualBlock) if self.remat else ResidualBlock
        channels = [self.filters * (level + 1) for level in range(self.depth)]
        stages: dict[str, Any] = {}

        def through(stage: str, x: Any, features: int) -> Any:
            for index in range(self.blocks):
                x = block(features, settings, name=f"{stage}_block_{index}")(x, geometry)
            stages[stage] = x
            return x

        # Encoder: the finest level first
        for level, features in enumerate(channels):
            if level > 0:
                down = ConvolutionUnit("StridedConv", features, settings, name=f"down_{level}")
                x = down(x, geometry)
            x = through(f"encoder_{level}", x, features)
        if EVENT in wanted:
            stages["bottom"] = settings.batch_norm_and_activation("bottom_norm")(x)

        # Decoder: back to the finest, beside what the encoder had there
        for level, features in reversed(list(enumerate(channels[:-1]))) if PIXELS in wanted else ():
            up = ConvolutionUnit("InverseConv", features, settings, name=f"up_{level}")
            x = settings.layers.concatenate(stages[f"encoder_{level}"], up(x, geometry))
            x = through(f"decoder_{level}", x, features)
        return stages
