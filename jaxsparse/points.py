"""Lists of points as tensors, on the host: numpy alone, nothing is compiled."""

from __future__ import annotations

from collections.abc import Sequence

import jax.numpy as jnp
import numpy as np
from jaxtyping import Float, Int

from jaxsparse.errors import InputError
from jaxsparse.features import as_features, host_array
from jaxsparse.integers import INT32_MAX, integers, positive
from jaxsparse.tensor import SparseTensor, check_room

DUPLICATE_POLICIES = ("error", "sum", "mean", "max", "first")


def sparse_tensor(
    coords: Int[np.ndarray, "points axes"] | Sequence[Sequence[int]],
    features: Float[np.ndarray, "points channels"] | Sequence[Sequence[float]],
    *,
    spatial_shape: Sequence[int],
    batch_size: int,
    capacity: int | None = None,
    duplicates: str = "error",
) -> SparseTensor:
    """Checks, merges, sorts and pads a list of points, on the host.

    ``ops.sparse_quantize`` does the same and says which point lies in which row, for labels.

    Args:
      coords: integers ``[points, 1 + D]``: event index in ``[0, batch_size)``, then pixel indices
        in ``[0, spatial_shape)``. Any order.
      features: ``[points, channels]``. float32, bfloat16 and float16 stay; wider floats, integers
        and booleans become float32, as in everything that makes a tensor.
      spatial_shape: number of pixels along each of the D axes, 1 to 4 of them.
      batch_size: number of events, those without points included.
      capacity: rows of the result, at least 1; the number of distinct sites if None.
      duplicates: what to do with points of one event on one pixel: ``"error"``, or merge them by
        ``"sum"``, ``"mean"``, ``"max"`` or ``"first"`` (the first in input order).

    Returns:
      A tensor of stride 1, its rows in lexicographic order of the coordinates. Padding rows hold
      coordinates -1 and features 0.

    Raises:
      InputError: a coordinate or event index out of range, a wrong shape or type, duplicates that
        were not allowed, more sites than ``capacity``.

    >>> x = sparse_tensor([[0, 1], [0, 1]], [[1.0], [2.0]], spatial_shape=(3,), batch_size=1,
    ...                   capacity=2, duplicates="sum")
    >>> x.coords.tolist(), x.features.tolist(), int(x.num_active)
    ([[0, 1], [-1, -1]], [[3.0], [0.0]], 1)
    """
    remedy = "sparse_tensor works on the host, call it before, or ops.voxelize in its place"
    shape = checked_shape(spatial_shape, batch_size)
    points = checked_points(coords, shape, batch_size, remedy)
    values = host_array("features", features, remedy)
    check_policy(duplicates)
    x, _ = tensor_of_points(points, values, shape, batch_size, capacity, duplicates)
    return x


def tensor_of_points(
    points: Int[np.ndarray, "points axes"],
    features: np.ndarray,
    spatial_shape: tuple[int, ...],
    batch_size: int,
    capacity: int | None,
    duplicates: str,
    merge: str = "merge them or set duplicates=sum, mean, max or first",
) -> tuple[SparseTensor, Int[np.ndarray, " points"]]:
    """A tensor of points whose coordinates have been checked, and the row of every point, int32.

    Args:
      merge: what the error says to do about points on one site.

    Raises:
      InputError: features of another shape or type, duplicates that were not allowed, more sites
        than ``capacity``.
    """
    if features.ndim != 2 or len(features) != len(points):
        raise InputError(
            f"features has shape {features.shape}: must be [{len(points)}, channels] as coords"
        )
    order = np.lexsort(points.T[::-1])  # stable: "first" keeps the input order
    points, values = points[order], as_features(features)[order]
    new_site = np.ones(len(points), bool)
    new_site[1:] = (points[1:] != points[:-1]).any(axis=1)
    rows = np.empty(len(points), np.int32)
    rows[order] = np.cumsum(new_site) - 1
    if not new_site.all():
        if duplicates == "error":
            where = points[np.flatnonzero(~new_site)[0]].tolist()
            raise InputError(
                f"coords has {int((~new_site).sum())} repeated rows, such as {where}: "
                f"sites must be unique, {merge}"
            )
        values = _merge(values, np.flatnonzero(new_site), duplicates)
        points = points[new_site]
    count = len(points)
    capacity = max(count, 1) if capacity is None else positive("capacity", capacity)
    check_room(count, capacity, "the points make")
    padded_coords = np.full((capacity, points.shape[1]), -1, np.int32)
    padded_coords[:count] = points
    padded_values = np.zeros((capacity, values.shape[1]), values.dtype)
    padded_values[:count] = values
    x = SparseTensor(
        coords=jnp.asarray(padded_coords),
        features=jnp.asarray(padded_values),
        num_active=jnp.asarray(count, jnp.int32),
        spatial_shape=spatial_shape,
        batch_size=int(batch_size),
        stride=(1,) * len(spatial_shape),
    )
    return x, rows


