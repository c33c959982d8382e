"""The sparse vocabulary: thin layers over :mod:`jaxsparse.ops` on SparseTensor.

Layers are called as ``layer(x, geometry)`` with the geometry of the batch, built once by
:func:`jaxsparse.geometry` and shared by all layers of a level and by both passes. The dense twin,
with the same names, signatures and parameter trees, is :mod:`jaxsparse.nn.dense`. Layers of any
kernel are called with a connection of ``neighbours`` or ``down`` in place of the geometry.

``dtype`` converts the operands around the matrix products only: sums are float32 and features keep
their own type between layers (gathers and elementwise code in bfloat16 are slow on CPU).
"""

from typing import Any

import flax.linen as nn
from jax.typing import DTypeLike
from jaxtyping import Array, Float

from jaxsparse import Geometry, SparseTensor, ops
from jaxsparse.errors import InputError
from jaxsparse.nn.connection import down, neighbours
from jaxsparse.nn.general import ChannelwiseConv, GeneralConv
from jaxsparse.nn.normalization import BatchNorm
from jaxsparse.nn.parameters import convolution_weights, parameter
from jaxsparse.nn.pointwise import Linear, add, concatenate, relu
from jaxsparse.nn.views import merged_views
from jaxsparse.ops import (
    average_unpooling,
    broadcast_add,
    broadcast_multiply,
    global_average_pooling,
    global_max_pooling,
    global_sum_pooling,
    max_pooling,
)

__all__ = [
    "BatchNorm",
    "ChannelwiseConv",
    "GeneralConv",
    "InverseConv",
    "Linear",
    "StridedConv",
    "SubmanifoldConv",
    "add",
    "average_unpooling",
    "broadcast_add",
    "broadcast_multiply",
    "concatenate",
    "down",
    "enter",
    "global_average_pooling",
    "global_max_pooling",
    "global_sum_pooling",
    "leave",
    "max_pooling",
    "merged_views",
    "neighbours",
    "relu",
]


class SubmanifoldConv(nn.Module):
    """Convolution of stride 1 whose output sites are its input sites (arXiv 1706.01307).

    ``out[o] = bias + sum_k weights[k] . in[o + k - (kernel_size - 1) / 2]`` over the taps whose
    site is active. Parameters: ``weights`` ``[kernel_size ** dim, in, out]``, see
    :func:`~jaxsparse.nn.parameters.convolution_weights`, and ``bias`` ``[out]``, zero.

    Attributes:
        features: channels of the output.
        kernel_size: odd, the same along every axis; one of the geometry's ``kernels``.
        use_bias: add a learned bias.
        dtype: type of the matrix products' operands (None: that of the features).
    """

    features: int
    kernel_size: int = 3
    use_bias: bool = False
    dtype: DTypeLike | None = None

    @nn.compact
    def __call__(self, x: SparseTensor, geometry: Geometry) -> SparseTensor:
        level = geometry.level_of(x)
        maps = geometry.levels[level].kernel_maps
        if self.kernel_size not in maps:
            raise InputError(
                f"kernel_size is {self.kernel_size}: the geometry has maps for {sorted(maps)}, "
                f"build it with kernels=({self.kernel_size},)"
            )
        taps = self.kernel_size**x.dim
        out = _convolve(self, x, maps[self.kernel_size], taps=taps, taps_per_output=taps)
        return geometry.tensor(level, out)


class StridedConv(nn.Module):
    """Convolution with kernel 2 and stride 2, to the sites ``floor(x / 2)`` of the next level.

    ``out[o] = bias + sum_k weights[k] . in[2 o + k]`` over the active fine sites. Parameters as in
    :class:`SubmanifoldConv`.

    Attributes:
        features: channels of the output.
        use_bias: add a learned bias.
        dtype: type of the matrix products' operands (None: that of the features).
    """

    features: int
    use_bias: bool = False
    dtype: DTypeLike | None = None

    @nn.compact
    def __call__(self, x: SparseTensor, geometry: Geometry) -> SparseTensor:
        level = geometry.level_of(x)
        taps = 2**x.dim
        out = _convolve(self, x, _down(geometry, level), taps=taps, taps_per_output=taps)
        return geometry.tensor(level + 1, out)


class InverseConv(nn.Module):
    """The inverse of :class:`StridedConv`: back onto the sites that the finer level had.

    ``out[2 o + k] = bias + weights[k] . in[o]``: each fine site reads its one parent. Parameters as
    in :class:`SubmanifoldConv`, with fan-in ``in``.

    Attributes:
        features: channels of the output.
        use_bias: add a learned bias.
        dtype: type of the matrix products' operands (None: that of the features).
    """

    features: int
    use_bias: bool = False
    dtype: DTypeLike | None = None

    @nn.compact
    def __call__(self, x: SparseTensor, geometry: Geometry) -> SparseTensor:
        level = geometry.level_of(x) - 1
        up = _down(geometry, level).transpose()
        out = _convolve(self, x, up, taps=2**x.dim, taps_per_output=1)
        return geometry.tensor(level, out)


def enter(x: SparseTensor, geometry: Geometry) -> tuple[SparseTensor, Geometry]:
    """A batch in the form that this vocabulary works on: as it is."""
    return x, geometry


def leave(y: SparseTensor, x: SparseTensor) -> Float[Array, "sites channels"]:
    """Features of ``y`` at the sites of the batch ``x`` that entered: the same rows."""
    return y.features


def _convolve(
    module: Any, x: SparseTensor, kernel_map: ops.KernelMap, *, taps: int, taps_per_output: int
) -> Float[Array, "sites out"]:
    weights = convolution_weights(
        module,
        taps=taps,
        taps_per_output=taps_per_output,
        channels=x.features.shape[-1],
        features=module.features,
    )
    bias = None
    if module.use_bias:
        bias = parameter(module, "bias", nn.initializers.zeros, (module.features,))
    return ops.convolution(x.features, weights, kernel_map, bias=bias, compute_dtype=module.dtype)


def _down(geometry: Geometry, level: int) -> ops.KernelMap:
    """The map from ``level`` to the next coarser one."""
    if not 0 <= level < len(geometry.levels) - 1:
        raise InputError(
            f"level {level} to {level + 1}: the geometry has levels 0 to "
            f"{len(geometry.levels) - 1}, build it with more levels"
        )
    down = geometry.levels[level].down
    if down is None:
        raise InputError(
            f"level {level} has no map to the next: build the geometry with more levels"
        )
    return down
