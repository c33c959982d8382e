"""Convolution of whole images over a connection, in the form that XLA computes fastest.

Channelwise convolutions are written as a sum of shifted images: on CPU, XLA's convolution in groups
takes ten times as long forward and five times as long backward (144 channels, 50 x 40 pixels, 32
images, two cores), and a twin should be as fast as it can be. The way back from windows that do not
overlap is one matrix product and a rearrangement.
"""

import itertools

import jax.numpy as jnp
from jax import lax
from jax.typing import DTypeLike
from jaxtyping import Array, Float

from jaxsparse.features import per_channel
from jaxsparse.nn.dense_connection import DenseConnection
from jaxsparse.nn.dense_tensor import DenseTensor
from jaxsparse.nn.pointwise import add_bias
from jaxsparse.ops.precision import precision_for


def dense_convolution(
    x: DenseTensor,
    weights: Float[Array, " taps in out"],
    connection: DenseConnection,
    bias: Float[Array, " out"] | None,
    groups: int,
    dtype: DTypeLike | None,
) -> DenseTensor:
    """``out[o] = bias + sum_k weights[k] . in[i(o, k)]``; zero outside of the mask.

    Args:
      x: images that the connection reads.
      weights: ``[taps, in / groups, out]``, the last axis of the kernel fastest.
      connection: which pixels are read and made.
      bias: ``[out]``, or None.
      groups: parts of the channels that do not see each other.
      dtype: type of the factors (None: that of the features); the result has that of ``x``.
    """
    images, weights = (array.astype(dtype or x.features.dtype) for array in (x.features, weights))
    if not connection.transposed and groups == images.shape[-1] > 1:
        out = _channelwise(images, weights, connection)
    elif not connection.transposed:
        out = _forward(images, weights, connection, groups)
    elif connection.kernel_size == connection.stride and groups == 1:
        out = _children(images, weights, connection)
    else:
        out = _backward(images, weights, connection, groups)
    out = out.astype(x.features.dtype)
    out = out if bias is None else add_bias(out, bias)
    return connection.geometry.tensor(connection.target, out)


def _forward(images: Array, weights: Array, connection: DenseConnection, groups: int) -> Array:
    return lax.conv_general_dilated(
        images,
        _kernel(weights, connection),
        window_strides=(connection.stride,) * connection.dim,
        padding=connection.padding,
        rhs_dilation=(connection.dilation,) * connection.dim,
        dimension_numbers=_axes(connection.dim),
        feature_group_count=groups,
        precision=precision_for(images.dtype),
    )


def _backward(images: Array, weights: Array, connection: DenseConnection, groups: int) -> Array:
    """``out[stride * i + dilation * k - before] += weights[k] . in[i]``."""
    reach = connection.dilation * (connection.kernel_size - 1)
    padding = [
        (reach - connection.before, fine - (coarse - 1) * connection.stride - 1 + connection.before)
        for fine, coarse in zip(connection.fine, connection.coarse, strict=True)
    ]
    return lax.conv_general_dilated(
        images,
        jnp.flip(_kernel(weights, connection), range(connection.dim)),
        window_strides=(1,) * connection.dim,
        padding=padding,
        lhs_dilation=(connection.stride,) * connection.dim,
        rhs_dilation=(connection.dilation,) * connection.dim,
        dimension_numbers=_axes(connection.dim),
        feature_group_count=groups,
        precision=precision_for(images.dtype),
    )


def _children(
    images: Float[Array, "events *coarse in"], weights: Array, connection: DenseConnection
) -> Float[Array, "events *fine out"]:
    """Each pixel's children, in row-major order, to their places; cut at an odd edge."""
    children = jnp.einsum(
        "...i,tio->...to",
        images,
        weights,
        precision=precision_for(images.dtype),
        preferred_element_type=jnp.float32,
    )
    dim, size = connection.dim, connection.kernel_size
    events, *coarse = images.shape[:-1]
    split = children.reshape(events, *coarse, *(size,) * dim, -1)
    order = [0, *(axis for pair in range(dim) for axis in (1 + pair, 1 + dim + pair)), 1 + 2 * dim]
    out = split.transpose(order).reshape(events, *(size * n for n in coarse), -1)
    return out[(slice(None), *(slice(n) for n in connection.fine))]


def _channelwise(images: Array, weights: Array, connection: DenseConnection) -> Array:
    repeated = jnp.repeat(images, weights.shape[2] // images.shape[-1], axis=-1)
    windows = _shifted(repeated, connection)
    products = (
        window.astype(jnp.float32) * per_channel(weight, window)
        for window, weight in zip(windows, weights[:, 0], strict=True)
    )
    return jnp.asarray(sum(products))


def _shifted(
    images: Float[Array, "events *fine channels"], connection: DenseConnection
) -> list[Float[Array, "events *coarse channels"]]:
    """What every tap reads, in tap order."""
    edges = [(before, after, 0) for before, after in connection.padding]
    padded = lax.pad(images, jnp.zeros((), images.dtype), [(0, 0, 0), *edges, (0, 0, 0)])
    stride, dilation = connection.stride, connection.dilation
    return [
        padded[
            (
                slice(None),
                *(
                    slice(dilation * k, dilation * k + stride * (size - 1) + 1, stride)
                    for k, size in zip(tap, connection.coarse, strict=True)
                ),
            )
        ]
        for tap in itertools.product(range(connection.kernel_size), repeat=connection.dim)
    ]


def _kernel(weights: Array, connection: DenseConnection) -> Array:
    return weights.reshape((connection.kernel_size,) * connection.dim + weights.shape[1:])


def _axes(dim: int) -> tuple[str, str, str]:
    axes = "XYZT"[:dim]
    return f"N{axes}C", f"{axes}IO", f"N{axes}C"