def check_policy(duplicates: str) -> None:
    """Refuses what is no way to treat points on one site.

    Raises:
      InputError: it is none.
    """
    if duplicates not in DUPLICATE_POLICIES:
        raise InputError(
            f"duplicates is {duplicates!r}: must be one of {', '.join(DUPLICATE_POLICIES)}"
        )


def checked_shape(spatial_shape: Sequence[int], batch_size: int) -> tuple[int, ...]:
    """The shape as Python integers.

    Raises:
      InputError: not 1 to 4 positive lengths that int32 holds, or no number of events.
    """
    shape = integers("spatial_shape", spatial_shape)
    if not 1 <= len(shape) <= 4 or min(shape, default=0) < 1 or max(shape, default=0) >= INT32_MAX:
        raise InputError(
            f"spatial_shape is {shape}: must be 1 to 4 positive lengths below 2**31 - 1"
        )
    positive("batch_size", batch_size)
    return shape


def checked_points(
    coords: object, shape: tuple[int, ...], batch_size: int, remedy: str
) -> Int[np.ndarray, "points axes"]:
    """Coordinates as int32.

    Args:
      coords: of points, event first.
      shape: of the volume.
      batch_size: number of events.
      remedy: what to do where they are traced.

    Raises:
      InputError: traced ones, another shape or type, a point outside of the volume.
    """
    points = host_array("coords", coords, remedy)
    if points.size == 0 and points.ndim < 2:
        points = points.reshape(0, 1 + len(shape)).astype(np.int32)
    if points.ndim != 2 or points.shape[1] != 1 + len(shape):
        raise InputError(
            f"coords has shape {points.shape}: must be [points, {1 + len(shape)}], event first"
        )
    if not np.issubdtype(points.dtype, np.integer):
        raise InputError(f"coords has type {points.dtype}: must be integers, round them first")
    limits = np.array([batch_size, *shape], np.int64)
    outside = (points < 0) | (points >= limits)
    if outside.any():
        row, axis = np.argwhere(outside)[0]
        name = "event index" if axis == 0 else f"axis {axis - 1}"
        rolled = np.roll(points, 1, axis=1)
        last = (rolled >= 0).all() and (rolled < limits).all()
        order = "; if the last column is the event index, np.roll(coords, 1, axis=1) makes it first"
        raise InputError(
            f"coords[{row}] is {points[row].tolist()}: {name} must be in [0, {limits[axis]}), "
            "shift or crop the points, or enlarge spatial_shape or batch_size"
            f"{order if last else ''}"
        )
    return points.astype(np.int32)


def _merge(values: np.ndarray, starts: np.ndarray, policy: str) -> np.ndarray:
    """One row per run of equal coordinates; runs begin at ``starts``."""
    if policy == "first":
        return values[starts]
    if policy == "max":
        return np.maximum.reduceat(values, starts, axis=0)
    total = np.add.reduceat(values.astype(np.float64), starts, axis=0)
    if policy == "mean":
        total /= np.diff(np.append(starts, len(values)))[:, None]
    return total.astype(values.dtype)
