"""Batch normalisation over active sites, with moments that are exact across devices."""

from __future__ import annotations

import functools
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Float32

from jaxsparse.features import check_channels, check_features
from jaxsparse.ops.channel_maps import NO_FLOOR, OPEN_GATE, normalise, project, spread
from jaxsparse.ops.column_sums import column_moments
from jaxsparse.ops.int32 import row_count
from jaxsparse.pytree import register_named_tuple
from jaxsparse.tensor import SparseTensor, check_tensor

AxisName = str | tuple[str, ...] | None


@register_named_tuple
class BatchNormResult(NamedTuple):
    """What ``batch_norm_with_moments`` returns.

    Attributes:
      tensor: normalised, of the type of the input, padding rows zero.
      mean: float32 ``[channels]``, over the active sites of all devices.
      variance: float32 ``[channels]``, biased (divided by the count).
      count: float32 scalar, active sites of all devices. Where it is 0 the moments are 0 and 0:
        leave running statistics alone.
    """

    tensor: SparseTensor
    mean: Array
    variance: Array
    count: Array  # type: ignore[assignment] # hides tuple.count, which nobody needs here


def masked_moments(
    x: SparseTensor, *, axis_name: AxisName = None, implementation: str = "auto"
) -> tuple[Float32[Array, " channels"], Float32[Array, " channels"], Float32[Array, ""]]:
    """Mean, biased variance and count of the active sites of all devices.

    ``mean = psum(sum x) / psum(n)``, then ``variance = psum(sum (x - mean)^2) / psum(n)``:
    distances, because the sum of squares loses a small variance on a large mean, and sums, because
    averaging per-device means ignores how many sites each device has. A device takes the distances
    to its own mean and adds that mean's distance to the common one.

    Args:
      x: what padding rows hold does not matter; there may be no site on this device.
      axis_name: of pmap or shard_map; None for one device.
      implementation: of the sums, ``"auto"``, ``"xla"`` or ``"native"`` (``column_sums.py``).

    Returns:
      ``(mean [channels], variance [channels], count [])``; all 0 where the count is 0.

    Raises:
      InputError: an unknown implementation, ``"native"`` where it cannot be had, features of
        another type or shape, or more active rows than there are.

    >>> from jaxsparse import sparse_tensor
    >>> x = sparse_tensor([[0, 0], [0, 1]], [[1.0], [3.0]], spatial_shape=(4,), batch_size=1)
    >>> [moment.tolist() for moment in masked_moments(x)]
    [[2.0], [1.0], 2.0]
    """
    features = _checked(x)
    return _moments(features, _num_active(x), axis_name, implementation)


def _moments(
    features: Array, num_active: Array, axis_name: AxisName, implementation: str
) -> tuple[Array, Array, Array]:
    own_total, own_squares = column_moments(features, num_active, implementation)
    own_count = num_active.astype(jnp.float32)
    count, total = _sum_over((own_count, own_total), axis_name)
    inverse = 1.0 / jnp.maximum(count, 1.0)
    mean = total * inverse
    if axis_name is None:
        return mean, own_squares * inverse, count
    between = own_count * jnp.square(own_total / jnp.maximum(own_count, 1.0) - mean)
    return mean, _sum_over(own_squares + between, axis_name) * inverse, count


def batch_norm(
    x: SparseTensor,
    scale: Float[Array, " channels"],
    bias: Float[Array, " channels"],
    *,
    epsilon: float = 1e-5,
    relu: bool = False,
    axis_name: AxisName = None,
    implementation: str = "auto",
) -> SparseTensor:
    """Normalises with the batch's moments: ``scale * (x - mean) / sqrt(var + epsilon) + bias``.

    Args:
      x: a batch, features float32, bfloat16 or float16; there may be no site on this device.
      scale: float32 ``[channels]``.
      bias: float32 ``[channels]``.
      epsilon: added to the variance.
      relu: take the positive part of the result, in the same pass over memory.
      axis_name: mapped axis over which the batch is spread; None for one device.
      implementation: of the passes over rows, ``"auto"``, ``"xla"`` or ``"native"``, which a
        portable program never holds (``column_sums.py``, ``channel_maps.py``).

    Returns:
      The sites of ``x``, features of its type; padding rows are zero. Differentiable in both
      modes and any number of times, with the usual formula,
      ``dx = scale / sigma * (g - mean(g) - x_hat * mean(x_hat g))``; under ``axis_name`` every
      device differentiates its own loss, and parameter gradients are summed once by the caller.

    Raises:
      InputError: an unknown implementation, ``"native"`` where it cannot be had, features, scale
        or bias of another type or shape, or more active rows than there are.

    Source: Ioffe and Szegedy, arXiv:1502.03167, with the moments taken over active sites.

    >>> from jaxsparse import sparse_tensor
    >>> x = sparse_tensor([[0, 0], [0, 1]], [[1.0], [3.0]], spatial_shape=(4,), batch_size=1)
    >>> batch_norm(x, jnp.ones(1), jnp.zeros(1)).features.round(3).tolist()
    [[-1.0], [1.0]]
    """
    return batch_norm_with_moments(
        x,
        scale,
        bias,
        epsilon=epsilon,
        relu=relu,
        axis_name=axis_name,
        implementation=implementation,
    ).tensor


