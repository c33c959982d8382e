"""Coordinates of a level: search keys, canonical order, and the next coarser level.

Everything is int32. A key that identifies a site is as many int32 words as it takes, each a mixed-
radix number over a group of axes whose size is proven below 2^31 with Python integers before
tracing (int32 wraps silently inside jit). Words are compared lexicographically, so that 256 events
of 768^3 voxels and four dimensions work like any other volume.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Int

from jaxsparse.errors import InputError
from jaxsparse.features import host_array
from jaxsparse.integers import INT32_MAX

# The volume, in cells, up to which a table over all cells beats sorting the rows.
UNIQUE_GRID_CELLS = 2**24
_CELLS_PER_ROW = 256  # the same on the host, where the table is one byte a cell


def key_groups(batch_size: int, spatial_shape: Sequence[int]) -> tuple[tuple[int, ...], ...]:
    """Columns of ``coords`` that share an int32 word, leftmost word first.

    Groups are filled from the last axis, so that the fastest axes end up in the last word; each
    word counts fewer than 2^31 - 1 values, which keeps the largest int32 free for padding.

    >>> key_groups(8, (512, 512)), key_groups(256, (768, 768, 768))
    (((0, 1, 2),), ((0,), (1, 2, 3)))
    """
    sizes = [int(batch_size), *(int(n) for n in spatial_shape)]
    groups: list[tuple[int, ...]] = []
    product = INT32_MAX
    for column in reversed(range(len(sizes))):
        if not 0 < sizes[column] < INT32_MAX:
            raise InputError(
                f"axis {column} has length {sizes[column]}: must be positive and below 2**31 - 1"
            )
        if product * sizes[column] < INT32_MAX and groups:
            groups[0] = (column, *groups[0])
            product *= sizes[column]
        else:
            groups.insert(0, (column,))
            product = sizes[column]
    return tuple(groups)


def key_words(
    coords: Int[Array, "... axes"],
    valid: Array,
    batch_size: int,
    spatial_shape: Sequence[int],
) -> tuple[Int[Array, "..."], ...]:
    """The words of every row's key; the largest int32 in rows that are not ``valid``.

    For valid rows (all columns in range) the lexicographic order of the words is the lexicographic
    order of the coordinates.
    """
    sizes = (batch_size, *spatial_shape)
    words = []
    for group in key_groups(batch_size, spatial_shape):
        word = coords[..., group[0]]
        for column in group[1:]:
            word = word * sizes[column] + coords[..., column]
        words.append(jnp.where(valid, word, INT32_MAX))
    return tuple(words)


def cell_count(batch_size: int, spatial_shape: Sequence[int]) -> int:
    """Number of cells of the volume, as an exact Python integer."""
    return int(batch_size) * math.prod(int(n) for n in spatial_shape)


def halved_shape(spatial_shape: Sequence[int]) -> tuple[int, ...]:
    """Shape of the level above: ``ceil(n / 2)`` along every axis."""
    return tuple(-(-int(n) // 2) for n in spatial_shape)


def count_levels(coords: Int[np.ndarray, "points axes"], levels: int) -> list[int]:
    """Active sites of every level, on the host: distinct rows of ``coords`` halved repeatedly.

    Args:
      coords: integers ``[points, 1 + D]``, event index first; padding rows (-1) are left out.
      levels: number of levels, the finest included.

    Returns:
      ``levels`` counts, to choose a bucket with before anything is padded.

    Raises:
      InputError: coordinates that are traced.

    >>> count_levels(np.array([[0, 0, 0], [0, 1, 1], [0, 2, 3], [1, 0, 0]]), 3)
    [4, 3, 2]
    """
    rows = host_array("coords", coords, "levels are counted on the host, before what is compiled")
    rows = rows[rows[:, 0] >= 0]
    return [_distinct(rows, level) for level in range(levels)]


def _distinct(rows: np.ndarray, level: int) -> int:
    """How many of the rows differ once all but the first column are shifted right by ``level``."""
    if not len(rows):
        return 0
    columns = [rows[:, 0], *(column >> level for column in rows[:, 1:].T)]
    sizes = [int(column.max()) + 1 for column in columns]
    cells = math.prod(sizes)
    if cells >= 2**62:  # no exact 64-bit key
        return len(np.unique(np.stack(columns, axis=1), axis=0))
    keys = np.ravel_multi_index(columns, sizes)
    if cells > _CELLS_PER_ROW * len(rows):
        return len(np.unique(keys))
    occupied = np.zeros(cells, bool)  # ticking cells off is faster than sorting keys
    occupied[keys] = True
    return int(np.count_nonzero(occupied))


def downsample(
    coords: Int[Array, "sites axes"],
    num_active: Int[Array, ""],
    *,
    batch_size: int,
    spatial_shape: Sequence[int],
    capacity: int,
    strategy: str = "auto",
) -> tuple[Int[Array, "coarse axes"], Int[Array, ""], Int[Array, " sites"], Int[Array, " sites"]]:
    """The sites of the next level: the distinct values of ``coords >> 1``, in canonical order.

    Every fine site has exactly one parent, so the result is also the whole kernel map of a
    convolution with kernel 2 and stride 2, and of its inverse.

    Args:
      coords: int32 ``[sites, 1 + D]`` in canonical order, padding -1.
      num_active: how many rows are sites.
      batch_size: number of events.
      spatial_shape: shape of the fine level.
      capacity: rows of the coarse level. Must be enough (``count_levels`` tells).
      strategy: ``"grid"`` ranks a byte per coarse cell, ``"sort"`` sorts int32 words, ``"auto"``
        takes the first for volumes up to 2^24 cells. Same result.

    Returns:
      ``(coarse coords, coarse count, parent, child)``: the count is the true one even when it
      exceeds ``capacity``; ``parent`` is the coarse row of each fine row, ``capacity`` on
      padding; ``child`` numbers the fine site among the ``2^D`` of its parent, last axis
      fastest, 0 on padding.
    """
    rows, columns = coords.shape
    valid = jnp.arange(rows, dtype=jnp.int32) < num_active
    halved = jnp.concatenate([coords[:, :1], coords[:, 1:] >> 1], axis=1)
    coarse, count, parent = distinct(
        halved,
        valid,
        batch_size=batch_size,
        spatial_shape=halved_shape(spatial_shape),
        capacity=capacity,
        strategy=strategy,
    )
    child = jnp.zeros(rows, jnp.int32)
    for axis in range(1, columns):
        child = child * 2 + (coords[:, axis] & 1)
    return coarse, count, parent, jnp.where(valid, child, 0)


def distinct(
    coords: Int[Array, "points axes"],
    valid: Bool[Array, " points"],
    *,
    batch_size: int,
    spatial_shape: Sequence[int],
    capacity: int,
    strategy: str = "auto",
) -> tuple[Int[Array, "sites axes"], Int[Array, ""], Int[Array, " points"]]:
    """The distinct rows among the ``valid`` ones, in canonical order.

    Args:
      coords: int32 ``[points, 1 + D]``, any order; valid rows lie inside the volume.
      valid: bool ``[points]``, which rows count.
      batch_size: number of events.
      spatial_shape: shape of the volume.
      capacity: rows of the result.
      strategy: as of ``downsample``.

    Returns:
      ``(sites, count, row)``: the sites, padded with -1; their true number, also where it exceeds
      ``capacity``; and the row of every point among them, ``capacity`` where there is none.

    Raises:
      InputError: an unknown strategy, a volume too large for a grid.
    """
    cells = cell_count(batch_size, spatial_shape)
    if strategy == "auto":
        strategy = "grid" if cells <= UNIQUE_GRID_CELLS else "sort"
    if strategy == "grid" and cells >= INT32_MAX:
        raise InputError(
            f"strategy is 'grid' but the volume has {cells} cells: use 'sort' or 'auto'"
        )
    if strategy == "grid":
        rank, count = _rank_by_grid(coords, valid, batch_size, spatial_shape, cells)
    elif strategy == "sort":
        rank, count = rank_by_sort(key_words(coords, valid, batch_size, spatial_shape))
    else:
        raise InputError(f"strategy is {strategy!r}: must be auto, grid or sort")
    row = jnp.where(valid & (rank < capacity), rank, capacity)
    # Equal points write equal values, so the order of these writes does not matter.
    sites = jnp.full((capacity, coords.shape[1]), -1, jnp.int32).at[row].set(coords, mode="drop")
    return sites, count, row


def _rank_by_grid(
    coords: Array, valid: Array, batch_size: int, shape: Sequence[int], cells: int
) -> tuple[Array, Array]:
    """Rank of every row among the distinct rows, by counting occupied cells below it."""
    cell = cell_index(coords, valid, batch_size, shape)
    words = -(-cells // 32)
    occupied = jnp.zeros(words * 32, jnp.uint8).at[cell].set(1, mode="drop").reshape(words, 32)
    bit = jnp.arange(32, dtype=jnp.uint32)[None]
    bits = jnp.sum(occupied.astype(jnp.uint32) << bit, axis=1, dtype=jnp.uint32)
    filled = jax.lax.population_count(bits).astype(jnp.int32)
    below = jnp.cumsum(filled, dtype=jnp.int32) - filled
    word = jnp.minimum(cell >> 5, words - 1)
    lower = bits[word] & ((jnp.uint32(1) << (cell & 31).astype(jnp.uint32)) - jnp.uint32(1))
    rank = below[word] + jax.lax.population_count(lower).astype(jnp.int32)
    return rank, below[-1] + filled[-1]


def cell_index(coords: Array, valid: Array, batch_size: int, shape: Sequence[int]) -> Array:
    """Row-major number of every row's cell, the largest int32 where not ``valid``.

    Only for volumes of fewer than 2^31 - 1 cells; the caller has made sure.
    """
    cell = coords[..., 0]
    for axis, length in enumerate(shape):
        cell = cell * length + coords[..., 1 + axis]
    return jnp.where(valid, cell, INT32_MAX)


def rank_by_sort(words: tuple[Array, ...]) -> tuple[Array, Array]:
    """Rank of every row among the distinct rows, and how many these are, by sorting key words.

    Padding (the largest int32) is no distinct row, and the rank that it gets means nothing.
    """
    rows = words[0].shape[0]
    if not rows:
        return jnp.zeros(0, jnp.int32), jnp.zeros((), jnp.int32)
    positions = jnp.arange(rows, dtype=jnp.int32)
    *keys, order = jax.lax.sort((*words, positions), num_keys=len(words))
    differs = jnp.zeros(rows - 1, bool)
    for key in keys:
        differs |= key[1:] != key[:-1]
    first = jnp.concatenate([jnp.ones(1, bool), differs]) & (keys[0] != INT32_MAX)
    rank_sorted = jnp.cumsum(first, dtype=jnp.int32) - 1
    rank = jnp.zeros(rows, jnp.int32).at[order].set(rank_sorted, unique_indices=True)
    return rank, rank_sorted[-1] + 1
