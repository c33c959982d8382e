"""The dense vocabulary: the names of :mod:`jaxsparse.nn.sparse` on whole images.

Layers are called as ``layer(x, geometry)`` with a :class:`~jaxsparse.nn.dense_tensor.DenseTensor`
and have the very parameter tree of their sparse namesakes, so that one set of weights serves both.

*Masked mode* (``x.mask`` given) computes the function of the sparse vocabulary: features are zero
outside the mask after every layer and statistics count the active pixels only. *Plain mode*
(``x.mask`` is None) is what a user of dense convolutions runs: :func:`jax.lax` convolutions and
ordinary batch norm over every pixel. The first is the oracle of the tests, the second the baseline
that is timed.
"""

from typing import Any

import flax.linen as nn
import jax.numpy as jnp
from jax import lax
from jax.typing import DTypeLike
from jaxtyping import Array, Float

from jaxsparse import Geometry, SparseTensor
from jaxsparse.errors import InputError
from jaxsparse.nn.dense_connection import down, neighbours
from jaxsparse.nn.dense_events import (
    broadcast_add,
    broadcast_multiply,
    global_average_pooling,
    global_max_pooling,
    global_sum_pooling,
)
from jaxsparse.nn.dense_general import (
    ChannelwiseConv,
    GeneralConv,
    average_unpooling,
    max_pooling,
)
from jaxsparse.nn.dense_tensor import DenseGeometry, DenseTensor, rows_of, to_dense_tensor
from jaxsparse.nn.dense_tensor import geometry as dense_geometry
from jaxsparse.nn.normalization import BatchNorm
from jaxsparse.nn.parameters import convolution_weights, parameter
from jaxsparse.nn.pointwise import Linear, add, add_bias, concatenate, relu
from jaxsparse.nn.views import dense_merged_views as merged_views
from jaxsparse.ops.precision import precision_for

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
    """Convolution of stride 1 with zero padding; in masked mode the active pixels stay the same.

    ``out[o] = bias + sum_k weights[k] . in[o + k - (kernel_size - 1) / 2]``

    Attributes:
        features: channels of the output.
        kernel_size: odd, the same along every axis.
        use_bias: add a learned bias.
        dtype: type of the convolution's operands (None: that of the features); the result has the
            type of the features.
    """

    features: int
    kernel_size: int = 3
    use_bias: bool = False
    dtype: DTypeLike | None = None

    @nn.compact
    def __call__(self, x: DenseTensor, geometry: DenseGeometry) -> DenseTensor:
        level = geometry.level_of(x)
        taps = self.kernel_size**x.dim
        weights = convolution_weights(
            self,
            taps=taps,
            taps_per_output=taps,
            channels=x.features.shape[-1],
            features=self.features,
        )
        half = self.kernel_size // 2
        out = _convolve(
            x.features, weights, self.kernel_size, 1, [(half, half)] * x.dim, self.dtype
        )
        return geometry.tensor(level, _add_bias(self, out))


class StridedConv(nn.Module):
    """Convolution with kernel 2 and stride 2, down to ``ceil(n / 2)`` pixels.

    ``out[o] = bias + sum_k weights[k] . in[2 o + k]`` with zeros past an odd edge.

    Attributes:
        features: channels of the output.
        use_bias: add a learned bias.
        dtype: type of the convolution's operands (None: that of the features).
    """

    features: int
    use_bias: bool = False
    dtype: DTypeLike | None = None

    @nn.compact
    def __call__(self, x: DenseTensor, geometry: DenseGeometry) -> DenseTensor:
        level = geometry.level_of(x)
        taps = 2**x.dim
        weights = convolution_weights(
            self,
            taps=taps,
            taps_per_output=taps,
            channels=x.features.shape[-1],
            features=self.features,
        )
        padding = [(0, size % 2) for size in x.spatial_shape]
        out = _convolve(x.features, weights, 2, 2, padding, self.dtype)
        return geometry.tensor(level + 1, _add_bias(self, out))


