"""Reading rows by number, and the transpose of that: adding rows up in a fixed order.

Points read the sites they lie on, sites add up the points that lie on them; either is the other's
derivative. Adding through XLA's scatter leaves the order of float additions to the device, so that
a GPU gives other bits every time. Here the terms are sorted by their row and added as a binary tree
over each row's own terms: neither padding nor other rows can change a bit, and on a CPU the tree is
as deep as the most crowded row needs. Together they are a ``LinearPair``, because a loop whose
length depends on the data has no derivative in JAX.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int

from jaxsparse.errors import InputError
from jaxsparse.features import as_array, check_features
from jaxsparse.integers import INT32_MAX, integer
from jaxsparse.ops.int32 import clipped_int32
from jaxsparse.ops.linear_pair import LinearPair
from jaxsparse.ops.one_program import one_program
from jaxsparse.pytree import pytree


def take_rows(
    features: Float[Array | np.ndarray, "sites channels"],
    rows: Int[Array | np.ndarray, " points"],
    *,
    distinct: bool = False,
) -> Float[Array, "points channels"]:
    """``out[p] = features[rows[p]]``, and zero where ``rows[p]`` is no row of ``features``.

    Args:
      features: ``[sites, channels]``.
      rows: integers ``[points]``; any number outside ``[0, sites)``, also one that int32 does not
        hold, reads as zero.
      distinct: promises that no row is read twice, which makes the gradient a mere gather. With
        rows read twice and this promise the gradient is wrong.

    Returns:
      ``[points, channels]`` of the type of ``features``. Differentiable any number of times, in
      both modes; the transpose is ``sum_rows``.

    Raises:
      InputError: arrays of other ranks or a float ``rows``.

    >>> take_rows(jnp.array([[1.0], [2.0]]), jnp.array([1, 2, 0, 1])).tolist()
    [[2.0], [0.0], [1.0], [2.0]]
    """
    x, index = _checked(features, rows)
    return _rows(_Reading(index, x.shape[0], distinct), x, index.shape[0])


def sum_rows(
    values: Float[Array | np.ndarray, "points channels"],
    rows: Int[Array | np.ndarray, " points"],
    capacity: int,
    *,
    distinct: bool = False,
) -> Float[Array, "sites channels"]:
    """``out[r] = sum of values[p] over the points with rows[p] = r``, the same bits every time.

    Args:
      values: ``[points, channels]``.
      rows: integers ``[points]``; points with a number outside ``[0, capacity)``, also one that
        int32 does not hold, are left out.
      capacity: rows of the result.
      distinct: promises that no row within ``[0, capacity)`` occurs twice.

    Returns:
      ``[capacity, channels]`` of the type of ``values``, summed in float32. Differentiable any
      number of times, in both modes; the transpose is ``take_rows``.

    Raises:
      InputError: arrays of other ranks, different numbers of points, a float ``rows``; values
        to be summed that are not float32, bfloat16 or float16 (``distinct`` moves any type).

    >>> sum_rows(jnp.array([[1.0], [2.0], [4.0]]), jnp.array([1, 5, 1]), 3).tolist()
    [[0.0], [5.0], [0.0]]
    """
    x, index = _checked(values, rows)
    if not distinct:
        check_features(x.dtype, "values")
    if x.shape[0] != index.shape[0]:
        raise InputError(
            f"values has {x.shape[0]} rows but rows has {index.shape[0]}: must be one a point"
        )
    capacity = integer("capacity", capacity)
    if not 0 <= capacity < INT32_MAX:
        raise InputError(f"capacity is {capacity}: must be at least 0 and below 2**31 - 1")
    return _rows.transpose(_Reading(index, capacity, distinct), x, capacity)


@one_program("capacity")
def largest_of_rows(
    values: Float[Array, "points channels"], rows: Int[Array, " points"], capacity: int
) -> Int[Array, "sites channels"]:
    """Which point has the largest value of its row, channel by channel: the first one of equals.

    NaN counts as larger than every number, so that a maximum does not hide it.

    Args:
      values: ``[points, channels]``; takes no gradient.
      rows: int32 ``[points]``; points with a number outside ``[0, capacity)`` are left out.
      capacity: rows of the result.

    Returns:
      int32 ``[capacity, channels]``: the number of a point, ``points`` in a row without any.

    >>> largest_of_rows(jnp.array([[1.0], [7.0], [7.0]]), jnp.array([1, 1, 1]), 2).tolist()
    [[3], [1]]
    """
    points = rows.shape[0]
    if not points:
        return jnp.zeros((capacity, values.shape[1]), jnp.int32)

    def larger(earlier: tuple[Array, Array], later: tuple[Array, Array]) -> tuple[Array, Array]:
        keep = (earlier[0] >= later[0]) | jnp.isnan(earlier[0])
        return jnp.where(keep, earlier[0], later[0]), jnp.where(keep, earlier[1], later[1])

    values = jax.lax.stop_gradient(values)
    order, key, counts = _sorted_by_row(rows, capacity)
    number = jnp.broadcast_to(order[:, None], values.shape)
    _, winner = _fold((values[order], number), key, counts, larger)
    return jnp.where(counts[:, None] > 0, _last_of_row(winner, counts), points)


@pytree
@dataclasses.dataclass(frozen=True)
class _Reading:
    """Which of ``sites`` rows every point reads; ``distinct`` promises that none is read twice."""

    rows: Int[Array, " points"]
    sites: int = dataclasses.field(metadata={"static": True})
    distinct: bool = dataclasses.field(metadata={"static": True})


def _take(reading: _Reading, x: Array) -> Array:
    rows = reading.rows
    if not x.shape[0]:
        return jnp.zeros((rows.shape[0], x.shape[1]), x.dtype)
    inside = (rows >= 0) & (rows < x.shape[0])
    read = x.at[jnp.where(inside, rows, 0)].get(mode="promise_in_bounds")
    return jnp.where(inside[:, None], read, jnp.zeros((), x.dtype))


def _sum(reading: _Reading, values: Array) -> Array:
    rows, sites, points = reading.rows, reading.sites, reading.rows.shape[0]
    if not points or not sites:
        return jnp.zeros((sites, values.shape[1]), values.dtype)
    if reading.distinct:
        target = jnp.where((rows >= 0) & (rows < sites), rows, sites)
        number = jnp.arange(points, dtype=jnp.int32)
        source = jnp.full(sites, points, jnp.int32).at[target].set(number, mode="drop")
        return _take(_Reading(source, points, True), values)
    order, key, counts = _sorted_by_row(rows, sites)
    wide = values.astype(jnp.promote_types(values.dtype, jnp.float32))[order]
    (total,) = _fold((wide,), key, counts, lambda a, b: (a[0] + b[0],))
    return jnp.where(counts[:, None] > 0, _last_of_row(total, counts), 0)


_rows = LinearPair("take_rows", _take, _sum)


def _sorted_by_row(rows: Array, capacity: int) -> tuple[Array, Array, Array]:
    """Points in the order of their rows (input order within one), those rows, points per row."""
    target = jnp.where((rows >= 0) & (rows < capacity), rows, capacity)
    number = jnp.arange(rows.shape[0], dtype=jnp.int32)
    key, order = jax.lax.sort((target, number), num_keys=1, is_stable=True)
    counts = jnp.zeros(capacity, jnp.int32).at[target].add(1, mode="drop")  # integers: any order
    return order, key, counts


def _fold(
    state: tuple[Array, ...], key: Array, counts: Array, combine: Callable[..., tuple[Array, ...]]
) -> tuple[Array, ...]:
    """Combines every entry with all earlier ones of its row, 1, 2, 4, ... places at a time."""
    points = key.shape[0]
    place = jnp.arange(points, dtype=jnp.int32)

    def double(step: Array, state: tuple[Array, ...]) -> tuple[Array, ...]:
        before = jnp.maximum(place - step, 0)
        same = ((place >= step) & (key[before] == key))[:, None]
        joined = combine(tuple(part[before] for part in state), state)
        return tuple(jnp.where(same, new, old) for new, old in zip(joined, state, strict=True))

    def up_to_the_longest_row() -> tuple[Array, ...]:
        longest = jnp.max(counts)
        return jax.lax.while_loop(
            lambda carry: carry[0] < longest,
            lambda carry: (carry[0] * 2, double(*carry)),
            (jnp.ones((), jnp.int32), state),
        )[1]

    def up_to_all_points() -> tuple[Array, ...]:
        folded = state
        for power in range((points - 1).bit_length()):
            folded = double(jnp.int32(1 << power), folded)
        return folded

    # An accelerator would have to ask the host after every step whether there is another. A step
    # longer than the longest row changes nothing.
    return jax.lax.platform_dependent(cpu=up_to_the_longest_row, default=up_to_all_points)


def _last_of_row(folded: Array, counts: Array) -> Array:
    """The last entry of every row, where its fold is complete; anything in empty rows."""
    return folded[jnp.maximum(jnp.cumsum(counts, dtype=jnp.int32) - 1, 0)]


def _checked(features: Any, rows: Any) -> tuple[Array, Array]:
    features, rows = jnp.asarray(as_array("features", features)), clipped_int32("rows", rows)
    if features.ndim != 2 or rows.ndim != 1:
        raise InputError(
            f"features has shape {features.shape} and rows {rows.shape}: "
            "must be [sites, channels] and [points]"
        )
    return features, rows
