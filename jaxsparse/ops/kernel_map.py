"""Which input row feeds which output row through which tap.

Tap order: taps count through the kernel with the last axis fastest, so that a dense kernel
``[k, k, in, out]`` reshapes to ``[taps, in, out]``. The convolution is a cross-correlation in
level units, ``out[o] = sum_k W[k] . in[s * o - padding + k]``, with padding ``(k - 1) / 2`` for
odd kernels and 0 for kernel 2, stride 2. A row that does not exist is numbered ``capacity``; it
reads as zero.
"""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Sequence

import jax
import jax.numpy as jnp
from jaxtyping import Array, Int

from jaxsparse.errors import InputError
from jaxsparse.ops import lookup

SUBMANIFOLD, DOWN, UP = "submanifold", "down", "up"


# Output rows per block on CPU: a flat optimum for 32 to 160 channels, measured with 2 MiB of
# second-level cache per core.
WINDOW_BLOCK_ROWS = 2048


@jax.tree_util.register_dataclass
@dataclasses.dataclass(frozen=True)
class Windows:
    """For each block of consecutive rows the range of rows on the other side that its taps reach.

    Rows are in lexicographic order, so this range is hardly longer than the block. The CPU data
    flow uses it to work on what the cache holds. The mirrored table reaches the same range.

    Attributes:
        first: int32 ``[blocks]``, first row reached.
        last: int32 ``[blocks]``, one past the last row reached, 0 if there is none.
        size: rows of a block (static).
    """

    first: Int[Array, "blocks"]
    last: Int[Array, "blocks"]
    size: int = dataclasses.field(metadata={"static": True})

    @classmethod
    def of(cls, table: Int[Array, "taps rows"], absent: int) -> Windows:
        """Measures a table whose absent entries are ``absent``, the largest number in it."""
        size = block_rows(table.shape[1], WINDOW_BLOCK_ROWS)
        missing = -table.shape[1] % size
        table = jnp.pad(table, ((0, 0), (0, missing)), constant_values=absent)
        blocks = table.reshape(table.shape[0], -1, size)
        reached = jnp.where(blocks < absent, blocks, -1)
        return cls(blocks.min(axis=(0, 2)), reached.max(axis=(0, 2)) + 1, size)


