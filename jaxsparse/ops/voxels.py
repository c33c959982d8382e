"""From points to sites, traceable; on the host: ``quantize.py``."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Int

from jaxsparse.errors import InputError
from jaxsparse.features import as_features, host_array
from jaxsparse.integers import integer, integers, positive
from jaxsparse.ops import coordinates
from jaxsparse.ops.int32 import clipped_int32
from jaxsparse.ops.one_program import one_program
from jaxsparse.ops.point_map import PointMap
from jaxsparse.ops.rows import largest_of_rows, sum_rows, take_rows
from jaxsparse.ops.site_list import Sites
from jaxsparse.points import check_policy
from jaxsparse.pytree import pytree
from jaxsparse.tensor import SparseTensor, check_room

# The largest whole number below 2^31 that float32 holds.
_FLOAT32_BELOW_LIMIT = 2.0**31 - 128


@pytree
@dataclasses.dataclass(frozen=True)
class VoxelizeStatus:
    """What went wrong, as numbers. Outside of ``jit`` an error has been raised instead.

    Attributes:
      num_outside: int32 scalar, points outside of the volume or of the batch, NaN included.
      num_repeated: int32 scalar, points beyond the first on their site.
      num_sites: int32 scalar, true number of sites, also where it exceeds the capacity.
      ok: bool scalar: no point outside, every site within the capacity, and no repetition if
        ``duplicates`` is ``"error"``.
    """

    num_outside: Int[Array, ""]
    num_repeated: Int[Array, ""]
    num_sites: Int[Array, ""]
    ok: Bool[Array, ""]


def voxelize(
    points: Array | np.ndarray | Sequence[Sequence[float]],
    features: Float[Array | np.ndarray, "points channels"],
    *,
    spatial_shape: Sequence[int],
    batch_size: int,
    capacity: int | None = None,
    duplicates: str = "error",
    valid: Bool[Array | np.ndarray, " points"] | None = None,
) -> tuple[SparseTensor, PointMap, VoxelizeStatus]:
    """The sites that points lie on, ``floor(point)``, with the features of their points merged.

    Traceable. Called with arrays at hand it raises where something is wrong; under ``jit`` and its
    kin nothing can be raised, and ``status.ok`` must be looked at. Every number of points compiles
    anew, for a second: pad the arrays and say ``valid=``, or take ``sparse_quantize``, which runs
    on the host.

    Args:
      points: ``[points, 1 + D]``, event index, then D coordinates in units of a voxel: voxel
        ``i`` spans ``[i, i + 1)``. Integers of any width, or floats, which are rounded down
        before anything narrows them. Any order; takes no gradient.
      features: ``[points, channels]``. float32, bfloat16 and float16 stay; wider floats, integers
        and booleans become float32.
      spatial_shape: voxels along each of the D axes, 1 to 4 of them (static).
      batch_size: number of events, those without points included (static).
      capacity: rows of the result (static); None: one for every point, which always fits.
      duplicates: what to do with several points on one site: ``"error"``, or merge them by
        ``"sum"``, ``"mean"``, ``"max"`` (channel by channel) or ``"first"`` (in input order).
        Sums and means are float32, in an order that depends on the points of the site only.
      valid: bool ``[points]``, False for padding, which is ignored whatever it holds.

    Returns:
      ``(tensor, point_map, status)``: the tensor of stride 1 in canonical order, padding rows -1
      and 0; which point went where; the numbers of points and sites that are not in the tensor.
      The features are differentiable any number of times; the gradient of ``"max"`` goes to the
      first of equal points.

    Raises:
      InputError: a wrong shape, type or policy. Where arrays are at hand also: a point outside of
        the volume, repeated points under ``"error"``, more sites than ``capacity``.

    Source: the quantisation of sparse tensors of MinkowskiEngine, with its inverse map, restated
    for fixed shapes.

    >>> x, point_map, status = voxelize([[0, 2.5, 1.0], [0, 0.0, 3.9], [0, 2.0, 1.2]],
    ...     jnp.array([[1.0], [2.0], [4.0]]), spatial_shape=(4, 4), batch_size=1, duplicates="sum")
    >>> x.coords.tolist(), x.features.tolist()
    ([[0, 0, 3], [0, 2, 1], [-1, -1, -1]], [[2.0], [5.0], [0.0]])
    >>> point_map.restore(x.features).tolist(), point_map.points_per_site.tolist()
    ([[5.0], [2.0], [5.0]], [1, 2, 0])
    """
    sizes = checked_sizes(spatial_shape, batch_size)
    check_policy(duplicates)
    if not isinstance(points, jax.Array):
        points = host_array("points", points, "pass one array, jnp.asarray(points)")
    features = jnp.asarray(as_features(features))
    _check_shapes(np.shape(points), features, valid, sizes)
    capacity = max(features.shape[0], 1) if capacity is None else positive("capacity", capacity)

    if _traced(points, valid):
        coords, inside = _voxels(points, sizes)
    else:
        coords, inside = host_voxels(np.asarray(points), valid, sizes)
    used = jnp.ones(features.shape[0], bool) if valid is None else jnp.asarray(valid)
    sites, point_map, status = _sites_of_points(
        coords, used, inside, sizes=sizes, capacity=capacity, unique=duplicates == "error"
    )
    _raise_on_host(status, capacity, duplicates)
    merged = _merge(features, point_map.rows, point_map.points_per_site, duplicates)
    return sites.tensor(merged), point_map, status


@one_program("sizes", "capacity", "unique")
def _sites_of_points(
    coords: Array,
    used: Array,
    inside: Array,
    *,
    sizes: tuple[int, ...],
    capacity: int,
    unique: bool,
) -> tuple[Sites, PointMap, VoxelizeStatus]:
    placed = used & inside
    words = coordinates.key_words(coords, placed, sizes[0], sizes[1:])
    rank, num_sites = coordinates.rank_by_sort(words)
    row = jnp.where(placed & (rank < capacity), rank, capacity)
    counts = jnp.zeros(capacity, jnp.int32).at[row].add(1, mode="drop")
    num_placed = jnp.sum(placed, dtype=jnp.int32)
    status = VoxelizeStatus(
        num_outside=jnp.sum(used, dtype=jnp.int32) - num_placed,
        num_repeated=num_placed - num_sites,
        num_sites=num_sites,
        ok=jnp.all(placed == used)
        & (num_sites <= capacity)
        & ((num_placed == num_sites) | (not unique)),
    )
    # Points of one site write equal coordinates, so the order of these writes does not matter.
    filled = jnp.full((capacity, len(sizes)), -1, jnp.int32).at[row].set(coords, mode="drop")
    sites = Sites(filled, num_sites, sizes[1:], sizes[0], (1,) * (len(sizes) - 1))
    return sites, PointMap(row, counts), status


def _merge(features: Array, row: Array, counts: Array, policy: str) -> Array:
    """One row a site from the features of its points."""
    points, capacity = features.shape[0], counts.shape[0]
    if policy == "sum":
        return sum_rows(features, row, capacity)
    if policy == "mean":
        total = sum_rows(features.astype(jnp.float32), row, capacity)
        points_here = jnp.maximum(counts, 1)[:, None].astype(jnp.float32)
        return (total / points_here).astype(features.dtype)
    number = jnp.arange(points, dtype=jnp.int32)
    if policy == "max":
        winner = largest_of_rows(features, row, capacity)
        won = winner.at[row].get(mode="fill", fill_value=-1) == number[:, None]
        # All terms but the winner are zero, so that their sum is the winner.
        return sum_rows(jnp.where(won, features, 0), row, capacity)
    first = jnp.full(capacity, points, jnp.int32).at[row].min(number, mode="drop")
    return take_rows(features, first, distinct=True)


def checked_sizes(spatial_shape: Sequence[int], batch_size: int) -> tuple[int, ...]:
    """Batch size and shape, as Python integers that int32 holds.

    Raises:
      InputError: not 1 to 4 lengths, one that is not positive.
    """
    sizes = (integer("batch_size", batch_size), *integers("spatial_shape", spatial_shape))
    if not 2 <= len(sizes) <= 5:
        raise InputError(f"spatial_shape is {sizes[1:]}: must be 1 to 4 lengths")
    coordinates.key_groups(sizes[0], sizes[1:])
    return sizes


def check_points(shape: tuple[int, ...], sizes: tuple[int, ...]) -> None:
    """Refuses points that have not an event and as many coordinates as the volume has axes.

    Raises:
      InputError: another shape.
    """
    if len(shape) != 2 or shape[1] != len(sizes):
        raise InputError(
            f"points has shape {shape}: must be [points, {len(sizes)}], event index first"
        )


def _check_shapes(
    shape: tuple[int, ...],
    features: Array,
    valid: Array | np.ndarray | None,
    sizes: tuple[int, ...],
) -> None:
    check_points(shape, sizes)
    if features.ndim != 2 or features.shape[0] != shape[0]:
        raise InputError(
            f"features has shape {features.shape}: must be [{shape[0]}, channels] as points"
        )
    if valid is None:
        return
    dtype = jnp.result_type(valid)
    if jnp.shape(valid) != shape[:1] or dtype != jnp.bool_:
        raise InputError(
            f"valid has shape {jnp.shape(valid)} and type {dtype}: must be bool [{shape[0]}] as "
            "points, compare numbers with 0 first"
        )


def _traced(*arrays: object) -> bool:
    return any(isinstance(array, jax.core.Tracer) for array in arrays)


def _voxels(points: Array | np.ndarray, sizes: tuple[int, ...]) -> tuple[Array, Array]:
    """int32 voxel indices of points, some of them traced, and whether they are in the volume."""
    if jnp.issubdtype(points.dtype, jnp.floating):
        library: Any = jnp if isinstance(points, jax.Array) else np
        points = points.astype(jnp.promote_types(points.dtype, jnp.float32))
        points = jax.lax.stop_gradient(points) if library is jnp else points
        whole = library.floor(points)
        # A fraction of an event is no event; conversion to int32 would make one of it.
        number = library.isfinite(points).all(axis=1) & (whole[:, 0] == points[:, 0])
        number &= (whole <= _FLOAT32_BELOW_LIMIT).all(axis=1)
        whole = library.where(number[:, None], library.clip(whole, -1, _FLOAT32_BELOW_LIMIT), -1)
        coords = jnp.asarray(whole.astype(np.int32))
    else:
        coords = clipped_int32("points", points)
    limits = jnp.array([sizes], jnp.int32)
    return coords, ((coords >= 0) & (coords < limits)).all(axis=1)


def host_voxels(
    points: np.ndarray, valid: Array | np.ndarray | None, sizes: tuple[int, ...]
) -> tuple[Any, Any]:
    """Voxel indices of points at hand, at their own width, and whether they are in the volume.

    Raises:
      InputError: no numbers, or a point outside of the volume.
    """
    if jnp.issubdtype(points.dtype, jnp.floating):
        points = points.astype(np.promote_types(points.dtype, np.float32))
    elif points.size and not np.issubdtype(points.dtype, np.integer):
        raise InputError(f"points has type {points.dtype}: must be integers or floats")
    whole = np.floor(points) if np.issubdtype(points.dtype, np.floating) else points
    inside: Any = (whole >= 0) & (whole < np.array(sizes, np.int64))
    inside[:, 0] &= whole[:, 0] == points[:, 0]
    wrong = ~inside if valid is None else ~inside & np.asarray(valid)[:, None]
    if wrong.any():
        row, axis = np.argwhere(wrong)[0]
        name = "event index" if axis == 0 else f"axis {axis - 1}"
        kind = "a whole number in" if axis == 0 else "in"
        raise InputError(
            f"points[{row}] is {points[row].tolist()}: {name} must be {kind} [0, {sizes[axis]}), "
            "shift or crop the points, or enlarge spatial_shape or batch_size"
        )
    placed = inside.all(axis=1)
    coords = np.where(placed[:, None], whole, 0).astype(np.int32)
    return coords, placed


def _raise_on_host(status: VoxelizeStatus, capacity: int, duplicates: str) -> None:
    if _traced(status.num_sites, status.num_repeated):
        return
    repeated = int(status.num_repeated)
    if duplicates == "error" and repeated:
        raise InputError(
            f"points has {repeated} rows on a site that another row is on already: "
            "sites must be unique, merge them with duplicates=sum, mean, max or first"
        )
    check_room(status.num_sites, capacity, "the points make")
