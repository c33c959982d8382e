"""Mish with one exponential, forward and backward."""

from typing import Any

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

_LARGEST = 20.0  # tanh(softplus(20)) is 1 in float32, and the square of exp(20) is no overflow


@jax.custom_jvp
def mish(x: Float[Array, "..."]) -> Float[Array, "..."]:
    """``x tanh(log(1 + exp(x)))``, which is ``x n / (n + 2)`` with ``n = exp(x) (exp(x) + 2)``.

    Computed in float32. Its derivative is computed beside it, so that a backward pass finds one
    array and not the four of the formula that it is written with.

    Source: Misra, arXiv 1908.08681; agrees with ``jax.nn.mish``.

    >>> (10000 * mish(jnp.array([-1.0, 0.0, 1.0]))).round().astype(int).tolist()
    [-3034, 0, 8651]
    """
    wide = x.astype(jnp.float32)
    n = _n(wide)[0]
    return (wide * n / (n + 2)).astype(x.dtype)


@mish.defjvp
def _mish_jvp(primals: Any, tangents: Any) -> tuple[Array, Array]:
    (x,), (dx,) = primals, tangents
    wide = x.astype(jnp.float32)
    n, e = _n(wide)
    share = n / (n + 2)
    # d share = (1 - share^2) sigmoid(x) dx
    slope = share + wide * (4 * (n + 1) / (n + 2) ** 2) * (e / (1 + e))
    return (wide * share).astype(x.dtype), (slope * dx).astype(x.dtype)


def _n(x: Array) -> tuple[Array, Array]:
    e = jnp.exp(jnp.minimum(x, _LARGEST))
    return e * (e + 2), e
