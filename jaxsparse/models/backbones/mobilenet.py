"""MobileNetV2: a small network of inverted residual blocks, for any number of views."""

import dataclasses
from collections.abc import Sequence
from typing import Any, ClassVar

import flax.linen as nn

from jaxsparse.errors import InputError
from jaxsparse.models.backbones.backbone import (
    EVENT,
    PIXELS,
    Backbone,
    Features,
    View,
    on_image,
    per_view,
)
from jaxsparse.models.fields import are_integers, field
from jaxsparse.nn.activations import ACTIVATIONS
from jaxsparse.nn.blocks import BlockSettings, ConvolutionUnit
from jaxsparse.nn.inverted_residual import InvertedResidual
from jaxsparse.nn.views import MERGES
from jaxsparse.rules import COUNT, POSITIVE, Rule, one_of, whole

# Expansion, channels, blocks and stride of every stage: table 2 of arXiv 1801.04381.
STAGES = (
    (1, 16, 1, 1),
    (6, 24, 2, 2),
    (6, 32, 3, 2),
    (6, 64, 4, 2),
    (6, 96, 3, 1),
    (6, 160, 3, 2),
    (6, 320, 1, 1),
)
STEM_CHANNELS, LAST_CHANNELS = 32, 1280
Stages = tuple[tuple[int, int, int, int], ...]
_STAGES = Rule(
    "be one or more (expansion, channels, blocks, stride) of positive integers with stride 1 or 2",
    lambda value: (
        isinstance(value, tuple)
        and len(value) > 0
        and all(are_integers(stage, 4) and stage[3] <= 2 for stage in value)
    ),
)