class InverseConv(nn.Module):
    """Transposed convolution with kernel 2 and stride 2, back to the pixels of the finer level.

    ``out[2 o + k] = bias + weights[k] . in[o]``, cut at an odd edge. Windows do not overlap, so it
    is one matrix product and a rearrangement, the fastest dense form.

    Attributes:
        features: channels of the output.
        use_bias: add a learned bias.
        dtype: type of the product's operands (None: that of the features).
    """

    features: int
    use_bias: bool = False
    dtype: DTypeLike | None = None

    @nn.compact
    def __call__(self, x: DenseTensor, geometry: DenseGeometry) -> DenseTensor:
        level = geometry.level_of(x) - 1
        taps = 2**x.dim
        weights = convolution_weights(
            self,
            taps=taps,
            taps_per_output=1,
            channels=x.features.shape[-1],
            features=self.features,
        )
        dtype = self.dtype or x.features.dtype
        children = jnp.einsum(
            "...i,tio->...to",
            x.features.astype(dtype),
            weights.astype(dtype),
            precision=precision_for(dtype),
            preferred_element_type=jnp.float32,
        ).astype(x.features.dtype)
        out = _interleave(children, x.dim)
        fine = tuple(slice(size) for size in geometry.spatial_shapes[level])
        return geometry.tensor(level, _add_bias(self, out[(slice(None), *fine)]))


def _convolve(
    features: Float[Array, "events *spatial in"],
    weights: Float[Array, "taps in out"],
    kernel_size: int,
    stride: int,
    padding: list[tuple[int, int]],
    dtype: DTypeLike | None,
) -> Float[Array, "events *coarse out"]:
    dim = features.ndim - 2
    dtype = dtype or features.dtype
    axes = "XYZT"[:dim]
    out = lax.conv_general_dilated(
        features.astype(dtype),
        weights.reshape((kernel_size,) * dim + weights.shape[1:]).astype(dtype),
        window_strides=(stride,) * dim,
        padding=padding,
        dimension_numbers=(f"N{axes}C", f"{axes}IO", f"N{axes}C"),
        precision=precision_for(dtype),
    )
    return out.astype(features.dtype)


def _interleave(
    children: Float[Array, "events *coarse taps channels"], dim: int
) -> Float[Array, "events *fine channels"]:
    """Each pixel's ``2 ** dim`` children, in row-major order, to their places."""
    events, *coarse = children.shape[: 1 + dim]
    channels = children.shape[-1]
    split = children.reshape(events, *coarse, *(2,) * dim, channels)
    order = [0]
    for axis in range(dim):
        order += [1 + axis, 1 + dim + axis]
    paired = split.transpose(*order, 1 + 2 * dim)
    return paired.reshape(events, *(2 * size for size in coarse), channels)


def _add_bias(
    module: Any, out: Float[Array, "events *spatial channels"]
) -> Float[Array, "events *spatial channels"]:
    if not module.use_bias:
        return out
    return add_bias(out, parameter(module, "bias", nn.initializers.zeros, (out.shape[-1],)))


def enter(
    x: SparseTensor | DenseTensor, geometry: Geometry | DenseGeometry
) -> tuple[DenseTensor, DenseGeometry]:
    """A batch in the form that this vocabulary works on.

    A sparse batch becomes plain whole images, zero where it has no site, with a geometry of as many
    levels: a dense network trains and evaluates on the batches of a sparse one. A dense batch stays
    as it is.
    """
    if isinstance(x, SparseTensor) and isinstance(geometry, Geometry):
        images = to_dense_tensor(x, masked=False)
        return images, dense_geometry(images, levels=len(geometry.levels))
    if isinstance(x, DenseTensor) and isinstance(geometry, DenseGeometry):
        return x, geometry
    raise InputError(
        f"geometry is a {type(geometry).__name__} and the batch a {type(x).__name__}: must be both "
        "sparse or both dense"
    )


def leave(
    y: DenseTensor, x: SparseTensor | DenseTensor
) -> Float[Array, "sites channels"] | Float[Array, "events *spatial channels"]:
    """Features of ``y`` at the sites of the batch ``x`` that entered; padding rows are zero."""
    return y.features if isinstance(x, DenseTensor) else rows_of(y.features, x)
