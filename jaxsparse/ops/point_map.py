"""Which point lies on which site, and what sites get from their points by it: labels."""

from __future__ import annotations

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int

from jaxsparse.errors import InputError, check_kind
from jaxsparse.features import check_rows
from jaxsparse.integers import INT32_MAX, integer
from jaxsparse.ops.int32 import as_int32
from jaxsparse.ops.one_program import one_program
from jaxsparse.ops.rows import take_rows
from jaxsparse.pytree import pytree


@pytree
@dataclasses.dataclass(frozen=True)
class PointMap:
    """Which point lies on which site; what leads from sites back to points.

    That of ``sparse_quantize`` holds arrays of numpy, all of whose rows are sites:
    ``features[point_map.rows]`` restores there without a program.

    Attributes:
      rows: int32 ``[points]``, the row of every point's site; the capacity for points that have
        none (padding, outside of the volume, on a site beyond the capacity).
      points_per_site: int32 ``[capacity]``, 0 on padding rows.
    """

    rows: Int[Array, " points"]
    points_per_site: Int[Array, " sites"]

    @property
    def capacity(self) -> int:
        """Rows of the tensor of sites, padding included."""
        return self.points_per_site.shape[0]

    def restore(self, features: Float[Array, "sites channels"]) -> Float[Array, "points channels"]:
        """Features of every point's site, in the points' order and multiplicity; 0 without a site.

        Differentiable any number of times; its gradient adds points up in a fixed order.

        Raises:
          InputError: features that have not one row for each row of the sites.
        """
        check_rows(features, self.capacity)
        return take_rows(features, self.rows)


def vote(
    labels: Int[Array | np.ndarray, " points"],
    point_map: PointMap,
    *,
    ignore_label: int = -1,
    conflict: int | None = None,
) -> Int[Array, " sites"]:
    """The label that most points of a site have; the smallest of equally frequent ones.

    With the map of ``sparse_quantize`` it runs on the host; with that of ``voxelize`` it is
    traceable, and every number of points compiles anew.

    Args:
      labels: integers ``[points]`` that int32 holds, one for every point that was voxelised.
        Under ``jit`` of a type that int32 holds.
      point_map: of ``voxelize`` or ``sparse_quantize``.
      ignore_label: points that have it do not vote.
      conflict: what a site gets on which not all votes are for one label, instead of the label
        that most are for. None: nothing special.

    Returns:
      int32 ``[capacity]``: ``ignore_label`` on sites without votes and on padding rows.

    Raises:
      InputError: no map, another number of labels than points, labels that are no integers or that
        int32 does not hold, and, under ``jit``, labels of a wider type.

    Source of ``conflict``: the ``ignore_label`` of ``sparse_quantize`` of MinkowskiEngine 0.5
    (``quantize_label`` in ``src/quantization.cpp``), where any two points that differ conflict. Its
    own ignore label is a label like others there, so its result for ``ignore_label=n`` is
    ``vote(..., ignore_label=one that no point has, conflict=n)``.

    >>> from jaxsparse.ops import vote, voxelize
    >>> _, point_map, _ = voxelize([[0, 1], [0, 1], [0, 0], [0, 1]], jnp.ones((4, 1)),
    ...                            spatial_shape=(2,), batch_size=1, duplicates="first")
    >>> vote(jnp.array([3, -1, -1, 3]), point_map).tolist()
    [-1, 3, -1, -1]
    >>> vote(jnp.array([3, -1, -1, 4]), point_map, conflict=255).tolist()
    [-1, 255, -1, -1]
    """
    check_kind("point_map", point_map, PointMap, remedy="what sparse_quantize or voxelize returned")
    points = point_map.rows.shape[0]
    if np.shape(labels) != (points,):
        raise InputError(f"labels has shape {np.shape(labels)}: must be [{points}], one a point")
    given = as_int32("labels", labels)
    ignored = _label("ignore_label", ignore_label)
    other = None if conflict is None else _label("conflict", conflict)
    if isinstance(point_map.rows, np.ndarray) and not isinstance(given, jax.core.Tracer):
        return jnp.asarray(_elected_on_host(np.asarray(given, np.int64), point_map, ignored, other))
    return _elected(
        given, point_map, jnp.int32(ignored), None if other is None else jnp.int32(other)
    )


@one_program()
def _elected(labels: Array, point_map: PointMap, ignored: Array, conflict: Array | None) -> Array:
    points, capacity = point_map.rows.shape[0], point_map.capacity
    row = jnp.where(labels == ignored, capacity, point_map.rows)
    row, labels = jax.lax.sort((row, labels), num_keys=2)
    # Votes of one label on one site are a run; integers alone from here, so any order will do.
    new = jnp.ones(points, bool).at[1:].set((row[1:] != row[:-1]) | (labels[1:] != labels[:-1]))
    run = jnp.cumsum(new, dtype=jnp.int32) - 1
    votes = jnp.zeros(points, jnp.int32).at[run].add(1)[run]
    most = jnp.zeros(capacity, jnp.int32).at[row].max(votes, mode="drop")
    elected = (row < capacity) & (votes == most.at[row].get(mode="fill", fill_value=-1))
    target = jnp.where(elected, row, capacity)
    winner = jnp.full(capacity, INT32_MAX, jnp.int32).at[target].min(labels, mode="drop")
    if conflict is not None:
        voters = jnp.zeros(capacity, jnp.int32).at[row].add(1, mode="drop")
        winner = jnp.where(voters > most, conflict, winner)
    return jnp.where(most > 0, winner, ignored)


def _elected_on_host(
    labels: np.ndarray, point_map: PointMap, ignored: int, conflict: int | None
) -> np.ndarray:
    voting = (labels != ignored) & (point_map.rows < point_map.capacity)
    # A row and a label are one number, which sorts much faster than pairs.
    votes = np.asarray(point_map.rows[voting], np.int64) << 32 | (labels[voting] + 2**31)
    distinct, count = np.unique(votes, return_counts=True)
    row, label = distinct >> 32, (distinct & 2**32 - 1) - 2**31
    order = np.lexsort((label, -count, row))
    row, label = row[order], label[order]
    best = np.ones(len(row), bool)
    best[1:] = row[1:] != row[:-1]
    winner = np.full(point_map.capacity, ignored, np.int32)
    winner[row[best]] = label[best]
    if conflict is not None:
        winner[row[~best]] = conflict
    return winner


def _label(name: str, value: int) -> int:
    """A label of the caller's that int32 holds."""
    number = integer(name, value)
    if not -INT32_MAX - 1 <= number <= INT32_MAX:
        raise InputError(f"{name} is {number}: must be an integer that int32 holds")
    return number