def scaled_channels(channels: int, width: float) -> int:
    """``channels * width`` as a multiple of 8, at least 8 and not below 0.9 of the product.

    Source: the published implementation of MobileNetV2 (``make_divisible``).

    >>> scaled_channels(32, 1.0), scaled_channels(24, 0.5), scaled_channels(24, 0.75)
    (32, 16, 24)
    """
    product = channels * width
    multiple = max(8, int(product + 4) // 8 * 8)
    return multiple + 8 if multiple < 0.9 * product else multiple


class MobileNetV2(Backbone):
    """Inverted residual blocks, each view by itself and then all views together.

    Every view has a stem (3x3 convolution, 32 channels) and its first ``merge_stage`` stages; then
    the views are merged and the rest is common: the other stages and a linear layer to 1280
    channels, which heads of events read. Convolutions of stride 2 have kernel 3 and read
    ``2 o - 1`` to ``2 o + 1``, so that the parameters are those of the published network: 3,504,872
    with one view of 3 channels and an :class:`~jaxsparse.models.EventHead` of 1000 classes.

    Heads of pixels read the stem and the stages of a view side by side on the pixels of its image,
    see :func:`~jaxsparse.models.backbones.backbone.on_image`; what comes after the merge is of no
    view. Where they are alone there is nothing after the merge.

    Source: Sandler et al., arXiv 1801.04381, whose images are larger and dense; its stem has stride
    2 and its activation is ReLU6.

    Named features: ``stem_view_<v>`` and ``stage_<s>_view_<v>`` of every view, ``merged``,
    ``stage_<s>`` of the common stages, ``last``.

    Raises:
      InputError: more stages before the merge than there are.

    >>> from jaxsparse.models import EventHead, Network
    >>> network = Network(
    ...     MobileNetV2(width=0.25, stages=((1, 16, 1, 2),), merge_stage=1), {"event": EventHead(3)}
    ... )
    >>> network.levels
    2
    """

    order: ClassVar[str] = "convolution_first"

    activation: str = field("mish", one_of(*ACTIVATIONS), "of all blocks and heads")
    stem_stride: int = field(1, whole(1, 2), "published: 2")
    merge: str = field("add", one_of(*MERGES), "how views meet on the union of their sites")
    width: float = field(1.0, POSITIVE, "factor on all numbers of channels")
    stages: Stages = field(STAGES, _STAGES, "(expansion, channels, blocks, stride) of each")
    merge_stage: int = field(3, whole(0), "stages of each view by itself; 0: merged after the stem")
    reduction: int = field(0, whole(0, words="0 for none"), "of squeeze-and-excitation in blocks")
    last_channels: int = field(
        LAST_CHANNELS, COUNT, "of the linear layer before the pooling; width above 1 multiplies it"
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.merge_stage > len(self.stages):
            raise InputError(
                f"merge_stage is {self.merge_stage}: must be from 0 to the {len(self.stages)} "
                "stages of the network"
            )

    @property
    def levels(self) -> int:
        """Levels that every view's geometry must have."""
        return 1 + (self.stem_stride == 2) + sum(stage[3] == 2 for stage in self.stages)

    @nn.compact
    def __call__(
        self, settings: BlockSettings, views: Sequence[View], wanted: frozenset[str]
    ) -> Features:
        def part(first: int, last: int, name: str) -> InvertedStages:
            return InvertedStages(
                self.stages[first:last], first, self.width, self.reduction, settings, self.remat,
                name=name,
            )  # fmt: skip

        # The views, each by itself
        channels = scaled_channels(STEM_CHANNELS, self.width)
        stems = per_view(
            self.views,
            self.shared_stem,
            "stem",
            lambda name: ConvolutionUnit("GeneralConv", channels, settings, name=name),
        )
        towers = per_view(
            self.views, self.shared_stages, "tower", lambda name: part(0, self.merge_stage, name)
        )
        named: dict[str, Any] = {}
        ends, pixels = [], []
        for view, (image, geometry) in enumerate(views):
            stem = stems[view](image, _connection(settings, image, geometry, self.stem_stride))
            stages = {"stem": stem, **towers[view](stem, geometry)}
            named |= {f"{stage}_view_{view}": x for stage, x in stages.items()}
            ends.append(list(stages.values())[-1:])
            if PIXELS in wanted:
                pixels.append(on_image(settings, stages.values(), image, geometry))
        features = Features(named, tuple(pixels), shared=self.shared_stages)
        if EVENT not in wanted:
            return features

        # All views on the union of their sites
        (x,), geometry = self.merged(settings, views, ends)
        named["merged"] = x
        stages = part(self.merge_stage, len(self.stages), "merged")(x, geometry)
        named |= stages
        last = self.last_channels
        if self.width > 1:
            last = scaled_channels(last, self.width)
        x = list(stages.values())[-1] if stages else x
        named["last"] = ConvolutionUnit("Linear", last, settings, name="last")(x)
        return dataclasses.replace(features, event=(named["last"],))


class InvertedStages(nn.Module):
    """Stages of inverted residual blocks, one after the other; returns their outputs by name.

    Attributes:
      stages: (expansion, channels, blocks, stride) of each.
      first: number of the first of them in the network.
      width: factor on the numbers of channels.
      reduction: of squeeze-and-excitation, 0 for none.
      settings: of the network.
      remat: compute the inside of blocks again in the backward pass.
    """

    stages: Stages
    first: int
    width: float
    reduction: int
    settings: BlockSettings
    remat: bool = False

    @nn.compact
    def __call__(self, x: Any, geometry: Any) -> dict[str, Any]:
        block = nn.remat(InvertedResidual) if self.remat else InvertedResidual
        outputs = {}
        for stage, (expansion, channels, blocks, stride) in enumerate(self.stages, self.first):
            features = scaled_channels(channels, self.width)
            for number in range(blocks):
                here = _connection(self.settings, x, geometry, stride if number == 0 else 1)
                name = f"stage_{stage}_block_{number}"
                x = block(features, expansion, self.settings, self.reduction, name=name)(x, here)
            outputs[f"stage_{stage}"] = x
        return outputs


def _connection(settings: BlockSettings, x: Any, geometry: Any, stride: int) -> Any:
    """Of kernel 3, from the sites of ``x``."""
    layers = settings.layers
    kind = layers.neighbours if stride == 1 else layers.down
    return kind(geometry, geometry.level_of(x), kernel_size=3)
