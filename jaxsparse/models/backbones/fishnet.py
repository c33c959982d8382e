"""FishNet: tail, body and head, for any number of views."""

import dataclasses
from collections.abc import Sequence
from typing import Any, ClassVar

import flax.linen as nn

from jaxsparse.models.backbones.backbone import (
    EVENT,
    PIXELS,
    Backbone,
    Features,
    View,
    on_image,
    per_view,
)
from jaxsparse.models.fields import field, tuple_of
from jaxsparse.nn.activations import ACTIVATIONS
from jaxsparse.nn.blocks import BlockSettings, ConvolutionUnit
from jaxsparse.nn.fish import FishBlock, FishBridge, FishStem
from jaxsparse.nn.views import MERGES
from jaxsparse.rules import Rule, one_of

DOWNS = UPS = 3  # steps down of the tail and of the head, steps up of the body


@dataclasses.dataclass(frozen=True)
class FishPlan:
    """The numbers that make up a fish.

    Attributes:
      planes: 11 numbers of channels: stem, 3 stages of the tail, the bridge, 3 of the body, 3 of
        the head.
      residual_blocks: 10, the blocks of those stages after the stem.
      transfer_blocks: 6, the blocks on the way of earlier features to the stages of body and
        head.
    """

    planes: tuple[int, ...]
    residual_blocks: tuple[int, ...]
    transfer_blocks: tuple[int, ...]


_PLANES = (64, 128, 256, 512, 512, 512, 384, 256, 320, 832, 1600)

