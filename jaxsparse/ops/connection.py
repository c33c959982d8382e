"""Which sites a convolution reads and makes, for any kernel region and stride.

One relation serves all of them, ``fine = stride * coarse + offset[k]``. A *connection* holds the
sites of both sides and the kernel map between them; read the other way it is the transposed
convolution, so a strided convolution and the inverse that leads back share one object:

    submanifold_connection   the same sites on both sides
    strided_connection       new coarse sites
    target_connection        given coarse sites
    transposed_connection    given fine sites
    generative_connection    new fine sites
    down_connection          two levels of a geometry
    connection.transpose()   back onto the sites that the other side remembers
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

import jax.numpy as jnp
from jaxtyping import Array, Bool, Int

from jaxsparse.errors import InputError, check_kind
from jaxsparse.ops import lookup
from jaxsparse.ops.kernel_map import GENERAL, KernelMap, symmetric_map
from jaxsparse.ops.levels import Geometry, Level
from jaxsparse.ops.one_program import one_program
from jaxsparse.ops.region import PerAxis, Region, check_region, hypercube
from jaxsparse.ops.site_tables import inverted
from jaxsparse.ops.sites import Sites, check_int32, fine_places, generated_sites, strided_sites
from jaxsparse.pytree import pytree
from jaxsparse.same_sites import check_same_sites
from jaxsparse.tensor import SparseTensor, check_tensor


@pytree
@dataclasses.dataclass(frozen=True)
class Connection:
    """The sites of both sides of a convolution and the pairs between them, a pytree.

    Attributes:
      source: the input sites.
      target: the output sites.
      kernel_map: for ``ops.convolution``.
      taps_per_target: the most taps that can feed one output site (static).
      taps_per_source: the most taps that one input site can feed (static).
      offsets: those of the region in ``fine = stride * coarse + offset[k]``, the same both ways;
        None where they are not known (static).
    """

    source: Sites
    target: Sites
    kernel_map: KernelMap
    taps_per_target: int = dataclasses.field(metadata={"static": True})
    taps_per_source: int = dataclasses.field(metadata={"static": True})
    offsets: tuple[tuple[int, ...], ...] | None = dataclasses.field(
        default=None, repr=False, metadata={"static": True}
    )

    @property
    def taps(self) -> int:
        """Number of kernel positions."""
        return self.kernel_map.taps

    @property
    def strides(self) -> tuple[tuple[int, ...], tuple[int, ...]]:
        """Of the input sites and of the output sites."""
        return self.source.stride, self.target.stride

    @property
    def fits(self) -> Bool[Array, ""]:
        """Whether the sites of both sides found room in their capacity."""
        return self.source.fits & self.target.fits

    @property
    def lost(self) -> Int[Array, ""]:
        """How many input sites no output site reads, int32; 0 where every input counts.

        A kernel that is smaller than the stride leaves gaps, and a padding other than 0 can move
        the kernels off the far edge of ``output_sites="stride"``, as can sites that are given.
        Traceable, and computed only where it is asked for.
        """
        back = self.kernel_map.transpose()
        rows, _ = back.reads()
        read = (rows < back.capacity_in).any(axis=0)
        return jnp.sum(self.source.mask & ~read, dtype=jnp.int32)

    def check_source(self, x: SparseTensor) -> None:
        """Refuses what is no tensor on the sites that are read, as far as can be told.

        Raises:
          InputError: no tensor, or one on other sites.
        """
        _check_on(x, self.source, "reads")

    def check_target(self, y: SparseTensor) -> None:
        """Refuses what is no tensor on the sites that are made, as far as can be told.

        Raises:
          InputError: no tensor, or one on other sites.
        """
        _check_on(y, self.target, "makes")

    def transpose(self) -> Connection:
        """The way back: the same pairs, onto the sites that were the input."""
        return Connection(
            self.target,
            self.source,
            self.kernel_map.transpose(),
            self.taps_per_source,
            self.taps_per_target,
            self.offsets,
        )


def submanifold_connection(
    x: SparseTensor | Level | Sites, region: Region, *, strategy: str = "auto"
) -> Connection:
    """Stride 1 onto the same sites, for any region.

    Args:
      x: the sites; a level of a geometry gives its own map where it has the region's.
      region: what an output site reads.
      strategy: of the look-up, ``"bitmap"``, ``"search"`` or ``"auto"``; the same rows.

    Raises:
      InputError: a region of another dimension.

    >>> from jaxsparse.ops import cross, given_sites
    >>> x = given_sites([[0, 1, 1], [0, 1, 2], [0, 2, 2]], spatial_shape=(3, 3), batch_size=1)
    >>> submanifold_connection(x, cross(3, 2)).kernel_map.table[3].tolist() # the next column
    [1, 3, 3]
    """
    sites = Sites.of(x)
    check_region(region, sites.dim)
    if not region.symmetric:
        return target_connection(sites, sites, region, strategy=strategy)
    kernel_map = x.kernel_map(region) if isinstance(x, Level) else None
    if kernel_map is None:
        kernel_map = symmetric_map(
            sites.coords,
            sites.num_active,
            batch_size=sites.batch_size,
            spatial_shape=sites.spatial_shape,
            region=region,
            strategy=strategy,
        )
    return Connection(sites, sites, kernel_map, region.taps, region.taps, region.offsets)


def strided_connection(
    x: SparseTensor | Level | Sites,
    region: Region,
    stride: PerAxis,
    *,
    output_sites: str = "stride",
    capacity: int | None = None,
    strategy: str = "auto",
) -> Connection:
    """Strided convolution onto new sites, see ``strided_sites`` for the arguments and errors.

    Its ``transpose()`` is the inverse convolution, back onto the sites of ``x``. Sites of ``x``
    that nothing reads are no error, as a stride may be meant to pass over them: ``lost`` counts
    them.

    >>> from jaxsparse.ops import given_sites, hypercube
    >>> x = given_sites([[0, 1], [0, 4]], spatial_shape=(6,), batch_size=1)
    >>> down = strided_connection(x, hypercube(3, 1), 2)
    >>> down.target.coords.tolist(), down.kernel_map.table.tolist()
    ([[0, 0], [0, 2]], [[2, 2], [2, 1], [0, 2]])
    >>> int(down.lost), int(strided_connection(x, hypercube(1, 1), 2).lost)
    (0, 1)
    """
    target = strided_sites(x, region, stride, output_sites=output_sites, capacity=capacity)
    return target_connection(x, target, region, strategy=strategy)


def target_connection(
    x: SparseTensor | Level | Sites,
    target: SparseTensor | Level | Sites,
    region: Region,
    *,
    strategy: str = "auto",
) -> Connection:
    """Convolution onto given sites: ``out[o] = sum_k W[k] . in[stride * o + offset[k]]``.

    Args:
      x: the input sites.
      target: the output sites, whose ``stride`` is a multiple of that of ``x``: the quotient is
        the stride of the convolution.
      region: what an output site reads.
      strategy: as of ``submanifold_connection``.

    Raises:
      InputError: batches of different size or dimension, strides that do not divide, coordinates
        beyond int32.

    >>> from jaxsparse.ops import given_sites, hypercube
    >>> x = given_sites([[0, 1], [0, 4]], spatial_shape=(6,), batch_size=1)
    >>> target = given_sites([[0, 0], [0, 2]], spatial_shape=(6,), batch_size=1)
    >>> target_connection(x, target, hypercube(3, 1)).kernel_map.table.tolist()
    [[2, 0], [2, 2], [0, 2]]
    """
    source, target = Sites.of(x), Sites.of(target)
    kernel_map, stride = general_map(source, target, region, strategy=strategy)
    feeds = region.taps_per_input(stride)
    return Connection(source, target, kernel_map, region.taps, feeds, region.offsets)


def transposed_connection(
    x: SparseTensor | Level | Sites,
    target: SparseTensor | Level | Sites,
    region: Region,
    *,
    strategy: str = "auto",
) -> Connection:
    """Transposed convolution onto given sites: ``out[stride * i + offset[k]] += W[k] . in[i]``.

    Args:
      x: the input sites.
      target: the output sites, whose ``stride`` divides that of ``x``.
      region: as of the strided convolution that this is the transpose of.
      strategy: as of ``submanifold_connection``.

    Raises:
      InputError: as ``target_connection``.
    """
    return target_connection(target, x, region, strategy=strategy).transpose()


def generative_connection(
    x: SparseTensor | Level | Sites,
    region: Region,
    stride: PerAxis,
    *,
    spatial_shape: Sequence[int] | None = None,
    capacity: int | None = None,
    strategy: str = "auto",
) -> Connection:
    """Transposed convolution onto every site that an input reaches.

    See ``generated_sites`` for the arguments and errors.

    >>> from jaxsparse.ops import given_sites, hypercube
    >>> x = given_sites([[0, 1]], spatial_shape=(3,), batch_size=1, stride=2)
    >>> generative_connection(x, hypercube(2, 1), 2).target.coords.tolist()
    [[0, 2], [0, 3]]
    """
    target = generated_sites(x, region, stride, spatial_shape=spatial_shape, capacity=capacity)
    return transposed_connection(x, target, region, strategy=strategy)


def down_connection(geometry: Geometry, level: int) -> Connection:
    """Kernel 2, stride 2, from a level of a geometry to the next: the map that it has already.

    Its ``transpose()`` is the inverse convolution.

    Args:
      geometry: of the batch.
      level: number of the finer level.

    Raises:
      InputError: the geometry has no level below.

    >>> from jaxsparse import geometry, sparse_tensor
    >>> x = sparse_tensor([[0, 1], [0, 4]], [[1.0]] * 2, spatial_shape=(6,), batch_size=1)
    >>> down_connection(geometry(x, levels=2), 0).target.coords.tolist()
    [[0, 0], [0, 2]]
    """
    check_kind("geometry", geometry, Geometry, remedy="jaxsparse.geometry builds it once a batch")
    levels = geometry.levels
    down = levels[level].down if 0 <= level < len(levels) - 1 else None
    if down is None:
        raise InputError(
            f"level is {level}: a geometry of {len(levels)} levels leads down from 0 to "
            f"{len(levels) - 2}, build it with more levels"
        )
    source, target = Sites.of(levels[level]), Sites.of(levels[level + 1])
    offsets = hypercube(2, source.dim).offsets
    return Connection(source, target, down, down.taps, 1, offsets)


def check_connection(connection: object) -> None:
    """Refuses what is no connection, such as a geometry or the map of one.

    Raises:
      InputError: it is not.
    """
    remedy = "such as down_connection(geometry, level) or strided_connection(x, region, stride)"
    check_kind("connection", connection, Connection, remedy=remedy)


def _check_on(x: SparseTensor, sites: Sites, role: str) -> None:
    check_tensor(x)
    check_same_sites(x, sites, f"the connection {role}", "make one for these sites")


def general_map(
    fine: Sites, coarse: Sites, region: Region, *, strategy: str = "auto"
) -> tuple[KernelMap, tuple[int, ...]]:
    """Map from fine to coarse sites, ``fine = stride * coarse + offset[k]``, and that stride.

    A tap leads a coarse site to one fine site and no two coarse sites to the same, so the mirrored
    table is the inverse of the table and needs no look-up of its own.
    """
    check_region(region, fine.dim)
    if (fine.batch_size, fine.dim) != (coarse.batch_size, coarse.dim):
        raise InputError(
            f"sites of {fine.batch_size} events in {fine.dim} dimensions, sites of "
            f"{coarse.batch_size} in {coarse.dim}: must be the same"
        )
    if any(c % f for f, c in zip(fine.stride, coarse.stride, strict=True)):
        raise InputError(
            f"strides are {fine.stride} and {coarse.stride}: the coarse must be a multiple of the "
            "fine along every axis"
        )
    stride = tuple(c // f for f, c in zip(fine.stride, coarse.stride, strict=True))
    check_int32(coarse.spatial_shape, region, stride)
    return _general_map(fine, coarse, region=region, stride=stride, strategy=strategy), stride


@one_program("region", "stride", "strategy")
def _general_map(
    fine: Sites, coarse: Sites, *, region: Region, stride: tuple[int, ...], strategy: str
) -> KernelMap:
    find = lookup.Lookup.of(fine, strategy)
    places = fine_places(coarse.coords, region, stride)
    table = find(places, jnp.broadcast_to(coarse.mask, places.shape[:2]))
    return KernelMap(
        table,
        None,
        coarse.num_active,
        fine.num_active,
        columns=fine.capacity,
        kind=GENERAL,
        mirror=inverted(table, fine.capacity),
    )
