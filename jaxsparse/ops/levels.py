"""The coordinates and kernel maps of all levels of a network, built once per batch."""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Iterable, Sequence
from typing import Any

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float

from jaxsparse.errors import InputError
from jaxsparse.integers import integer, integers
from jaxsparse.ops import coordinates, site_tables
from jaxsparse.ops.kernel_map import DOWN, KernelMap, submanifold_map
from jaxsparse.ops.one_program import one_program
from jaxsparse.ops.region import Region, hypercube
from jaxsparse.ops.site_list import Sites
from jaxsparse.origins import scaled
from jaxsparse.pytree import pytree, register_serialization
from jaxsparse.same_sites import check_same_sites
from jaxsparse.tensor import SparseTensor, check_tensor

Kernel = int | tuple[int, int]


class KernelMaps(dict[Kernel, KernelMap]):
    """Kernel maps by ``kernel_key``: a dictionary that ``jax.export`` can write, keys and all."""


def kernel_key(kernel_size: int, dilation: int = 1) -> Kernel:
    """Under what the map of a kernel stands: its size, and with a dilation both.

    >>> kernel_key(3), kernel_key(3, 2)
    (3, (3, 2))
    """
    return kernel_size if dilation == 1 else (kernel_size, dilation)


def _size_and_dilation(key: Kernel) -> tuple[int, int]:
    return key if isinstance(key, tuple) else (key, 1)


def _sorted_keys(maps: KernelMaps) -> tuple[Kernel, ...]:
    return tuple(sorted(maps, key=_size_and_dilation))


jax.tree_util.register_pytree_with_keys(
    KernelMaps,
    lambda maps: (
        [(jax.tree_util.DictKey(key), maps[key]) for key in _sorted_keys(maps)],
        (_sorted_keys(maps),),
    ),
    lambda keys, maps: KernelMaps(zip(*keys, maps, strict=True)),
)
register_serialization(KernelMaps, ["sizes"])


@pytree
@dataclasses.dataclass(frozen=True)
class Level(Sites):
    """Sites and kernel maps of one level; a level's unit is twice that of the level before.

    Attributes:
      kernel_maps: submanifold map of each kernel that was asked for, by its size, or by
        ``(size, dilation)`` where it is dilated.
      down: map of kernel 2, stride 2 to the next level; None on the last.
    """

    kernel_maps: KernelMaps
    down: KernelMap | None

    def kernel_map(self, region: Region) -> KernelMap | None:
        """The submanifold map of a region, None if it was not asked for."""
        for key, kernel_map in self.kernel_maps.items():
            size, dilation = _size_and_dilation(key)
            if region == hypercube(size, self.dim, dilation=dilation):
                return kernel_map
        return None


@pytree
@dataclasses.dataclass(frozen=True)
class Geometry:
    """All levels of a batch, finest first: integers only, shared by every layer and by both passes.

    Attributes:
      levels: see ``Level``.
      fits: bool scalar, whether every level's sites fit its capacity. Capacities that come from
        ``count_levels`` always do.
    """

    levels: tuple[Level, ...]
    fits: Bool[Array, ""]

    def level_of(self, x: SparseTensor) -> int:
        """The level that ``x`` lies on.

        Raises:
          InputError: no level has the stride of ``x``, or the one that has is another batch's:
            another shape, number of events or capacity, or other sites, as far as can be told.
        """
        check_tensor(x)
        index = self.level_of_stride(x.stride)
        relation = f"level {index} of the geometry has"
        check_same_sites(x, self.levels[index], relation, "build one from this batch")
        return index

    def level_of_stride(self, stride: tuple[int, ...]) -> int:
        """The level of that stride.

        Raises:
          InputError: there is none.
        """
        for index, level in enumerate(self.levels):
            if level.stride == stride:
                return index
        raise InputError(
            f"stride of the tensor is {stride} but the geometry has strides "
            f"{[level.stride for level in self.levels]}: build the geometry with more levels"
        )

    def tensor(self, level: int, features: Float[Array, "sites channels"]) -> SparseTensor:
        """Features on the sites of a level; what padding rows hold does not matter.

        Raises:
          InputError: features that have not one row for each row of the level.
        """
        return self.levels[level].tensor(features)


