"""What the data flows have in common: products of rows, rows that are absent, rows that count.

A pair that does not exist contributes nothing. A matrix product that reads an absent row as zeros
gives that where all numbers are finite, but zero times an infinite weight is NaN. So a factor that
is not finite takes no part in such a product: what its pairs reach is made NaN after it.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array

from jaxsparse.ops.precision import precision_for


def product(a: Array, b: Array) -> Array:
    """Matrix product with float32 sums, whatever the type of the factors."""
    return jnp.matmul(a, b, precision=precision_for(a.dtype), preferred_element_type=jnp.float32)


def take(padded: Array, index: Array) -> Array:
    """Rows of ``padded``, which must exist."""
    return padded.at[index].get(mode="promise_in_bounds")


def grow(array: Array, length: int, fill: Any, axis: int = 0) -> Array:
    """``array`` with an axis filled up to ``length``."""
    missing = length - array.shape[axis]
    if missing <= 0:
        return array
    shape = list(array.shape)
    shape[axis] = missing
    return jnp.concatenate([array, jnp.full(shape, fill, array.dtype)], axis=axis)


def side_by_side(w: Array) -> Array:
    """Weights ``[taps, in, out]`` as ``[in, taps * out]``."""
    return jnp.swapaxes(w, 0, 1).reshape(w.shape[1], -1)


class Weights(NamedTuple):
    """Weights for a product with absent rows.

    Attributes:
      finite: ``[taps, in, out]``, zero in place of those that are not.
      odd: ``[words, out]``, the taps that have such a one, as :func:`tap_bits`.
    """

    finite: Array
    odd: Array

    @classmethod
    def of(cls, w: Array) -> Weights:
        """Parts weights."""
        finite = jnp.isfinite(w)
        return cls(jnp.where(finite, w, 0), tap_bits(~finite.all(axis=1)))


def gather_first(padded: Array, table: Array, weights: Weights) -> Array:
    """One product of the inputs of all taps, ``[rows, taps * in]``, with all weights.

    The last row of ``padded`` is the absent one.
    """
    gathered = take(padded, table.T).reshape(table.shape[1], -1)
    total = product(gathered, weights.finite.reshape(-1, weights.finite.shape[2]))
    own = tap_bits(table < padded.shape[0] - 1)
    met = (own[:, :, None] & weights.odd[:, None, :]).any(axis=0)
    return jnp.where(met, jnp.nan, total)


def finite_rows(g: Array, table: Array, absent: int) -> tuple[Array, Array]:
    """Factors of a sum over the rows of every tap: with zeros for those that are not finite.

    Also which sums have such a one, bool ``[taps, 1, channels]``, to be made NaN.
    """
    finite = jnp.isfinite(g)
    odd = jnp.where(finite[None], jnp.uint32(0), tap_bits(table < absent)[:, :, None])
    odd = jax.lax.reduce(odd, jnp.uint32(0), jax.lax.bitwise_or, (1,))
    taps = (odd[:, None] >> _BITS[None, :, None]) & 1
    met = taps.reshape(-1, 1, g.shape[1])[: table.shape[0]] > 0
    return jnp.where(finite, g, 0), met


_BITS = np.arange(32, dtype=np.uint32)


def tap_bits(flags: Array) -> Array:
    """Flags ``[taps, n]`` as ``[words, n]`` of 32 bits, so that all taps are compared at once.

    >>> tap_bits(jnp.array([[True, False], [True, True]])).tolist()
    [[3, 2]]
    """
    words = []
    for first in range(0, flags.shape[0], 32):
        some = flags[first : first + 32].astype(jnp.uint32)
        words.append(jnp.sum(some << _BITS[: len(some), None], axis=0, dtype=jnp.uint32))
    return jnp.stack(words)


def active_rows(g: Array, count: Array) -> Array:
    """``g`` with padding rows made zero, which may hold anything.

    The cotangent of a square root, for example, is infinite at the zeros of padding.
    """
    active = jnp.arange(g.shape[0], dtype=jnp.int32) < count
    return jnp.where(active[:, None], g, jnp.zeros((), g.dtype))
