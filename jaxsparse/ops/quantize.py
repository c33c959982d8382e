"""From points to sites on the host: numpy alone, for data that is made ready outside of ``jit``."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from jaxtyping import Float, Num

from jaxsparse.features import host_array
from jaxsparse.ops.point_map import PointMap
from jaxsparse.ops.voxels import check_points, checked_sizes, host_voxels
from jaxsparse.points import check_policy, tensor_of_points
from jaxsparse.tensor import SparseTensor


def sparse_quantize(
    points: Num[np.ndarray, "points axes"] | Sequence[Sequence[float]],
    features: Float[np.ndarray, "points channels"] | Sequence[Sequence[float]],
    *,
    spatial_shape: Sequence[int],
    batch_size: int,
    capacity: int | None = None,
    duplicates: str = "error",
) -> tuple[SparseTensor, PointMap]:
    """The sites that points lie on, ``floor(point)``, and which point lies on which, on the host.

    As ``voxelize`` without ``jit``: nothing is compiled, whatever the number of points. Sites are
    in another order than points; what else there is a point goes to the sites by the map:
    ``vote(labels, point_map)``.

    Args:
      points: ``[points, 1 + D]``, event index, then D coordinates in units of a voxel: voxel
        ``i`` spans ``[i, i + 1)``. Integers of any width, or floats, which are rounded down. Any
        order.
      features: ``[points, channels]``. float32, bfloat16 and float16 stay; wider floats, integers
        and booleans become float32.
      spatial_shape: voxels along each of the D axes, 1 to 4 of them.
      batch_size: number of events, those without points included.
      capacity: rows of the result, at least 1; the number of sites if None.
      duplicates: what to do with several points on one site: ``"error"``, or merge them by
        ``"sum"``, ``"mean"``, ``"max"`` (channel by channel) or ``"first"`` (in input order).

    Returns:
      ``(tensor, point_map)``: the tensor of stride 1 in canonical order, padding rows -1 and 0; the
      row of every point and the points of every site, arrays of numpy.

    Raises:
      InputError: a wrong shape, type or policy, traced arrays, a point outside of the volume,
        repeated points under ``"error"``, more sites than ``capacity``.

    Source: ``sparse_quantize`` of MinkowskiEngine with ``return_inverse``, which is
    ``point_map.rows``.

    >>> from jaxsparse.ops import vote
    >>> points, charges = [[0, 2.5], [0, 0.1], [0, 2.0]], [[1.0], [2.0], [4.0]]
    >>> x, point_map = sparse_quantize(points, charges, spatial_shape=(4,), batch_size=1,
    ...                                capacity=3, duplicates="sum")
    >>> x.coords.tolist(), x.features.tolist()
    ([[0, 0], [0, 2], [-1, -1]], [[2.0], [5.0], [0.0]])
    >>> point_map.rows.tolist(), vote([7, 8, 7], point_map).tolist()
    ([1, 0, 1], [8, 7, -1])
    """
    sizes = checked_sizes(spatial_shape, batch_size)
    check_policy(duplicates)
    remedy = "sparse_quantize works on the host, call it before, or ops.voxelize in its place"
    given = host_array("points", points, remedy)
    values = host_array("features", features, remedy)
    if given.size == 0 and given.ndim < 2:
        given = given.reshape(0, len(sizes))
    check_points(given.shape, sizes)
    coords, _ = host_voxels(given, None, sizes)
    x, rows = tensor_of_points(coords, values, sizes[1:], sizes[0], capacity, duplicates)
    counts = np.bincount(rows, minlength=x.capacity).astype(np.int32)
    on_host: Any = PointMap
    return x, on_host(rows, counts)
