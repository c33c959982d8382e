"""Batch normalisation over active sites, with moments that are exact across devices."""

from __future__ import annotations

import functools
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

AxisName = str | tuple[str, ...] | None


class BatchNormResult(NamedTuple):
    """What ``batch_norm`` returns.

    Attributes:
        features: normalised, of the type of the input, padding rows zero.
        mean: float32 ``[channels]``, over the active sites of all devices.
        variance: float32 ``[channels]``, biased (divided by the count).
        count: float32 scalar, active sites of all devices. Where it is 0 the moments are 0 and 0:
            leave running statistics alone.
    """

    features: Array
    mean: Array
    variance: Array
    count: Array  # type: ignore[assignment] # hides tuple.count, which nobody needs here


def masked_moments(
    features: Float[Array, "sites channels"],
    num_active: Array,
    *,
    axis_name: AxisName = None,
) -> tuple[Array, Array, Array]:
    """Mean, biased variance and count of the active rows of all devices, in float32.

    ``mean = psum(sum x) / psum(n)``, then ``variance = psum(sum (x - mean)^2) / psum(n)``: two
    passes, because the sum of squares loses a small variance on a large mean, and sums, because
    averaging per-device means ignores how many sites each device has.

    Args:
        features: ``[sites, channels]``; what padding rows hold does not matter.
        num_active: int32 scalar of this device.
        axis_name: of pmap or shard_map; None for one device.

    Returns:
        ``(mean [channels], variance [channels], count [])``; all 0 where the count is 0.
    """
    x = features.astype(jnp.float32)
    mask = _mask(x, num_active)
    count, total = _sum_over(
        (jnp.asarray(num_active, jnp.float32), _column_sum(x, mask)), axis_name
    )
    inverse = 1.0 / jnp.maximum(count, 1.0)
    mean = total * inverse
    squares = _sum_over(_column_sum(jnp.square(x - mean), mask), axis_name)
    return mean, squares * inverse, count


def batch_norm(
    features: Float[Array, "sites channels"],
    num_active: Array,
    scale: Float[Array, "channels"],
    bias: Float[Array, "channels"],
    *,
    epsilon: float = 1e-5,
    axis_name: AxisName = None,
) -> BatchNormResult:
    """Normalises with the batch's moments: ``scale * (x - mean) / sqrt(var + epsilon) + bias``.

    Args:
        features: ``[sites, channels]``, float32 or bfloat16.
        num_active: int32 scalar, active rows on this device; may be 0.
        scale: float32 ``[channels]``.
        bias: float32 ``[channels]``.
        epsilon: added to the variance.
        axis_name: mapped axis over which the batch is spread; None for one device.

    Returns:
        ``BatchNormResult``. Moments carry no gradient of their own. Differentiable in both modes
        and any number of times, with the usual formula,
        ``dx = scale / sigma * (g - mean(g) - x_hat * mean(x_hat g))``; under ``axis_name`` every
        device differentiates its own loss, and parameter gradients are summed once by the caller.

    Source: Ioffe and Szegedy, arXiv:1502.03167, with the moments taken over active sites.
    """
    y, mean, variance, count = _normalise(
        features,
        jnp.asarray(num_active, jnp.int32),
        jnp.asarray(scale, jnp.float32),
        jnp.asarray(bias, jnp.float32),
        epsilon,
        axis_name,
    )
    stop = jax.lax.stop_gradient
    return BatchNormResult(y, stop(mean), stop(variance), stop(count))


def batch_norm_inference(
    features: Float[Array, "sites channels"],
    num_active: Array,
    scale: Float[Array, "channels"],
    bias: Float[Array, "channels"],
    mean: Float[Array, "channels"],
    variance: Float[Array, "channels"],
    *,
    epsilon: float = 1e-5,
) -> Float[Array, "sites channels"]:
    """Normalises with given moments: one multiplication and one addition; padding rows zero."""
    factor = scale * jax.lax.rsqrt(variance + epsilon)
    y = features.astype(jnp.float32) * factor + (bias - mean * factor)
    return jnp.where(_mask(y, num_active)[:, None], y, 0).astype(features.dtype)


@functools.partial(jax.custom_jvp, nondiff_argnums=(4, 5))
def _normalise(
    features: Array,
    num_active: Array,
    scale: Array,
    bias: Array,
    epsilon: float,
    axis_name: AxisName,
) -> tuple[Array, Array, Array, Array]:
    mean, variance, count = masked_moments(features, num_active, axis_name=axis_name)
    y = batch_norm_inference(features, num_active, scale, bias, mean, variance, epsilon=epsilon)
    return y, mean, variance, count


@_normalise.defjvp
def _normalise_jvp(epsilon: float, axis_name: AxisName, primals: Any, tangents: Any) -> Any:
    features, num_active, scale, bias = primals
    d_features, _, d_scale, d_bias = tangents
    y, mean, variance, count = _normalise(features, num_active, scale, bias, epsilon, axis_name)
    mask = _mask(features, num_active)
    inverse = 1.0 / jnp.maximum(count, 1.0)
    sigma = jax.lax.rsqrt(variance + epsilon)
    x_hat = (features.astype(jnp.float32) - mean) * sigma
    dx = d_features.astype(jnp.float32)
    d_mean, d_scatter = _sum_over((_column_sum(dx, mask), _column_sum(dx * x_hat, mask)), axis_name)
    d_mean, d_scatter = d_mean * inverse, d_scatter * inverse
    # One sum a channel for all that multiplies x_hat and one for what does not: transposed, each
    # becomes a single pass over the cotangent.
    slope = d_scale - scale * sigma * d_scatter
    offset = d_bias - scale * sigma * d_mean
    dy = jnp.where(mask[:, None], scale * sigma * dx + slope * x_hat + offset, 0)
    # d variance = 2 sigma_x d_scatter; sigma is the reciprocal of sigma_x.
    d_variance = 2.0 * d_scatter / sigma
    return (y, mean, variance, count), (
        dy.astype(y.dtype),
        d_mean,
        d_variance,
        jnp.zeros_like(count),
    )


def _mask(x: Array, num_active: Array) -> Array:
    return jnp.arange(x.shape[0], dtype=jnp.int32) < num_active


def _column_sum(x: Array, mask: Array) -> Array:
    return jnp.sum(jnp.where(mask[:, None], x, 0), axis=0)


def _sum_over(tree: Any, axis_name: AxisName) -> Any:
    return tree if axis_name is None else jax.lax.psum(tree, axis_name)
