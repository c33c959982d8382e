"""Numbers that are not finite, kept out of matrix products that read absent rows as zeros.

A pair that does not exist contributes nothing, but zero times an infinite weight is NaN. So factors
that are not finite take no part in such a product, and what their pairs reach is made NaN after it.
Which that is follows from the taps that reach a row and those that have such a factor, as bits.
"""

from __future__ import annotations

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array

from jaxsparse.ops.xla.rows import gather_first

_BITS = np.arange(32, dtype=np.uint32)


class Weights(NamedTuple):
    """Weights of a product of gathered rows.

    Attributes:
      finite: ``[taps, in, out]``, zero in place of those that are not.
      odd: the taps that have such a one, bits ``[words, out]``.
    """

    finite: Array
    odd: Array

    @classmethod
    def of(cls, w: Array) -> Weights:
        """Parts weights."""
        finite = jnp.isfinite(w)
        return cls(jnp.where(finite, w, 0), tap_bits(~finite.all(axis=1)))

    def times(self, padded: Array, table: Array) -> Array:
        """The product with the rows that a table names; the last one is the absent one."""
        total = gather_first(padded, table, self.finite)
        own = tap_bits(table < padded.shape[0] - 1)
        met = (own[:, :, None] & self.odd[:, None, :]).any(axis=0)
        return jnp.where(met, jnp.nan, total)


def finite_rows(g: Array, table: Array, absent: int) -> tuple[Array, Array]:
    """Rows of a sum of products for every tap, with zeros for numbers that are not finite.

    Also which sums have such a one, bool ``[taps, 1, channels]``: they are to be made NaN.
    """
    finite = jnp.isfinite(g)
    odd = jnp.where(finite[None], jnp.uint32(0), tap_bits(table < absent)[:, :, None])
    odd = jax.lax.reduce(odd, jnp.uint32(0), jax.lax.bitwise_or, (1,))
    taps = (odd[:, None] >> _BITS[None, :, None]) & 1
    met = taps.reshape(-1, 1, g.shape[1])[: table.shape[0]] > 0
    return jnp.where(finite, g, 0), met


def tap_bits(flags: Array) -> Array:
    """Flags ``[taps, n]`` as ``[words, n]`` of 32 bits.

    >>> tap_bits(jnp.array([[True, False], [True, True]])).tolist()
    [[3, 2]]
    """
    words = []
    for first in range(0, flags.shape[0], 32):
        some = flags[first : first + 32].astype(jnp.uint32)
        words.append(jnp.sum(some << _BITS[: len(some), None], axis=0, dtype=jnp.uint32))
    return jnp.stack(words)
