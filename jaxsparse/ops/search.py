"""Binary search among sorted keys of one or several int32 words."""

from __future__ import annotations

from collections.abc import Callable

import jax
import jax.numpy as jnp
from jaxtyping import Array, Int

from jaxsparse.integers import INT32_MAX
from jaxsparse.ops.manual_axes import refuse_varying

Words = tuple[Int[Array, "..."], ...]


def count_below(keys: Words, queries: Words) -> Int[Array, "..."]:
    """How many keys are smaller than each query: the row of an equal key, if there is one.

    Args:
      keys: the words of sorted keys, int32 ``[rows]`` each; words are compared from left to right.
      queries: as many words, int32 of any shape, below the largest int32.

    Returns:
      int32 of the shape of a word of the queries.

    Raises:
      InputError: types that vary over a mesh (``manual_axes.py``).

    >>> count_below((jnp.array([2, 3, 3, 5]),), (jnp.array([1, 3, 4, 9]),)).tolist()
    [0, 1, 3, 4]
    """
    refuse_varying([jax.typeof(word) for word in (*keys, *queries)])
    # With fewer keys than a power of two the count is a sum of smaller ones, found from the top.
    bits = keys[0].shape[0].bit_length()
    missing = (1 << bits) - keys[0].shape[0]
    keys = tuple(jnp.pad(key, (0, missing), constant_values=INT32_MAX) for key in keys)
    powers = jnp.array([1 << bit for bit in reversed(range(bits))], jnp.int32)

    def add_if_below(count: Array, power: Array) -> tuple[Array, None]:
        more = count + power
        last = tuple(key.at[more - 1].get(mode="promise_in_bounds") for key in keys)
        return jnp.where(_is_below(last, queries), more, count), None

    def search(unroll: bool) -> Callable[[], Array]:
        start = jnp.zeros(queries[0].shape, jnp.int32)
        return lambda: jax.lax.scan(add_if_below, start, powers, unroll=unroll)[0]

    # On an accelerator a loop launches several kernels a step; without it XLA makes one of several
    # steps. On a CPU XLA makes one loop over the queries of all steps, repeating earlier ones.
    return jax.lax.platform_dependent(cpu=search(unroll=False), default=search(unroll=True))


def _is_below(key: Words, query: Words) -> Array:
    below = key[-1] < query[-1]
    for k, q in zip(key[-2::-1], query[-2::-1], strict=True):
        below = (k < q) | ((k == q) & below)
    return below
