"""The tables that maps are made of, as primitives: the CPU has kernels for them.

    neighbours(coords)[k, i]   the row that lies at coords[i] + offset[k]
    halved(coords)             the distinct values of coords >> 1, and who is whose child

Integers alone, so every data flow gives the same bits. XLA needs forty operations a level, each of
which it compiles for itself: they were most of the time that it took to compile a forward pass.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import jax
import jax.numpy as jnp
from jax.extend.core import Primitive
from jaxtyping import Array, Int, Int32

from jaxsparse.ops import coordinates, implementations, lookup
from jaxsparse.ops.manual_axes import varies
from jaxsparse.ops.primitive import batch_as_written, compile_when_called, lower_by_platform
from jaxsparse.ops.region import Region


def neighbours(
    coords: Int[Array, "sites axes"],
    num_active: Int[Array, ""],
    *,
    batch_size: int,
    spatial_shape: Sequence[int],
    region: Region,
    strategy: str = "auto",
) -> Int32[Array, "taps sites"]:
    """The neighbour of every row at every tap, the number of rows where there is none.

    Args:
      coords: int32, canonical order.
      num_active: how many rows are sites.
      batch_size: number of events.
      spatial_shape: shape of the volume.
      region: ``region.symmetric``.
      strategy: of XLA's look-ups; ``"auto"`` leaves all to what is best on the platform.

    Raises:
      InputError: an unknown strategy, or a volume too large for a bitmap.
    """
    place = (int(batch_size), tuple(spatial_shape), region)
    lookup.choose_strategy(strategy, *place[:2])
    if strategy != "auto" or varies(coords, num_active):
        return neighbours_of_xla(coords, num_active, *place, strategy=strategy)
    return neighbours_p.bind(coords, num_active, static=place)[0]


def halved(
    coords: Int[Array, "sites axes"],
    num_active: Int[Array, ""],
    *,
    batch_size: int,
    spatial_shape: Sequence[int],
    capacity: int,
) -> tuple[
    Int32[Array, "coarse axes"],
    Int32[Array, ""],
    Int32[Array, " sites"],
    Int32[Array, "taps coarse"],
]:
    """The sites of the next coarser level, and what leads from one level to the other.

    Args:
      coords: int32, canonical order.
      num_active: how many rows are sites.
      batch_size: number of events.
      spatial_shape: shape of the fine level.
      capacity: rows of the coarse level.

    Returns:
      ``(coarse coords, count, slot, children)``: coords and the true count as of
      ``coordinates.downsample``; ``slot`` and ``children`` are ``slot`` and ``table`` of the
      ``KernelMap`` of kernel 2, stride 2.
    """
    place = (int(batch_size), tuple(spatial_shape), int(capacity))
    if varies(coords, num_active):
        return halved_by_xla(coords, num_active, *place)
    coarse, count, slot, children = halved_p.bind(coords, num_active, static=place)
    return coarse, count, slot, children


def neighbours_of_xla(
    coords: Array,
    num_active: Array,
    batch_size: int,
    spatial_shape: tuple[int, ...],
    region: Region,
    strategy: str = "auto",
) -> Array:
    """``neighbours`` by look-ups of the taps before the central one.

    A pair found there is the mirrored pair of a later tap.
    """
    capacity = coords.shape[0]
    row = jnp.arange(capacity, dtype=jnp.int32)
    valid = row < num_active
    centre = region.taps // 2
    own = jnp.where(valid, row, capacity)[None]
    if not centre:
        return own
    find = lookup.Lookup(
        coords, num_active, batch_size=batch_size, spatial_shape=spatial_shape, strategy=strategy
    )
    steps = jnp.array([(0, *offset) for offset in region.offsets[:centre]], jnp.int32)
    early = find(coords[None] + steps[:, None], valid[None])
    return jnp.concatenate([early, own, inverted(early, capacity)[::-1]])


def halved_by_xla(
    coords: Array,
    num_active: Array,
    batch_size: int,
    spatial_shape: tuple[int, ...],
    capacity: int,
) -> tuple[Array, Array, Array, Array]:
    """``halved`` by counting occupied cells, or by sorting."""
    coarse, count, parent, child = coordinates.downsample(
        coords, num_active, batch_size=batch_size, spatial_shape=spatial_shape, capacity=capacity
    )
    rows, taps = coords.shape[0], 2 ** len(spatial_shape)
    slot = jnp.where(parent < capacity, parent * taps + child, capacity * taps)
    row = jnp.arange(rows, dtype=jnp.int32)
    children = jnp.full(capacity * taps, rows, jnp.int32).at[slot].set(row, mode="drop")
    return coarse, count, slot, children.reshape(capacity, taps).T


def inverted(table: Int[Array, "taps rows"], columns: int) -> Int[Array, "taps columns"]:
    """The same pairs seen from the other side, where a tap leads no two rows to one column.

    Integers written to places of their own: the order does not matter.

    >>> inverted(jnp.array([[1, 3], [3, 0]]), 3).tolist()
    [[2, 0, 2], [1, 2, 2]]
    """
    taps, rows = table.shape
    row = jnp.broadcast_to(jnp.arange(rows, dtype=jnp.int32), table.shape)
    tap = jnp.arange(taps, dtype=jnp.int32)[:, None]
    nothing = jnp.full((taps, columns), rows, jnp.int32)
    return nothing.at[tap, table].set(row, mode="drop")


neighbours_p = Primitive("neighbours")
halved_p = Primitive("halved_sites")


def _neighbours_shape(coords: Any, _: Any, static: Any) -> Any:
    return [jax.core.ShapedArray((static[-1].taps, coords.shape[0]), jnp.int32)]


def _halved_shape(coords: Any, _: Any, static: Any) -> Any:
    (rows, axes), capacity = coords.shape, static[-1]
    shapes = [(capacity, axes), (), (rows,), (2 ** (axes - 1), capacity)]
    return [jax.core.ShapedArray(shape, jnp.int32) for shape in shapes]


def _define(primitive: Any, compute: Any, shape: Any) -> None:
    """Integers have no derivative."""
    primitive.multiple_results = True
    operation = primitive.name

    def lower(coords: Any, num_active: Any, *, static: Any, platform: str, portable: bool) -> Any:
        operands = (coords, num_active, *static)
        return implementations.choose(operation, "auto", platform, portable, operands)(*operands)

    compile_when_called(primitive)
    lower_by_platform(primitive, lower)
    primitive.def_abstract_eval(shape)
    batch_as_written(primitive, lambda *operands, static: compute(*operands, *static))
    implementations.register(operation, "xla", compute)


_define(neighbours_p, lambda *operands: [neighbours_of_xla(*operands)], _neighbours_shape)
_define(halved_p, halved_by_xla, _halved_shape)
