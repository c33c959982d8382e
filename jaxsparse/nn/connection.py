"""Connections between the levels of a geometry: what layers of any kernel are called with.

The dense twins, of the same names and arguments, are in :mod:`jaxsparse.nn.dense_connection`.
"""

from jaxsparse import Geometry, SparseTensor, ops
from jaxsparse.errors import InputError, check_kind
from jaxsparse.integers import integer
from jaxsparse.ops.levels import kernel_key

# For whoever writes the channels of the input first, as PyTorch has them.


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
    check_odd(kernel_size)
    here = _level(geometry, level)
    return ops.submanifold_connection(here, ops.hypercube(kernel_size, here.dim, dilation=dilation))


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
    if integer("kernel_size", kernel_size) % 2 == 0:
        raise InputError(f"kernel_size is {kernel_size}: must be 2 or odd")
    fine, coarse = _level(geometry, level), _level(geometry, level + 1)
    return ops.target_connection(fine, coarse, ops.hypercube(kernel_size, len(fine.stride)))


def connect(
    geometry: Geometry,
    x: SparseTensor,
    *,
    kernel_size: int | None,
    stride: int,
    dilation: int,
    region: ops.Region | None,
    transposed: bool,
) -> ops.Connection:
    """What a convolution of ``x`` reads and makes in a geometry: see ``nn.GeneralConv``.

    Takes the maps of the geometry: those of stride 1 without a region it must have, since a layer
    that builds one builds it for itself alone; others are built where they are not there.

    Raises:
      InputError: a level or a map that the geometry does not have.
    """
    level = geometry.level_of(x)
    strides = [one.stride for one in geometry.levels]
    other = other_level(strides, level, stride, transposed=transposed)
    fine, coarse = min(level, other), max(level, other)
    if region is None and fine == coarse:
        _check_map(geometry, fine, kernel_size or 0, dilation)
        made = neighbours(geometry, fine, kernel_size=kernel_size or 0, dilation=dilation)
    elif region is None and (kernel_size, stride, dilation) == (2, 2, 1) and coarse == fine + 1:
        made = ops.down_connection(geometry, fine)
    else:
        region = region or ops.hypercube(kernel_size or 0, x.dim, dilation=dilation)
        levels = geometry.levels
        made = (
            ops.submanifold_connection(levels[fine], region)
            if fine == coarse
            else ops.target_connection(levels[fine], levels[coarse], region)
        )
    return made.transpose() if transposed else made


def other_level(
    strides: list[tuple[int, ...]], level: int, stride: int, *, transposed: bool
) -> int:
    """The level that is coarser by ``stride`` than ``level``, or finer.

    Raises:
      InputError: the geometry has none.
    """
    own = strides[level]
    if stride & (stride - 1):
        raise InputError(
            f"stride is {stride}: a level of a geometry is coarser by 2 than the one before, give "
            "a connection instead, such as ops.strided_connection(x, region, stride)"
        )
    wanted = tuple(unit // stride if transposed else unit * stride for unit in own)
    if wanted in strides and not any(transposed and unit % stride for unit in own):
        return strides.index(wanted)
    if transposed:
        raise InputError(
            f"x is on level {level} of the geometry, of stride {own}: there is no finer level to "
            f"lead back to by {stride}; give a tensor of a coarser level"
        )
    raise InputError(
        f"x is on level {level} of the {len(strides)} of the geometry, of stride {own}: none has "
        f"stride {wanted}, build it with more levels"
    )


def check_odd(kernel_size: int) -> None:
    """Refuses a kernel that has no site in its middle.

    Raises:
      InputError: an even one.
    """
    if integer("kernel_size", kernel_size) % 2 == 0:
        raise InputError(
            f"kernel_size is {kernel_size}: must be odd to stay on the same sites, even kernels "
            "need a stride"
        )


def _check_map(geometry: Geometry, level: int, kernel_size: int, dilation: int) -> None:
    check_odd(kernel_size)
    maps = geometry.levels[level].kernel_maps
    wanted = kernel_key(kernel_size, dilation)
    if wanted not in maps:
        if kernel_size == 1:
            raise InputError("kernel_size is 1: take nn.Linear, which needs no map")
        kernels = str((*maps, wanted))
        if any(isinstance(kernel, tuple) for kernel in (*maps, wanted)):
            kernels = f"[{kernels}] * levels"
        each = [tuple(one.kernel_maps) for one in geometry.levels]
        each[level] = (*maps, wanted)
        raise InputError(
            f"kernel_size is {kernel_size} and dilation {dilation}: level {level} of the geometry "
            f"has the maps {list(maps)} alone, build it with kernels={kernels}, or on "
            f"this level alone kernels={each}"
        )


def _level(geometry: Geometry, level: int) -> ops.Level:
    check_kind("geometry", geometry, Geometry, remedy="jaxsparse.geometry builds it once a batch")
    if not 0 <= level < len(geometry.levels):
        raise InputError(
            f"level is {level}: the geometry has levels 0 to {len(geometry.levels) - 1}, build it "
            "with more levels"
        )
    return geometry.levels[level]