def batch_norm_with_moments(
    x: SparseTensor,
    scale: Float[Array, " channels"],
    bias: Float[Array, " channels"],
    *,
    epsilon: float = 1e-5,
    relu: bool = False,
    axis_name: AxisName = None,
    implementation: str = "auto",
) -> BatchNormResult:
    """``batch_norm``, and the moments that it took, for running statistics.

    Args, errors: as for ``batch_norm``.

    Returns:
      ``BatchNormResult``. Moments carry no gradient of their own.
    """
    features = _checked(x, scale=scale, bias=bias)
    y, mean, variance, count = _normalise(
        features,
        _num_active(x),
        jnp.asarray(scale, jnp.float32),
        jnp.asarray(bias, jnp.float32),
        _Options(float(epsilon), relu, axis_name, implementation),
    )
    stop = jax.lax.stop_gradient
    return BatchNormResult(x.replace(y), stop(mean), stop(variance), stop(count))


def batch_norm_inference(
    x: SparseTensor,
    scale: Float[Array, " channels"],
    bias: Float[Array, " channels"],
    mean: Float[Array, " channels"],
    variance: Float[Array, " channels"],
    *,
    epsilon: float = 1e-5,
    relu: bool = False,
    implementation: str = "auto",
) -> SparseTensor:
    """Normalises with given moments; padding rows are zero.

    Args, errors: as for ``batch_norm``.
    """
    features = _checked(x, scale=scale, bias=bias, mean=mean, variance=variance)
    mean, variance, scale, bias = (
        jnp.asarray(vector, jnp.float32) for vector in (mean, variance, scale, bias)
    )
    options = _Options(float(epsilon), relu, None, implementation)
    lines = _lines(mean, variance, scale, bias, options)
    return x.replace(normalise(features, lines, _num_active(x), implementation))


def _checked(x: SparseTensor, **vectors: Any) -> Array:
    """The features, if they and all vectors have the type and shape that they must have."""
    check_tensor(x)
    features = jnp.asarray(x.features)
    check_features(x.features.dtype)
    for name, vector in vectors.items():
        check_channels(name, vector, features.shape[1])
    return features


def _num_active(x: SparseTensor) -> Array:
    return row_count("num_active", x.num_active, x.capacity)


class _Options(NamedTuple):
    epsilon: float
    relu: bool
    axis_name: AxisName
    implementation: str


def _lines(mean: Array, variance: Array, scale: Array, bias: Array, options: _Options) -> Array:
    """What ``normalise`` takes.

    It takes the distance first: where that is small beside the mean, ``x * factor`` would round it
    away.
    """
    factor = scale * jax.lax.rsqrt(variance + options.epsilon)
    floor = jnp.full_like(factor, 0.0 if options.relu else NO_FLOOR)
    return jnp.stack([mean, factor, bias, floor])


@functools.partial(jax.custom_jvp, nondiff_argnums=(4,))
def _normalise(
    features: Array, num_active: Array, scale: Array, bias: Array, options: _Options
) -> tuple[Array, Array, Array, Array]:
    mean, variance, count = _moments(
        features, num_active, options.axis_name, options.implementation
    )
    lines = _lines(mean, variance, scale, bias, options)
    y = normalise(features, lines, num_active, options.implementation)
    return y, mean, variance, count


@_normalise.defjvp
def _normalise_jvp(options: _Options, primals: Any, tangents: Any) -> Any:
    features, num_active, scale, bias = primals
    d_features, _, d_scale, d_bias = tangents
    implementation = options.implementation
    y, mean, variance, count = _normalise(features, num_active, scale, bias, options)
    sigma = jax.lax.rsqrt(variance + options.epsilon)
    factor = scale * sigma
    one = jnp.ones_like(factor)
    always = [one * number for number in OPEN_GATE]
    own, sums = project(
        d_features, features, jnp.stack([mean, factor, *always]), num_active, implementation
    )
    d_mean, d_scatter = _sum_over(sums, options.axis_name) / jnp.maximum(count, 1.0)
    # d_scatter is the mean of dx (x - mean). One number a channel for all that multiplies this
    # distance and one for what does not: transposed, they are the only sums over the cotangent.
    slope = sigma * (d_scale - scale * sigma**2 * d_scatter)
    offset = d_bias - factor * d_mean
    gate = [factor, bias] if options.relu else always
    dy = spread(
        jnp.stack([offset, slope]), own, features, jnp.stack([mean, one, *gate]), num_active,
        implementation,
    )  # fmt: skip
    d_variance = 2.0 * d_scatter
    return (y, mean, variance, count), (dy, d_mean, d_variance, jnp.zeros_like(count))


def _sum_over(tree: Any, axis_name: AxisName) -> Any:
    return tree if axis_name is None else jax.lax.psum(tree, axis_name)
