"""The nearest site in every direction: few links a site that reach across gaps.

The nearest sites of a pixel in a full region all lie beside it. The nearest in each of several
directions is as few, and one of them lies across every gap. With sectors below 60 degrees they hold
the minimum spanning tree of the sites within reach of each other (A. C.-C. Yao, "On constructing
minimum spanning trees in k-dimensional spaces and related problems", SIAM J. Comput. 11, 1982), so
that sites hang together in these links where they do in all pairs.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Int

from jaxsparse.errors import InputError
from jaxsparse.integers import INT32_MAX
from jaxsparse.ops import coordinates
from jaxsparse.ops.lookup import bits_below, choose_strategy, occupied
from jaxsparse.ops.one_program import one_program
from jaxsparse.ops.site_list import Sites
from jaxsparse.tensor import SparseTensor, check_tensor

FAR = INT32_MAX  # the square of the distance to nothing


def nearest_in_directions(
    x: SparseTensor, directions: int, reach: int
) -> Int[Array, "sites directions"]:
    """Of every site the nearest one behind it in each direction, within a distance.

    Behind is what comes later in the order of rows: below, or beside it to the right; so a pair of
    sites is found from one end alone. Direction ``d`` is the angles from ``d`` to ``d + 1`` times
    ``180 / directions`` degrees, from the last axis towards the first, its lower edge included.

    Args:
      x: a batch of images of two axes.
      directions: a positive even number; 4 and more hold the minimum spanning tree.
      reach: pixels, the largest distance by the straight line.

    Returns:
      int32: a row of ``x``, ``capacity`` where there is none and on padding rows. Of equally near
      sites the first.

    Raises:
      InputError: images of other than two axes, an odd number of directions, or more cells than
        int32 can number.

    >>> from jaxsparse import sparse_tensor
    >>> x = sparse_tensor([[0, 0, 0], [0, 0, 3], [0, 2, 1]], [[1.0]] * 3, spatial_shape=(4, 4),
    ...                   batch_size=1)
    >>> nearest_in_directions(x, directions=4, reach=3).tolist()
    [[1, 2, 3, 3], [3, 3, 3, 2], [3, 3, 3, 3]]
    """
    check_tensor(x)
    if len(x.spatial_shape) != 2:
        raise InputError(
            f"spatial_shape is {x.spatial_shape}: directions are those of images of two axes"
        )
    if directions < 2 or directions % 2 or reach < 1:
        raise InputError(
            f"directions is {directions} and reach {reach}: must be a positive even number and a "
            "positive one"
        )
    return _nearest(Sites.of(x), directions=directions, reach=reach)


@one_program("directions", "reach")
def _nearest(sites: Sites, *, directions: int, reach: int) -> Array:
    missing, (event, row, column) = sites.capacity, sites.coords.T
    height, width = sites.spatial_shape
    sites_before = _counter(sites)
    columns = jnp.append(column, 0)  # one more, for what is not there
    left = np.arange(directions) >= directions // 2  # whose nearest site of a row is its last one

    def look(best: tuple[Array, Array], step: tuple[Array, Array]) -> tuple[Any, None]:
        below, edges = step
        end = jnp.clip(column[:, None] + edges + 1, 0, width)
        first_cell = (event * height + row + below) * width
        before = sites_before(first_cell[:, None] + end)
        first, last = before[:, 1:], before[:, :-1] - 1
        found = jnp.where(left, last, first)
        there = (first <= last) & (sites.mask & (row + below < height))[:, None]
        across = columns[jnp.where(there, found, missing)] - column[:, None]
        square = jnp.where(there, below**2 + across**2, FAR)
        nearer = square < best[1]
        return (jnp.where(nearer, found, best[0]), jnp.where(nearer, square, best[1])), None

    shape = (missing, directions)
    start = jnp.full(shape, missing, jnp.int32), jnp.full(shape, FAR, jnp.int32)
    steps = jnp.arange(reach + 1, dtype=jnp.int32), jnp.asarray(_edges(directions, reach))

    def search(unroll: bool) -> Callable[[], Array]:
        return lambda: jax.lax.scan(look, start, steps, unroll=unroll)[0][0]

    # As in count_below.
    return jax.lax.platform_dependent(cpu=search(unroll=False), default=search(unroll=True))


def _counter(sites: Sites) -> Callable[[Array], Array]:
    """cell -> how many sites lie in cells before it; of the end of the volume too."""
    cells = coordinates.cell_count(sites.batch_size, sites.spatial_shape)
    choose_strategy("bitmap", sites.batch_size, sites.spatial_shape)  # which refuses too many
    cell = coordinates.cell_index(sites.coords, sites.mask, sites.batch_size, sites.spatial_shape)
    _, bits = occupied(cell, sites.mask, cells // 32 + 1)
    filled = jax.lax.population_count(bits).astype(jnp.int32)
    before = jnp.cumsum(filled, dtype=jnp.int32) - filled

    def sites_before(cell: Array) -> Array:
        cell = jnp.clip(cell, 0, cells)
        return before[cell >> 5] + bits_below(bits[cell >> 5], cell)

    return sites_before


def _edges(directions: int, reach: int) -> np.ndarray:
    """int32 ``[reach + 1, directions + 1]``: of every row below, where directions end.

    Direction ``d`` has the columns after ``edges[d + 1]`` up to ``edges[d]``, counted from the
    site's own.
    """
    below = np.arange(reach + 1)[:, None]
    width = np.floor(np.sqrt(reach**2 - below**2))
    angle = np.pi * np.arange(1, directions) / directions
    # Rounded, so that a diagonal is where it is: 1 / tan(45 degrees) is a little more than 1.
    inner = np.floor(np.round(below / np.tan(angle), 9))
    inner = np.clip(inner, -width - 1, width)
    last = np.where(below == 0, 0, -width - 1)  # beside it only to the right
    return np.concatenate([width, inner, last], axis=1).astype(np.int32)