def block_rows(rows: int, target: int) -> int:
    """Rows of equal blocks near ``target``; up to one and a half targets stay one block.

    >>> block_rows(100, 2048), block_rows(2500, 2048), block_rows(17400, 2048)
    (128, 2528, 2176)
    """
    blocks = max(1, round(rows / target))
    return -(-rows // (32 * blocks)) * 32


@jax.tree_util.register_dataclass
@dataclasses.dataclass(frozen=True)
class KernelMap:
    """The pairs (input row, tap, output row) of a convolution, as tables to gather from.

    Three kinds exist, and ``transpose`` leads from each to the map the other way:

    * ``"submanifold"``: output sites are the input sites. Tap ``k`` leads from row ``i`` to ``o``
      exactly if tap ``taps - 1 - k`` leads from ``o`` to ``i``, so the table is its own transpose,
      mirrored.
    * ``"down"``: kernel 2, stride 2. ``table`` lists the children of every coarse row and ``slot``
      gives every fine row ``parent * taps + child``.
    * ``"up"``: the same pairs from coarse to fine; one per output row.

    Attributes:
        table: int32 ``[taps, rows]``: the input row (for ``"up"``: output row) that a tap of a row
            reaches.
        slot: int32 ``[fine rows]`` for ``"down"`` and ``"up"``, ``parents * taps`` on padding;
            else None.
        windows: ranges that blocks of rows reach: of ``table`` for ``"submanifold"``, of ``slot``
            otherwise.
        num_rows: int32 scalar, active rows of ``table``.
        num_columns: int32 scalar, active rows on the other side.
        columns: number of rows on the other side, which is also the mark of an absent row (static).
        kind: see above (static).
    """

    table: Int[Array, "taps rows"]
    slot: Int[Array, "fine"] | None
    windows: Windows
    num_rows: Int[Array, ""]
    num_columns: Int[Array, ""]
    columns: int = dataclasses.field(metadata={"static": True})
    kind: str = dataclasses.field(metadata={"static": True})

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

    def transpose(self) -> KernelMap:
        """The same pairs with input and output exchanged; free of cost."""
        if self.kind == SUBMANIFOLD:
            return dataclasses.replace(self, table=self.table[::-1])
        return dataclasses.replace(self, kind=UP if self.kind == DOWN else DOWN)


def kernel_offsets(kernel_size: int, dim: int) -> list[tuple[int, ...]]:
    """Offsets of the taps of an odd kernel in tap order.

    >>> kernel_offsets(3, 1), kernel_offsets(3, 2)[:4]
    ([(-1,), (0,), (1,)], [(-1, -1), (-1, 0), (-1, 1), (0, -1)])
    """
    reach = kernel_size // 2
    return list(itertools.product(range(-reach, reach + 1), repeat=dim))


def submanifold_map(
    coords: Int[Array, "sites axes"],
    num_active: Int[Array, ""],
    *,
    batch_size: int,
    spatial_shape: Sequence[int],
    kernel_size: int = 3,
    strategy: str = "auto",
) -> KernelMap:
    """Map of a convolution whose output sites are its input sites.

    ``table[k, o]`` is the row of the site at ``coords[o] + offset[k]`` in the same event. Only the
    taps before the central one are looked up: a pair found there is the mirrored pair of a later
    tap.

    Args:
        coords: int32 ``[sites, 1 + D]`` in canonical order, padding -1.
        num_active: how many rows are sites.
        batch_size: number of events.
        spatial_shape: shape of the level.
        kernel_size: odd, the same along every axis.
        strategy: ``"bitmap"``, ``"search"`` or ``"auto"`` (by volume); the same rows.

    Raises:
        InputError: an even kernel, an unknown strategy, a volume too large for a bitmap.
    """
    if kernel_size < 1 or kernel_size % 2 == 0:
        raise InputError(
            f"kernel_size is {kernel_size}: a submanifold convolution needs an odd one"
        )
    capacity = coords.shape[0]
    dim = len(spatial_shape)
    find = lookup.Lookup(
        coords, num_active, batch_size=batch_size, spatial_shape=spatial_shape, strategy=strategy
    )
    row = jnp.arange(capacity, dtype=jnp.int32)
    valid = row < num_active
    offsets = kernel_offsets(kernel_size, dim)
    centre = len(offsets) // 2
    own = jnp.where(valid, row, capacity)[None]
    table = own
    if centre:
        steps = jnp.array([(0, *offset) for offset in offsets[:centre]], jnp.int32)
        early = find(coords + steps[:, None], valid)
        # Distinct rows find distinct sites: every place but the dropped ones is written once.
        tap = jnp.arange(centre, dtype=jnp.int32)[:, None]
        nothing = jnp.full((centre, capacity), capacity, jnp.int32)
        late = nothing.at[tap, early].set(jnp.broadcast_to(row, early.shape), mode="drop")
        table = jnp.concatenate([early, own, late[::-1]])
    count = jnp.asarray(num_active, jnp.int32)
    windows = Windows.of(table, capacity)
    return KernelMap(table, None, windows, count, count, columns=capacity, kind=SUBMANIFOLD)


def downsample_map(
    parent: Int[Array, "fine"],
    child: Int[Array, "fine"],
    num_fine: Int[Array, ""],
    num_coarse: Int[Array, ""],
    *,
    capacity: int,
    dim: int,
) -> KernelMap:
    """Map of kernel 2, stride 2, from the parent and child number of every fine row.

    Args:
        parent: coarse row of every fine row, ``capacity`` on padding (``coordinates.downsample``).
        child: which of the ``2^D`` children of its parent it is.
        num_fine: active fine rows.
        num_coarse: active coarse rows.
        capacity: rows of the coarse level.
        dim: number of spatial axes.
    """
    taps = 2**dim
    fine = parent.shape[0]
    slot = jnp.where(parent < capacity, parent * taps + child, capacity * taps)
    row = jnp.arange(fine, dtype=jnp.int32)
    children = jnp.full(capacity * taps, fine, jnp.int32).at[slot].set(row, mode="drop")
    return KernelMap(
        children.reshape(capacity, taps).T,
        slot,
        Windows.of(jnp.minimum(parent, capacity)[None], capacity),
        jnp.asarray(num_coarse, jnp.int32),
        jnp.asarray(num_fine, jnp.int32),
        columns=fine,
        kind=DOWN,
    )
