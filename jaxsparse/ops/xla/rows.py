"""What the data flows have in common: products of rows, rows that are absent, rows that count."""

from __future__ import annotations

from typing import Any

import jax.numpy as jnp
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


def gather_first(padded: Array, table: Array, w: Array) -> Array:
    """One product of the inputs of all taps, ``[rows, taps * in]``, with all weights."""
    gathered = take(padded, table.T).reshape(table.shape[1], -1)
    return product(gathered, w.reshape(-1, w.shape[2]))


def active_rows(g: Array, count: Array) -> Array:
    """``g`` with padding rows made zero, which may hold anything.

    They are multiplied with the zeros of an absent row, and zero times an infinite cotangent, such
    as that of a square root at the zeros of padding, is NaN.
    """
    active = jnp.arange(g.shape[0], dtype=jnp.int32) < count
    return jnp.where(active[:, None], g, jnp.zeros((), g.dtype))
