"""Which input row feeds which output row through which tap.

Tap order: taps count through the kernel with the last axis fastest, so that a dense kernel
``[k, k, in, out]`` reshapes to ``[taps, in, out]``. The convolution is a cross-correlation in
level units, ``out[o] = sum_k W[k] . in[s * o - padding + dilation * k]``, with padding
``dilation * (k - 1) / 2`` for odd kernels and 0 for even ones. A row that does not exist is
numbered ``capacity``; it reads as zero.
"""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Sequence

import jax
import jax.numpy as jnp
from jaxtyping import Array, Int

from jaxsparse.errors import InputError
from jaxsparse.ops import site_tables
from jaxsparse.ops.int32 import as_int32, row_count
from jaxsparse.ops.one_program import one_program
from jaxsparse.ops.region import PerAxis, Region, hypercube, per_axis
from jaxsparse.pytree import pytree

SUBMANIFOLD, DOWN, UP, GENERAL = "submanifold", "down", "up", "general"


@pytree
@dataclasses.dataclass(frozen=True)
class KernelMap:
    """The pairs (input row, tap, output row) of a convolution, as tables to gather from.

    Four kinds exist, and ``transpose`` leads from each to the map the other way:

    * ``"submanifold"``: output sites are the input sites. Tap ``k`` leads from row ``i`` to ``o``
      exactly if tap ``taps - 1 - k`` leads from ``o`` to ``i``, so the table is its own transpose,
      mirrored.
    * ``"down"``: kernel 2, stride 2. ``table`` lists the children of every coarse row and ``slot``
      gives every fine row ``parent * taps + child``: in two dimensions child 3 of coarse row 5 has
      slot 5 * 4 + 3 = 23, and ``table[3, 5]`` is its row.
    * ``"up"``: the same pairs and tables, read from coarse to fine: ``table`` lists the output rows
      that an input row feeds, and every output row has one pair.
    * ``"general"``: any pairs in which a tap leads from a row to at most one other, both ways.
      ``table`` lists the inputs of every output row and ``mirror`` the outputs of every input row,
      so that the transpose is a gather too.

    What else a data flow wants to know of a map it works out by itself.

    Attributes:
      table: int32 ``[taps, rows]``: the row that a tap of a row reaches, an input row for every
        kind but ``"up"``. ``table_of_outputs`` has the input rows of any kind.
      slot: int32 ``[fine rows]`` for ``"down"`` and ``"up"``, ``parents * taps`` on padding;
        else None.
      num_rows: int32 scalar, active rows of ``table``.
      num_columns: int32 scalar, active rows on the other side.
      columns: number of rows on the other side, which is also the mark of an absent row (static).
      kind: see above (static).
      mirror: int32 ``[taps, columns]`` of a ``"general"`` map: the row that a tap of a column
        reaches, ``rows`` if none; else None.
    """

    table: Int[Array, "taps rows"]
    slot: Int[Array, " fine"] | None
    num_rows: Int[Array, ""]
    num_columns: Int[Array, ""]
    columns: int = dataclasses.field(metadata={"static": True})
    kind: str = dataclasses.field(metadata={"static": True})
    mirror: Int[Array, "taps columns"] | None = None

    @property
    def taps(self) -> int:
        """Number of kernel positions."""
        return self.table.shape[0]

    @property
    def rows(self) -> int:
        """Rows that ``table`` describes."""
        return self.table.shape[1]

    @property
    def capacity_in(self) -> int:
        """Rows of the features that the convolution takes."""
        return self.rows if self.kind == UP else self.columns

    @property
    def capacity_out(self) -> int:
        """Rows of the features that it returns."""
        return self.columns if self.kind == UP else self.rows

    @property
    def num_in(self) -> Int[Array, ""]:
        """Active input rows."""
        return self.num_rows if self.kind == UP else self.num_columns

    @property
    def num_out(self) -> Int[Array, ""]:
        """Active output rows."""
        return self.num_columns if self.kind == UP else self.num_rows

    @property
    def expands(self) -> bool:
        """Whether the output is the larger side."""
        if self.kind == GENERAL:
            return self.capacity_out > self.capacity_in
        return self.kind == UP

    @property
    def is_identity(self) -> bool:
        """Whether every row has itself for its one input, which nothing need gather."""
        return self.kind == SUBMANIFOLD and self.taps == 1

    def reads(self) -> tuple[Int[Array, "reads rows"], Int[Array, "reads rows"]]:
        """Input rows of every output row, ``capacity_in`` where absent, and the tap of each."""
        if self.kind == UP:  # one pair for each output row, its tap is data
            parent, tap = self.parent_and_tap()
            return parent[None], tap[None]
        return self.table, jax.lax.broadcasted_iota(jnp.int32, self.table.shape, 0)

    def table_of_outputs(self) -> Int[Array, "taps rows"]:
        """The input row of every tap of every output row, ``capacity_in`` where absent."""
        if self.kind != UP:
            return self.table
        parent, tap = self.parent_and_tap()
        own = tap == jnp.arange(self.taps, dtype=jnp.int32)[:, None]
        return jnp.where(own, parent, self.capacity_in)

    def parent_and_tap(self) -> tuple[Int[Array, " rows"], Int[Array, " rows"]]:
        """Of every output row of a map of kind ``UP``: its one input row, and the tap."""
        assert self.slot is not None  # every map of this kind has it
        # Taps of these maps are a power of two; a shift has none of the sign cases of a division.
        return self.slot >> (self.taps.bit_length() - 1), self.slot & (self.taps - 1)

    def transpose(self) -> KernelMap:
        """The same pairs with input and output exchanged; free of cost."""
        if self.kind == SUBMANIFOLD:
            return dataclasses.replace(self, table=self.table[::-1])
        if self.mirror is not None:
            return dataclasses.replace(
                self,
                table=self.mirror,
                num_rows=self.num_columns,
                num_columns=self.num_rows,
                columns=self.rows,
                mirror=self.table,
            )
        return dataclasses.replace(self, kind=UP if self.kind == DOWN else DOWN)