# The published ones, and a small one of a quarter of the channels and one block each.
PRESETS = {
    "99": FishPlan(_PLANES, (2, 2, 6, 2, 1, 1, 1, 1, 2, 2), (1, 1, 1, 1, 1, 4)),
    "150": FishPlan(_PLANES, (2, 4, 8, 4, 2, 2, 2, 2, 2, 4), (2, 2, 2, 2, 2, 4)),
    "201": FishPlan(_PLANES, (3, 4, 12, 4, 2, 2, 2, 2, 3, 10), (2, 2, 2, 2, 2, 9)),
    "small": FishPlan(tuple(n // 4 for n in _PLANES), (1,) * 10, (1,) * 6),
}


class FishNet(Backbone):
    """Down, up and down again, never losing a resolution.

    ``tail``: three stages of bottleneck blocks, each followed by max pooling. ``bridge``:
    squeeze-and-excitation on the coarsest level. ``body``: three stages of refinement that reduce
    the channels, with dilation 1, 2 and 4, each followed by up-sampling and joined by the tail's
    features of that level. ``head``: three stages, each followed by max pooling and joined by the
    body's features of that level; then batch norm, activation, a linear layer to half of the
    channels, batch norm and activation, which heads of events read.

    Every view has a stem, a tail, a bridge and a body; at the top of the body, and on the levels
    below that the head looks back to, the views are merged, and one head does the rest. Heads of
    pixels read the top of every view's body, on the pixels of its image, see
    :func:`~jaxsparse.models.backbones.backbone.on_image`. Where they are alone nothing is merged.

    Up-sampling copies the parent, pooling has kernel 2, both from and to ``floor(x / 2)``. With one
    view of 3 channels and an :class:`~jaxsparse.models.EventHead` of 1000 classes the presets have
    16,628,904, 24,959,400 and 44,584,552 parameters, the published 16.6, 24.96 and 44.5 million.

    Source: Sun et al., arXiv 1901.03495, and the authors' implementation
    (github.com/kevin-ssy/FishNet), whose images are larger and dense: its stem has stride 4 and its
    activation is ReLU.

    Named features: ``stem_view_<v>``, ``tail_<i>_view_<v>``, ``bridge_view_<v>`` and
    ``body_<i>_view_<v>`` of every view, ``merged`` at the top of the body, ``head_<i>``, ``last``.

    Raises:
      InputError: channels that a refinement cannot reduce to its planes.
    """

    order: ClassVar[str] = "norm_first"

    activation: str = field("mish", one_of(*ACTIVATIONS), "of all blocks and heads")
    stem_stride: int = field(
        1, Rule("be 1, 2 or 4", lambda value: value in (1, 2, 4)),
        "2, or 4: 2 and a max pooling; published: 4",
    )  # fmt: skip
    merge: str = field("add", one_of(*MERGES), "how views meet on the union of their sites")
    preset: str = field("150", one_of(*PRESETS), "a plan, see FishPlan")
    planes: tuple[int, ...] = field((), tuple_of(11), "instead of those of the preset")
    residual_blocks: tuple[int, ...] = field((), tuple_of(10), "instead of those of the preset")
    transfer_blocks: tuple[int, ...] = field(
        (), tuple_of(6, lowest=0), "instead of those of the preset"
    )

    @property
    def plan(self) -> FishPlan:
        """The preset with what was given instead."""
        names = [each.name for each in dataclasses.fields(FishPlan)]
        given = {name: getattr(self, name) for name in names if getattr(self, name)}
        return dataclasses.replace(PRESETS[self.preset], **given)

    @property
    def levels(self) -> int:
        """Levels that every view's geometry must have."""
        return 1 + {1: 0, 2: 1, 4: 2}[self.stem_stride] + DOWNS

    @nn.compact
    def __call__(
        self, settings: BlockSettings, views: Sequence[View], wanted: frozenset[str]
    ) -> Features:
        layers, plan = settings.layers, self.plan

        # The views, each by itself
        stems = per_view(
            self.views,
            self.shared_stem,
            "stem",
            lambda name: FishStem(plan.planes[0], settings, name=name),
        )
        towers = per_view(
            self.views,
            self.shared_stages,
            "tower",
            lambda name: TailAndBody(plan, settings, self.remat, name=name),
        )
        named: dict[str, Any] = {}
        bodies, pixels = [], []
        for view, (image, geometry) in enumerate(views):
            first = layers.neighbours(geometry, 0, kernel_size=3)
            others = first
            if self.stem_stride > 1:
                first = layers.down(geometry, 0, kernel_size=3)
                others = layers.neighbours(geometry, 1, kernel_size=3)
            x = stems[view](image, first, others)
            x = _pool(settings, x, geometry) if self.stem_stride == 4 else x
            stages = {"stem": x, **towers[view](x, geometry)}
            named |= {f"{stage}_view_{view}": x for stage, x in stages.items()}
            body = [stages["bridge"], *(stages[f"body_{stage}"] for stage in range(UPS))]
            bodies.append(body)
            if PIXELS in wanted:
                pixels.append(on_image(settings, body[-1:], image, geometry))
        features = Features(named, tuple(pixels), shared=self.shared_stages)
        if EVENT not in wanted:
            return features

        # All views on the union of their sites, at the top of the body and below
        body, geometry = self.merged(settings, views, bodies)
        named["merged"] = body[-1]
        stages = FishHead(plan, settings, self.remat, name="merged")(body, geometry)
        named |= stages
        x = stages[f"head_{DOWNS - 1}"]
        x = ConvolutionUnit("Linear", x.features.shape[-1] // 2, settings, name="last")(x)
        named["last"] = settings.batch_norm_and_activation("last_norm")(x)
        return dataclasses.replace(features, event=(named["last"],))


class FishPart(nn.Module):
    """A part of the fish.

    Attributes:
      plan: of the network.
      settings: of the network.
      remat: compute the inside of blocks again in the backward pass.
    """

    plan: FishPlan
    settings: BlockSettings
    remat: bool = False

    @nn.nowrap
    def blocks(
        self,
        x: Any,
        geometry: Any,
        features: int,
        count: int,
        name: str,
        *,
        shortcut: str = "projection",
        dilation: int = 1,
    ) -> Any:
        """So many blocks; the first one changes the number of channels."""
        block = nn.remat(FishBlock) if self.remat else FishBlock
        level = geometry.level_of(x)
        here = self.settings.layers.neighbours(geometry, level, kernel_size=3, dilation=dilation)
        for index in range(count):
            kind = shortcut if index == 0 else "projection"
            x = block(features, self.settings, kind, name=f"{name}_block_{index}")(x, here)
        return x

    @nn.nowrap
    def transfer(self, x: Any, geometry: Any, stage: int, name: str) -> Any:
        """Earlier features on their way to a stage of body or head."""
        count = self.plan.transfer_blocks[stage]
        return self.blocks(x, geometry, x.features.shape[-1], count, f"{name}_transfer")


class TailAndBody(FishPart):
    """What a view passes by itself, behind its stem; returns the output of every stage by name."""

    @nn.compact
    def __call__(self, x: Any, geometry: Any) -> dict[str, Any]:
        plan, settings, layers = self.plan, self.settings, self.settings.layers
        tail, stages = [x], {}
        for stage in range(DOWNS):
            name = f"tail_{stage}"
            planes, count = plan.planes[1 + stage], plan.residual_blocks[stage]
            x = self.blocks(x, geometry, planes, count, name)
            x = stages[name] = _pool(self.settings, x, geometry)
            tail.append(x)
        here = layers.neighbours(geometry, geometry.level_of(x), kernel_size=3)
        bridge = FishBridge(
            plan.planes[1 + DOWNS], plan.residual_blocks[DOWNS], settings, self.remat, name="bridge"
        )
        x = stages["bridge"] = bridge(x, here)
        for stage in range(UPS):
            name, index = f"body_{stage}", DOWNS + 1 + stage
            trunk = self.blocks(
                x, geometry, plan.planes[1 + index], plan.residual_blocks[index], name,
                shortcut="reduction", dilation=2**stage,
            )  # fmt: skip
            up = layers.down(geometry, geometry.level_of(x) - 1)
            beside = self.transfer(tail[DOWNS - 1 - stage], geometry, stage, name)
            x = stages[name] = layers.concatenate(layers.average_unpooling(trunk, up), beside)
        return stages


class FishHead(FishPart):
    """What all views pass together; returns the output of every stage by name."""

    @nn.compact
    def __call__(self, body: Sequence[Any], geometry: Any) -> dict[str, Any]:
        x, stages = body[-1], {}
        for stage in range(DOWNS):
            name, index = f"head_{stage}", DOWNS + 1 + UPS + stage
            planes, count = self.plan.planes[1 + index], self.plan.residual_blocks[index]
            trunk = self.blocks(x, geometry, planes, count, name)
            beside = self.transfer(body[UPS - 1 - stage], geometry, UPS + stage, name)
            pooled = _pool(self.settings, trunk, geometry)
            x = stages[name] = self.settings.layers.concatenate(pooled, beside)
        return stages


def _pool(settings: BlockSettings, x: Any, geometry: Any) -> Any:
    layers = settings.layers
    return layers.max_pooling(x, layers.down(geometry, geometry.level_of(x)))
