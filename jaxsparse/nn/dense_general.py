"""Convolution and pooling of whole images over a connection.

The dense twins of :mod:`jaxsparse.nn.general` and :mod:`jaxsparse.nn.pooling`, with the same names,
arguments and parameter trees. Channelwise convolutions are written as a sum of shifted images: on
CPU, XLA's convolution in groups takes ten times as long forward and five times as long backward
(144 channels, 50 x 40 pixels, 32 images, two cores), and a twin should be as fast as it can be.
"""

import itertools
from typing import Any

import flax.linen as nn
import jax.numpy as jnp
from jax import lax
from jax.typing import DTypeLike
from jaxtyping import Array, Float

from jaxsparse.errors import InputError
from jaxsparse.features import per_channel
from jaxsparse.nn.dense_connection import DenseConnection
from jaxsparse.nn.dense_tensor import DenseTensor
from jaxsparse.nn.parameters import convolution_weights, parameter
from jaxsparse.nn.pointwise import add_bias
from jaxsparse.ops.precision import precision_for


class GeneralConv(nn.Module):
    """``out[o] = bias + sum_k weights[k] . in[stride * o + dilation * k - padding]``.

    Attributes, parameters and errors: as of :class:`jaxsparse.nn.GeneralConv`.
    """

    features: int
    groups: int = 1
    use_bias: bool = False
    dtype: DTypeLike | None = None

    @nn.compact
    def __call__(self, x: DenseTensor, connection: DenseConnection) -> DenseTensor:
        connection.check(x)
        channels = x.features.shape[-1]
        if self.groups < 1 or channels % self.groups or self.features % self.groups:
            raise InputError(
                f"groups is {self.groups}: must divide {channels} input and {self.features} output "
                "channels"
            )
        weights = _weights(self, connection, channels // self.groups, self.features)
        dtype = self.dtype or x.features.dtype
        dim = x.dim
        axes = "XYZT"[:dim]
        out = lax.conv_general_dilated(
            x.features.astype(dtype),
            weights.reshape((connection.kernel_size,) * dim + weights.shape[1:]).astype(dtype),
            window_strides=(connection.stride,) * dim,
            padding=connection.padding,
            rhs_dilation=(connection.dilation,) * dim,
            dimension_numbers=(f"N{axes}C", f"{axes}IO", f"N{axes}C"),
            feature_group_count=self.groups,
            precision=precision_for(dtype),
        ).astype(x.features.dtype)
        return connection.geometry.tensor(connection.target, _with_bias(self, out))


class ChannelwiseConv(nn.Module):
    """Every channel by itself, with ``multiplier`` kernels of its own.

    Attributes, parameters and errors: as of :class:`jaxsparse.nn.ChannelwiseConv`.
    """

    multiplier: int = 1
    use_bias: bool = False
    dtype: DTypeLike | None = None

    @nn.compact
    def __call__(self, x: DenseTensor, connection: DenseConnection) -> DenseTensor:
        connection.check(x)
        features = x.features.shape[-1] * self.multiplier
        weights = _weights(self, connection, 1, features)[:, 0]
        dtype = self.dtype or x.features.dtype
        repeated = jnp.repeat(x.features, self.multiplier, axis=-1)
        windows = _shifted(repeated.astype(dtype), connection)
        total = sum(
            window.astype(jnp.float32) * per_channel(weight, window)
            for window, weight in zip(windows, weights.astype(dtype), strict=True)
        )
        out = jnp.asarray(total).astype(x.features.dtype)
        return connection.geometry.tensor(connection.target, _with_bias(self, out))


def max_pooling(x: DenseTensor, connection: DenseConnection) -> DenseTensor:
    """Maximum over the pixels in reach, in masked mode over the active ones.

    Of equal pixels the first one gets all of the gradient, as in :func:`jaxsparse.nn.max_pooling`.

    Raises:
        InputError: images of another level than the connection reads.

    >>> from jaxsparse.nn.dense_connection import down
    >>> from jaxsparse.nn.dense_tensor import geometry
    >>> x = DenseTensor(jnp.array([[[1.0], [3.0], [-2.0]]]), None, (1,))
    >>> max_pooling(x, down(geometry(x, levels=2), 0)).features.ravel().tolist()
    [3.0, -2.0]
    """
    connection.check(x)
    candidates = x.features
    if x.mask is not None:
        candidates = jnp.where(x.mask[..., None], candidates, -jnp.inf)
    out = lax.reduce_window(
        candidates,
        -jnp.inf,
        lax.max,
        window_dimensions=(1, *(connection.kernel_size,) * x.dim, 1),
        window_strides=(1, *(connection.stride,) * x.dim, 1),
        padding=((0, 0), *connection.padding, (0, 0)),
        window_dilation=(1, *(connection.dilation,) * x.dim, 1),
    )
    return connection.geometry.tensor(connection.target, out)


def average_unpooling(y: DenseTensor, connection: DenseConnection) -> DenseTensor:
    """Back onto the pixels that were pooled: each copies its parent, the up-sampling by nearest.

    Args:
        y: images of the level that the connection makes.
        connection: of kernel 2 and stride 2, that of the pooling.

    Raises:
        InputError: images of another level, or windows that overlap.
    """
    geometry = connection.geometry
    if y.stride != geometry.strides[connection.target]:
        raise InputError(
            f"y has stride {y.stride}: the connection makes stride "
            f"{geometry.strides[connection.target]}"
        )
    if connection.kernel_size != connection.stride:
        raise InputError(
            f"kernel_size is {connection.kernel_size} and stride {connection.stride}: must be "
            "equal, so that a pixel has one parent"
        )
    out = y.features
    for axis in range(y.dim):
        out = jnp.repeat(out, connection.stride, axis=1 + axis)
    fine = tuple(slice(size) for size in geometry.spatial_shapes[connection.source])
    return geometry.tensor(connection.source, out[(slice(None), *fine)])


def _weights(
    module: Any, connection: DenseConnection, channels: int, features: int
) -> Float[Array, "taps in out"]:
    return convolution_weights(
        module,
        taps=connection.taps,
        taps_per_output=connection.taps,
        channels=channels,
        features=features,
    )


def _shifted(
    images: Float[Array, "events *fine channels"], connection: DenseConnection
) -> list[Float[Array, "events *coarse channels"]]:
    """What every tap reads, in tap order."""
    edges = [(before, after, 0) for before, after in connection.padding]
    padded = lax.pad(images, jnp.zeros((), images.dtype), [(0, 0, 0), *edges, (0, 0, 0)])
    made = connection.geometry.spatial_shapes[connection.target]
    stride, dilation = connection.stride, connection.dilation
    return [
        padded[
            (
                slice(None),
                *(
                    slice(dilation * k, dilation * k + stride * (size - 1) + 1, stride)
                    for k, size in zip(tap, made, strict=True)
                ),
            )
        ]
        for tap in itertools.product(range(connection.kernel_size), repeat=connection.dim)
    ]


def _with_bias(
    module: Any, out: Float[Array, "events *spatial channels"]
) -> Float[Array, "events *spatial channels"]:
    if not module.use_bias:
        return out
    return add_bias(out, parameter(module, "bias", nn.initializers.zeros, (out.shape[-1],)))