def kernel_offsets(kernel_size: int, dim: int) -> list[tuple[int, ...]]:
    """Offsets of the taps of an odd kernel in tap order.

    >>> kernel_offsets(3, 1), kernel_offsets(3, 2)[:4]
    ([(-1,), (0,), (1,)], [(-1, -1), (-1, 0), (-1, 1), (0, -1)])
    """
    reach = kernel_size // 2
    return list(itertools.product(range(-reach, reach + 1), repeat=dim))


def identity_map(num_active: Int[Array, ""], capacity: int) -> KernelMap:
    """Map of kernel 1: every active row of ``capacity`` reads itself.

    >>> identity_map(jnp.int32(2), 3).table.tolist()
    [[0, 1, 3]]
    """
    row = jnp.arange(capacity, dtype=jnp.int32)
    table = jnp.where(row < num_active, row, capacity)[None]
    return KernelMap(table, None, num_active, num_active, columns=capacity, kind=SUBMANIFOLD)


def submanifold_map(
    coords: Int[Array, "sites axes"],
    num_active: Int[Array, ""],
    *,
    batch_size: int,
    spatial_shape: Sequence[int],
    kernel_size: PerAxis = 3,
    dilation: PerAxis = 1,
    strategy: str = "auto",
) -> KernelMap:
    """Map of a convolution with an odd kernel whose output sites are its input sites.

    ``table[k, o]`` is the row of the site at ``coords[o] + offset[k]`` in the same event.

    Args:
      coords: int32 ``[sites, 1 + D]`` in canonical order, padding -1.
      num_active: how many rows are sites.
      batch_size: number of events.
      spatial_shape: shape of the level.
      kernel_size: odd; one number, or one an axis.
      dilation: sites from one kernel position to the next; one number, or one an axis.
      strategy: ``"bitmap"``, ``"search"`` or ``"auto"`` (by volume); the same rows.

    Raises:
      InputError: an even kernel, an unknown strategy, a volume too large for a bitmap,
        coordinates that int32 does not hold, more sites than rows.
    """
    dim = len(spatial_shape)
    sizes = per_axis("kernel_size", kernel_size, dim, at_least=1)
    if any(size % 2 == 0 for size in sizes):
        raise InputError(
            f"kernel_size is {kernel_size}: a submanifold convolution needs an odd one; kernel 2 "
            "with stride 2 is the map down of a level, without being asked for"
        )
    return symmetric_map(
        coords,
        num_active,
        batch_size=batch_size,
        spatial_shape=spatial_shape,
        region=hypercube(sizes, dim, dilation=dilation),
        strategy=strategy,
    )


def symmetric_map(
    coords: Int[Array, "sites axes"],
    num_active: Int[Array, ""],
    *,
    batch_size: int,
    spatial_shape: Sequence[int],
    region: Region,
    strategy: str = "auto",
) -> KernelMap:
    """Submanifold map of any ``region.symmetric`` region.

    Arguments as of ``submanifold_map``.

    Raises:
      InputError: a region that is not symmetric, or of another dimension.
    """
    if not region.symmetric or region.dim != len(spatial_shape):
        raise InputError(
            f"region has offsets {region.offsets}: this map needs opposite ones in mirrored order, "
            f"of {len(spatial_shape)} axes; general_map takes any"
        )
    coords = as_int32("coords", coords)
    return _symmetric_map(
        coords,
        row_count("num_active", num_active, len(coords)),
        batch_size=batch_size,
        spatial_shape=tuple(spatial_shape),
        region=region,
        strategy=strategy,
    )


@one_program("batch_size", "spatial_shape", "region", "strategy")
def _symmetric_map(
    coords: Array,
    num_active: Array,
    *,
    batch_size: int,
    spatial_shape: tuple[int, ...],
    region: Region,
    strategy: str,
) -> KernelMap:
    table = site_tables.neighbours(
        coords,
        num_active,
        batch_size=batch_size,
        spatial_shape=spatial_shape,
        region=region,
        strategy=strategy,
    )
    columns = coords.shape[0]
    return KernelMap(table, None, num_active, num_active, columns=columns, kind=SUBMANIFOLD)