def geometry(
    x: SparseTensor,
    *,
    levels: int,
    kernels: Sequence[int] | Sequence[Sequence[Kernel]] = (3,),
    capacities: Sequence[int] | None = None,
    strategy: str = "auto",
) -> Geometry:
    """Builds the levels and kernel maps of a batch. Traceable: shapes depend on capacities only.

    The result belongs to this batch. A compiled or mapped function that closes over it pairs the
    rows of another batch with it by number, in silence: call this inside of the function, or pass
    the geometry as an argument. ``jaxsparse.checking_sites()`` finds such a mistake.

    Args:
      x: the batch; only its coordinates are used.
      levels: number of levels, the finest included.
      kernels: odd sizes of the submanifold kernels, the same at every level; or for every level a
        sequence of its own, of sizes and, for dilated kernels, ``(size, dilation)``: ``[(5, 3),
        (3,)]`` is 5 and 3 on the finest level and 3 on the next.
      capacities: rows of every level (static): ``(x.capacity, *counts[1:])``, the counts being
        those of ``count_levels``. None: ``x.capacity`` everywhere, which always fits.
      strategy: of look-ups, ``"bitmap"``, ``"search"`` or ``"auto"``: by each level's volume.

    Returns:
      The geometry. All of it is int32 or bool and identical for every strategy and platform.
      Under ``jit`` a level may have more sites than its capacity; the last ones are then missing
      and ``fits`` is False.

    Raises:
      InputError: no tensor, no levels, an even kernel, kernels or capacities of the wrong length,
        a size for all levels twice, capacities of another batch, and, outside of ``jit``, more
        sites than a capacity.

    >>> from jaxsparse import sparse_tensor
    >>> x = sparse_tensor([[0, 0, 0], [0, 1, 1], [0, 2, 3]], [[1.0]] * 3, spatial_shape=(4, 4),
    ...                   batch_size=1)
    >>> [int(level.num_active) for level in geometry(x, levels=3).levels]
    [3, 2, 1]
    >>> built = geometry(x, levels=2, kernels=[(3, (3, 2)), ()])
    >>> [list(level.kernel_maps) for level in built.levels]
    [[3, (3, 2)], []]
    """
    check_tensor(x)
    if integer("levels", levels) < 1:
        raise InputError(f"levels is {levels}: must be at least 1")
    rows = (x.capacity,) * levels if capacities is None else integers("capacities", capacities)
    if len(rows) != levels or rows[0] != x.capacity or min(rows) < 1:
        raise InputError(
            f"capacities is {rows}: must be {levels} positive numbers beginning with {x.capacity}"
        )
    wanted = tuple(kernels_of_levels(kernels, levels))
    finest = Sites.of(x)
    built = _built(finest, capacities=rows, kernels=wanted, strategy=strategy)
    # The object that x holds: what a program returns is another one.
    built = dataclasses.replace(
        built,
        levels=(dataclasses.replace(built.levels[0], coords=finest.coords), *built.levels[1:]),
    )
    for fine, coarse in itertools.pairwise(built.levels):
        scaled(coarse.coords, fine.coords, (2,) * x.dim)
    at_hand = not isinstance(built.fits, jax.core.Tracer)
    if capacities is not None and at_hand and not bool(built.fits):
        over = next(i for i, level in enumerate(built.levels) if int(level.count) > level.capacity)
        raise InputError(
            f"capacities is {rows} but level {over} has {int(built.levels[over].count)} sites: "
            "raise it, ops.count_levels counts what is needed"
        )
    return built


@one_program("capacities", "kernels", "strategy")
def _built(
    finest: Sites,
    *,
    capacities: tuple[int, ...],
    kernels: tuple[tuple[Kernel, ...], ...],
    strategy: str,
) -> Geometry:
    sites = finest
    fits = sites.count <= capacities[0]
    levels: list[Level] = []
    for index, wanted in enumerate(kernels):
        num_here = jnp.minimum(sites.count, capacities[index])
        place: Any = {"batch_size": sites.batch_size, "spatial_shape": sites.spatial_shape}
        maps, down, coarser = KernelMaps(), None, sites
        for size, dilation in map(_size_and_dilation, wanted):
            maps[kernel_key(size, dilation)] = submanifold_map(
                sites.coords,
                num_here,
                kernel_size=size,
                dilation=dilation,
                strategy=strategy,
                **place,
            )
        if index + 1 < len(kernels):
            capacity = capacities[index + 1]
            coords, count, slot, children = site_tables.halved(
                sites.coords, num_here, capacity=capacity, **place
            )
            num_coarse = jnp.minimum(count, capacity)
            down = KernelMap(
                children, slot, num_coarse, num_here, columns=sites.capacity, kind=DOWN
            )
            fits &= count <= capacity
            coarser = Sites(
                coords,
                count,
                coordinates.halved_shape(sites.spatial_shape),
                sites.batch_size,
                tuple(2 * s for s in sites.stride),
            )
        levels.append(Level(**vars(sites), kernel_maps=maps, down=down))
        sites = coarser
    return Geometry(tuple(levels), fits)


def kernels_of_levels(
    kernels: Sequence[int] | Sequence[Sequence[Kernel]], levels: int
) -> list[tuple[Kernel, ...]]:
    """The kernels of every level, from those of all of them or from a sequence for each.

    Raises:
      InputError: not one sequence for each level, a size for all levels that stands there twice.

    >>> kernels_of_levels((3, 5), 2), kernels_of_levels([(3,), ()], 2)
    ([(3, 5), (3, 5)], [(3,), ()])
    """
    if isinstance(kernels, str) or not isinstance(kernels, Iterable):
        raise InputError(f"kernels is {kernels!r}: must be a sequence of sizes, such as (3,)")
    given: Any = tuple(kernels)
    if not any(isinstance(kernel, Sequence) for kernel in given):
        sizes = integers("kernels", given)
        if len(set(sizes)) < len(sizes):
            each = [(sizes[min(level, len(sizes) - 1)],) for level in range(levels)]
            raise InputError(
                f"kernels is {kernels}: a size stands in it twice; sizes are for all levels, such "
                f"as kernels={tuple(dict.fromkeys(sizes))}, or a sequence a level, kernels={each}"
            )
        return [sizes] * levels
    if len(given) != levels or not all(isinstance(kernel, Sequence) for kernel in given):
        raise InputError(
            f"kernels is {kernels}: must be sizes, or for each of the {levels} levels a sequence "
            "of sizes and pairs (size, dilation)"
        )
    return [tuple(_checked_kernel(kernel) for kernel in level) for level in given]


def _checked_kernel(kernel: Any) -> Kernel:
    if not isinstance(kernel, Sequence):
        return integer("kernels", kernel)
    numbers = integers("kernels", kernel)
    if len(numbers) != 2:
        raise InputError(f"kernels has {kernel}: must be a size or a pair (size, dilation)")
    return kernel_key(*numbers)
