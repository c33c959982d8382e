"""MobileNetV2: a small classifier of events in one or several views, sparse and dense."""

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
from jaxsparse.nn.inverted_residual import InvertedResidual

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


def scaled_channels(channels: int, width: float) -> int:
    """``channels * width`` as a multiple of 8, at least 8 and not below 0.9 of the product.

    Source: the published implementation of MobileNetV2 (``make_divisible``).

    >>> scaled_channels(32, 1.0), scaled_channels(24, 0.5), scaled_channels(24, 0.75)
    (32, 16, 24)
    """
    product = channels * width
    multiple = max(8, int(product + 4) // 8 * 8)
    return multiple + 8 if multiple < 0.9 * product else multiple


class MobileNetV2(nn.Module):
    """Inverted residual blocks, a score a class for every event.

    Every view has a stem (3x3 convolution, 32 channels) and its first ``merge_stage`` stages; then
    the views are merged and the rest is common: the other stages, a linear layer to 1280 channels,
    pooling over the sites of the event, dropout and a linear layer to the scores. Convolutions of
    stride 2 have kernel 3 and read ``2 o - 1`` to ``2 o + 1``, so that the parameters are those of
    the published network: 3,504,872 with one view of 3 channels and 1000 classes.

    Source: Sandler et al., arXiv 1801.04381, whose images are larger and dense; its stem has stride
    2 and its activation is ReLU6.

    Attributes:
        num_classes: scores an event.
        views: images an event.
        width: factor on all numbers of channels, see ``scaled_channels``.
        stages: (expansion, channels, blocks, stride) of every stage, before the factor.
        stem_stride: of the stem, 1 or 2.
        shared_stem: one stem for all views, instead of one each.
        shared_stages: one set of the stages before the merge for all views, instead of one each.
        merge_stage: stages before the views are merged, 0 for right after the stem.
        merge: ``"add"`` or ``"concatenate"``, over the union of the views' sites.
        activation: a name of :data:`jaxsparse.nn.ACTIVATIONS`; ``"relu6"`` is the published one.
        residual: blocks add their input.
        reduction: of the squeeze-and-excitation in every block, 0 for none.
        coordinate_inputs: the pixel's coordinates are channels of the input too.
        last_channels: of the linear layer before the pooling; ``width`` above 1 multiplies them.
        pooling: over the sites of an event: ``"average"``, ``"max"``, ``"sum"``, ``"log_sum"``, or
            several joined by ``+``, see :class:`~jaxsparse.nn.ClassifierHead`.
        dropout: share of the pooled features that is dropped in training.
        vocabulary: ``"sparse"`` or ``"dense"``. The parameters are the same.
        dtype: type of the matrix products' operands, ``"float32"`` (None) or ``"bfloat16"``.
        momentum: of batch norm's running statistics.
        remat: compute the inside of blocks again in the backward pass instead of storing it.
        axis_name: mapped axis over which batch norm sums its moments (None: this device alone).

    >>> import jax, jaxsparse
    >>> x = jaxsparse.sparse_tensor([[0, 3, 4], [0, 3, 5]], [[1.0], [2.0]], spatial_shape=(8, 8),
    ...                             batch_size=2, capacity=4)
    >>> network = MobileNetV2(num_classes=3, views=1, width=0.25, stages=((1, 16, 1, 2),),
    ...                       merge_stage=1)
    >>> @jax.jit
    ... def initial_scores(key, x):
    ...     views = (x,), (jaxsparse.geometry(x, levels=network.levels, kernels=network.kernels),)
    ...     variables = network.init(key, *views, train=False)
    ...     return network.apply(variables, *views, train=False)
    >>> logits, intermediates = initial_scores(jax.random.key(0), x)
    >>> logits.shape, sorted(intermediates)
    ((2, 3), ['features', 'merged', 'stage_0_view_0', 'stem_view_0'])
    """

    task: ClassVar[str] = "classification"

    num_classes: int = 5
    views: int = 2
    width: float = 1.0
    stages: tuple[tuple[int, int, int, int], ...] = STAGES
    stem_stride: int = 1
    shared_stem: bool = False
    shared_stages: bool = False
    merge_stage: int = 3
    merge: str = "add"
    activation: str = "mish"
    residual: bool = True
    reduction: int = 0
    coordinate_inputs: bool = False
    last_channels: int = LAST_CHANNELS
    pooling: str = "average"
    dropout: float = 0.0
    vocabulary: str = "sparse"
    dtype: str | None = None
    momentum: float = 0.9
    remat: bool = False
    axis_name: str | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        if not 0 <= self.merge_stage <= len(self.stages):
            raise InputError(
                f"merge_stage is {self.merge_stage}: must be from 0 to the {len(self.stages)} "
                "stages of the network"
            )
        if self.stem_stride not in (1, 2):
            raise InputError(f"stem_stride is {self.stem_stride}: must be 1 or 2")

    @property
    def levels(self) -> int:
        """Levels that every view's geometry must have."""
        return 1 + (self.stem_stride == 2) + sum(stage[3] == 2 for stage in self.stages)

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
            ``stem_view_<v>`` and ``stage_<s>_view_<v>`` of every view, ``merged``, ``stage_<s>`` of
            the common stages, ``features`` before the pooling.

        Raises:
            InputError: another number of views, views of different shapes, too few levels.
        """
        settings = BlockSettings(
            train=train,
            vocabulary=self.vocabulary,
            order="convolution_first",
            dtype=None if self.dtype is None else jnp.dtype(self.dtype),
            momentum=self.momentum,
            axis_name=self.axis_name,
            activation=self.activation,
            residual=self.residual,
        )
        layers = settings.layers
        block = nn.remat(InvertedResidual) if self.remat else InvertedResidual
        intermediates: dict[str, Any] = {}

        def connection(x: Any, geometry: Any, stride: int) -> Any:
            level = geometry.level_of(x)
            return (layers.neighbours if stride == 1 else layers.down)(
                geometry, level, kernel_size=3
            )

        def make_stage(index: int, suffix: str = "") -> list[Any]:
            expansion, channels, blocks, _ = self.stages[index]
            features = scaled_channels(channels, self.width)
            return [
                block(
                    features, expansion, settings, self.reduction,
                    name=f"stage_{index}{suffix}_block_{number}",
                )
                for number in range(blocks)
            ]  # fmt: skip

        def through(stage: list[Any], x: Any, geometry: Any, index: int) -> Any:
            for number, one in enumerate(stage):
                x = one(x, connection(x, geometry, self.stages[index][3] if number == 0 else 1))
            return x

        # The views, each by itself
        views = enter_views(
            settings,
            images,
            geometries,
            views=self.views,
            coordinate_inputs=self.coordinate_inputs,
        )
        stem_channels = scaled_channels(STEM_CHANNELS, self.width)
        stems = [
            ConnectedUnit("GeneralConv", stem_channels, settings, name=name)
            for name in (
                ["stem"] if self.shared_stem else [f"stem_view_{v}" for v in range(self.views)]
            )
        ]
        own = [
            [make_stage(index, suffix) for index in range(self.merge_stage)]
            for suffix in (
                [""] if self.shared_stages else [f"_view_{v}" for v in range(self.views)]
            )
        ]
        towers = []
        for view, (x, geometry) in enumerate(views):
            stem = stems[0 if self.shared_stem else view]
            x = stem(x, connection(x, geometry, self.stem_stride))
            intermediates[f"stem_view_{view}"] = x
            for index, stage in enumerate(own[0 if self.shared_stages else view]):
                x = through(stage, x, geometry, index)
                intermediates[f"stage_{index}_view_{view}"] = x
            towers.append(x)

        # All views on the union of their sites
        x, geometry = towers[0], views[0][1]
        if self.views > 1:
            level = geometry.level_of(x)
            union = layers.merged_views([g for _, g in views], level, kernels=self.kernels)
            x, geometry = union.merge(towers, self.merge), union.geometry
        intermediates["merged"] = x
        for index in range(self.merge_stage, len(self.stages)):
            x = through(make_stage(index), x, geometry, index)
            intermediates[f"stage_{index}"] = x

        # Scores
        last = (
            scaled_channels(self.last_channels, self.width)
            if self.width > 1
            else self.last_channels
        )
        x = ConnectedUnit("Linear", last, settings, name="last")(x)
        intermediates["features"] = x
        head = ClassifierHead(self.num_classes, settings, self.pooling, self.dropout, name="head")
        return head(x), intermediates
