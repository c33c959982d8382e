"""Connections between the levels of a geometry: what layers of any kernel are called with.

The dense twins, of the same names and arguments, are in :mod:`jaxsparse.nn.dense_connection`.
"""

from jaxsparse import Geometry, ops
from jaxsparse.errors import InputError


def neighbours(
    geometry: Geometry, level: int, *, kernel_size: int = 3, dilation: int = 1
) -> ops.Connection:
    """Of stride 1, onto the same sites.

    Takes the map that the geometry has, else builds one (traceable); layers that share it should be
    handed the same connection.

    Args:
        geometry: of the batch.
        level: number of the level, 0 the finest.
        kernel_size: odd.
        dilation: sites from one kernel position to the next.

    Raises:
        InputError: an even kernel, or a level that the geometry does not have.

    >>> from jaxsparse import geometry, sparse_tensor
    >>> x = sparse_tensor([[0, 1], [0, 4]], [[1.0]] * 2, spatial_shape=(6,), batch_size=1)
    >>> neighbours(geometry(x, levels=1), 0, dilation=3).kernel_map.table.tolist()
    [[2, 0], [0, 1], [1, 2]]
    """
    if kernel_size % 2 == 0:
        raise InputError(f"kernel_size is {kernel_size}: must be odd to stay on the same sites")
    sites = ops.Sites.of(_level(geometry, level))
    kernel_map = geometry.levels[level].kernel_maps.get(kernel_size)
    region = ops.hypercube(kernel_size, sites.dim, dilation=dilation)
    if dilation == 1 and kernel_map is not None:
        return ops.Connection(sites, sites, kernel_map, region.taps, region.taps)
    return ops.submanifold_connection(sites, region)


def down(geometry: Geometry, level: int, *, kernel_size: int = 2) -> ops.Connection:
    """Of stride 2, to the sites ``floor(x / 2)`` of the next level.

    Args:
        geometry: of the batch.
        level: number of the finer level.
        kernel_size: 2 takes the map of the geometry. An odd one reads as many sites on either side
            of ``2 * out``: all children of a site and some of its neighbours' (with 3 those before
            them), as a dense convolution with padding ``(kernel_size - 1) / 2``.

    Raises:
        InputError: the geometry has no level below, an even kernel other than 2.

    >>> from jaxsparse import geometry, sparse_tensor
    >>> x = sparse_tensor([[0, 1], [0, 4]], [[1.0]] * 2, spatial_shape=(6,), batch_size=1)
    >>> down(geometry(x, levels=2), 0, kernel_size=3).kernel_map.table.tolist()
    [[2, 2], [2, 1], [0, 2]]
    """
    if kernel_size == 2:
        return ops.down_connection(geometry, level)
    if kernel_size % 2 == 0:
        raise InputError(f"kernel_size is {kernel_size}: must be 2 or odd")
    fine, coarse = _level(geometry, level), _level(geometry, level + 1)
    return ops.target_connection(fine, coarse, ops.hypercube(kernel_size, len(fine.stride)))


def _level(geometry: Geometry, level: int) -> ops.Level:
    if not 0 <= level < len(geometry.levels):
        raise InputError(
            f"level is {level}: the geometry has levels 0 to {len(geometry.levels) - 1}, build it "
            "with more levels"
        )
    return geometry.levels[level]
