"""FishNet: tail, body and head, a classifier of events in one or several views."""

import dataclasses
from collections.abc import Sequence
from typing import Any, ClassVar

import flax.linen as nn
import jax.numpy as jnp
from jaxtyping import Array, Float32

from jaxsparse import Geometry, SparseTensor
from jaxsparse.errors import InputError
from jaxsparse.models.views import enter_views
from jaxsparse.nn.blocks import BlockSettings
from jaxsparse.nn.classifier_head import ClassifierHead
from jaxsparse.nn.connected_unit import ConnectedUnit
from jaxsparse.nn.dense_tensor import DenseGeometry, DenseTensor
from jaxsparse.nn.fish import FishBlock, FishBridge, FishStem

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


class FishNet(nn.Module):
    """Down, up and down again, never losing a resolution; a score a class for every event.

    ``tail``: three stages of bottleneck blocks, each followed by max pooling. ``bridge``:
    squeeze-and-excitation on the coarsest level. ``body``: three stages of refinement that reduce
    the channels, with dilation 1, 2 and 4, each followed by up-sampling and joined by the tail's
    features of that level. ``head``: three stages, each followed by max pooling and joined by the
    body's features of that level; then batch norm, activation, a linear layer to half of the
    channels, batch norm, activation, pooling over the sites of the event and a linear layer to the
    scores.

    Every view has a stem, a tail, a bridge and a body; at the top of the body, and on the levels
    below that the head looks back to, the views are merged, and one head does the rest.

    Up-sampling copies the parent, pooling has kernel 2, both from and to ``floor(x / 2)``. With one
    view of 3 channels and 1000 classes the presets have 16,628,904, 24,959,400 and 44,584,552
    parameters, the published 16.6, 24.96 and 44.5 million.

    Source: Sun et al., arXiv 1901.03495, and the authors' implementation
    (github.com/kevin-ssy/FishNet), whose images are larger and dense: its stem has stride 4 and its
    activation is ReLU.

    Attributes:
        num_classes: scores an event.
        views: images an event.
        preset: ``"99"``, ``"150"``, ``"201"`` or ``"small"``.
        planes: instead of those of the preset, see ``FishPlan``.
        residual_blocks: instead of those of the preset.
        transfer_blocks: instead of those of the preset.
        stem_stride: of the stem, 1, 2, or 4: 2 and a max pooling.
        shared_stem: one stem for all views, instead of one each.
        merge: ``"add"`` or ``"concatenate"``, over the union of the views' sites.
        activation: a name of :data:`jaxsparse.nn.ACTIVATIONS`.
        residual: blocks add their shortcut.
        coordinate_inputs: the pixel's coordinates are channels of the input too.
        pooling: over the sites of an event: ``"average"``, ``"max"``, ``"sum"``, ``"log_sum"``, or
            several joined by ``+``, see :class:`~jaxsparse.nn.ClassifierHead`.
        dropout: share of the pooled features that is dropped in training.
        vocabulary: ``"sparse"`` or ``"dense"``. The parameters are the same.
        dtype: type of the matrix products' operands, ``"float32"`` (None) or ``"bfloat16"``.
        momentum: of batch norm's running statistics.
        remat: compute the inside of blocks again in the backward pass instead of storing it.
        axis_name: mapped axis over which batch norm sums its moments (None: this device alone).
    """

    task: ClassVar[str] = "classification"

    num_classes: int = 5
    views: int = 2
    preset: str = "150"
    planes: tuple[int, ...] | None = None
    residual_blocks: tuple[int, ...] | None = None
    transfer_blocks: tuple[int, ...] | None = None
    stem_stride: int = 1
    shared_stem: bool = False
    merge: str = "add"
    activation: str = "mish"
    residual: bool = True
    coordinate_inputs: bool = False
    pooling: str = "average"
    dropout: float = 0.0
    vocabulary: str = "sparse"
    dtype: str | None = None
    momentum: float = 0.9
    remat: bool = False
    axis_name: str | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.preset not in PRESETS:
            raise InputError(f"preset is {self.preset!r}: must be one of {', '.join(PRESETS)}")
        if self.stem_stride not in (1, 2, 4):
            raise InputError(f"stem_stride is {self.stem_stride}: must be 1, 2 or 4")

    @property
    def plan(self) -> FishPlan:
        """The preset with what was given instead."""
        names = [field.name for field in dataclasses.fields(FishPlan)]
        given = {name: getattr(self, name) for name in names if getattr(self, name) is not None}
        return dataclasses.replace(PRESETS[self.preset], **given)

    @property
    def levels(self) -> int:
        """Levels that every view's geometry must have."""
        return 1 + {1: 0, 2: 1, 4: 2}[self.stem_stride] + DOWNS

    @property
    def kernels(self) -> tuple[int, ...]:
        """Submanifold kernels that every view's geometry should have."""
        return (3,)

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
            The logits, float32 ``[events, num_classes]``, and a dictionary of tensors:
            ``stem_view_<v>``, ``tail_<i>_view_<v>``, ``bridge_view_<v>`` and ``body_<i>_view_<v>``
            of every view, ``merged`` at the top of the body, ``head_<i>``, and ``features`` before
            the pooling.

        Raises:
            InputError: another number of views, views of different shapes, too few levels, channels
                that a refinement cannot reduce to its planes.
        """
        settings = BlockSettings(
            train=train,
            vocabulary=self.vocabulary,
            order="norm_first",
            dtype=None if self.dtype is None else jnp.dtype(self.dtype),
            momentum=self.momentum,
            axis_name=self.axis_name,
            activation=self.activation,
            residual=self.residual,
        )
        layers, plan = settings.layers, self.plan
        block = nn.remat(FishBlock) if self.remat else FishBlock
        intermediates: dict[str, Any] = {}

        def blocks(
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
            level = geometry.level_of(x)
            here = layers.neighbours(geometry, level, kernel_size=3, dilation=dilation)
            for index in range(count):
                kind = shortcut if index == 0 else "projection"
                x = block(features, settings, kind, name=f"{name}_block_{index}")(x, here)
            return x

        def pool(x: Any, geometry: Any) -> Any:
            return layers.max_pooling(x, layers.down(geometry, geometry.level_of(x)))

        def transfer(x: Any, geometry: Any, stage: int, name: str) -> Any:
            """Earlier features on their way to a stage of body or head."""
            count = plan.transfer_blocks[stage]
            return blocks(x, geometry, x.features.shape[-1], count, f"{name}_transfer")

        def tail_and_body(x: Any, geometry: Any, suffix: str) -> list[Any]:
            """Features of the bridge and of the stages of the body."""
            tail = [x]
            for stage in range(DOWNS):
                name = f"tail_{stage}{suffix}"
                features, count = plan.planes[1 + stage], plan.residual_blocks[stage]
                x = pool(blocks(x, geometry, features, count, name), geometry)
                intermediates[name] = x
                tail.append(x)
            name = f"bridge{suffix}"
            here = layers.neighbours(geometry, geometry.level_of(x), kernel_size=3)
            bridge = FishBridge(
                plan.planes[1 + DOWNS], plan.residual_blocks[DOWNS], settings, self.remat, name=name
            )
            x = bridge(x, here)
            intermediates[name] = x
            body = [x]
            for stage in range(UPS):
                name = f"body_{stage}{suffix}"
                index = DOWNS + 1 + stage
                trunk = blocks(
                    x,
                    geometry,
                    plan.planes[1 + index],
                    plan.residual_blocks[index],
                    name,
                    shortcut="reduction",
                    dilation=2**stage,
                )
                up = layers.down(geometry, geometry.level_of(x) - 1)
                beside = transfer(tail[DOWNS - 1 - stage], geometry, stage, name)
                x = layers.concatenate(layers.average_unpooling(trunk, up), beside)
                intermediates[name] = x
                body.append(x)
            return body

        # The views, each by itself
        views = enter_views(
            settings,
            images,
            geometries,
            views=self.views,
            coordinate_inputs=self.coordinate_inputs,
        )
        names = ["stem"] if self.shared_stem else [f"stem_view_{v}" for v in range(self.views)]
        stems = [FishStem(plan.planes[0], settings, name=name) for name in names]
        bodies = []
        for view, (x, geometry) in enumerate(views):
            first = layers.neighbours(geometry, 0, kernel_size=3)
            others = first
            if self.stem_stride > 1:
                first = layers.down(geometry, 0, kernel_size=3)
                others = layers.neighbours(geometry, 1, kernel_size=3)
            x = stems[0 if self.shared_stem else view](x, first, others)
            x = pool(x, geometry) if self.stem_stride == 4 else x
            intermediates[f"stem_view_{view}"] = x
            bodies.append(tail_and_body(x, geometry, f"_view_{view}"))

        # All views on the union of their sites, at the top of the body and below
        body, geometry = bodies[0], views[0][1]
        if self.views > 1:
            body, geometry = self._merged(layers, bodies, [g for _, g in views])
        x = body[-1]
        intermediates["merged"] = x

        # The head
        for stage in range(DOWNS):
            name = f"head_{stage}"
            index = DOWNS + 1 + UPS + stage
            trunk = blocks(x, geometry, plan.planes[1 + index], plan.residual_blocks[index], name)
            beside = transfer(body[UPS - 1 - stage], geometry, UPS + stage, name)
            x = layers.concatenate(pool(trunk, geometry), beside)
            intermediates[name] = x

        # Scores
        x = ConnectedUnit("Linear", x.features.shape[-1] // 2, settings, name="last")(x)
        x = settings.activate(settings.batch_norm("last_norm")(x))
        intermediates["features"] = x
        head = ClassifierHead(self.num_classes, settings, self.pooling, self.dropout, name="head")
        return head(x), intermediates

    def _merged(
        self, layers: Any, bodies: Sequence[Sequence[Any]], geometries: Sequence[Any]
    ) -> tuple[list[Any], Any]:
        """The bodies' features, stage by stage, on the union of the views' sites."""
        top = geometries[0].level_of(bodies[0][-1])
        union = layers.merged_views(geometries, top, kernels=self.kernels)
        merged = [union.merge(stage, self.merge) for stage in zip(*bodies, strict=True)]
        return merged, union.geometry
