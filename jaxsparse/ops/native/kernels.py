"""The two inner loops of a sparse convolution, in vector instructions.

Both walk over blocks of table rows, tap by tap. The pairs of a tap in a block are first listed as
addresses of feature rows, so that the arithmetic has no branch and copies nothing: several rows at
a time are multiplied with a strip of the weights that stays in the first-level cache, and sums stay
in registers. Work follows the pairs that exist, not rows times taps.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from typing import Any

from llvmlite import ir

from jaxsparse.ops.native import MAX_BLOCK_ROWS, MAX_CHANNELS
from jaxsparse.ops.native.call_frame import Frame, parallel_handler
from jaxsparse.ops.native.code import F32, I8, I32, I64, Code, Value, Variable
from jaxsparse.ops.native.pairs import AVX512_LANES, list_pairs

FLOAT, CACHE_LINE = 4, 64  # bytes


@dataclasses.dataclass(frozen=True)
class Tile:
    """What the registers hold: ``rows`` rows of ``vectors`` vectors of ``lanes`` floats."""

    rows: int
    vectors: int
    lanes: int

    @property
    def width(self) -> int:
        """Channels of a tile."""
        return self.vectors * self.lanes


def tile_for(features: Mapping[str, bool]) -> Tile:
    """The tile that fills the registers of a processor with these features and leaves some."""
    if features.get("avx512f"):
        return Tile(rows=8, vectors=2, lanes=AVX512_LANES)
    if features.get("avx2") and features.get("fma"):
        return Tile(rows=6, vectors=2, lanes=8)
    return Tile(rows=6, vectors=3, lanes=4)


def add_apply(module: ir.Module, name: str, tile: Tile, *, by_input: bool) -> None:
    """Adds ``out[o] = sum_k x[in(o, k)] . w[k]``.

    Arguments: ``x`` ``[rows, in]``, ``table`` int32 ``[taps, rows]``, ``sizes`` int32
    ``[active table rows, absent, rows of a block]``, ``w`` ``[taps, in, out]``. Result: ``[rows,
    out]``, with ``out`` a multiple of the lanes. The table gives the input row of every output
    row, or with ``by_input`` the output row of every input row, every one at most once.
    """

    def prepare(code: Code, frame: Frame) -> tuple[Value, list[Value]]:
        x, table, sizes, w = (frame.argument(index) for index in range(4))
        out = frame.result(0)
        active, absent, block = (code.load_int(code.at(sizes.data, 4 * i)) for i in range(3))
        active = code.minimum(active, table.length(1))
        row_bytes = code.b.mul(out.length(1), code.integer(FLOAT))
        if by_input:
            clear(code, out.data, code.b.mul(out.length(0), row_bytes))
            rows = active
        else:
            rows = out.length(0)
        items = ceil_div(code, rows, block)
        channels = x.length(1)
        values = [
            *(x.data, table.data, w.data, out.data),
            *(active, absent, block, rows, table.length(1), table.length(0), channels),
            row_bytes,
        ]
        return items, values

    def make_worker(code: Code, values: list[Value]) -> Callable[[Value], None]:
        x, table, w, out, active, absent, block, rows, columns, taps, channels, row_bytes = values
        own = code.array(I64, MAX_BLOCK_ROWS + 2 * tile.rows)
        other = code.array(I64, MAX_BLOCK_ROWS + 2 * tile.rows)
        nowhere = code.array(F32, MAX_CHANNELS)
        x_bytes = code.b.mul(channels, code.integer(FLOAT))
        tap_bytes = code.b.mul(channels, row_bytes)
        own_base, own_bytes = (x, x_bytes) if by_input else (out, row_bytes)
        other_base, other_bytes = (out, row_bytes) if by_input else (x, x_bytes)
        sources, targets = (own, other) if by_input else (other, own)

        def do_item(item: Value) -> None:
            first = code.b.mul(item, block)
            end = code.minimum(code.b.add(first, block), rows)
            if not by_input:
                size = code.b.mul(code.b.sub(end, first), row_bytes)
                clear(code, code.at(out, code.b.mul(first, row_bytes)), size)
            end = code.minimum(end, active)
            with code.loop(0, taps) as tap:
                line = code.at(table, code.b.mul(code.b.mul(tap, columns), code.integer(4)))
                count = list_pairs(
                    code, tile.lanes, line, first, end, absent,
                    (own, own_base, own_bytes), (other, other_base, other_bytes),
                )  # fmt: skip
                some = code.b.icmp_signed(">", count, code.integer(0))
                with code.b.if_then(some):
                    _repeat_last(code, sources, count, code.load(I64, sources), 2 * tile.rows)
                    scratch = code.b.ptrtoint(nowhere, I64)
                    _repeat_last(code, targets, count, scratch, tile.rows)
                    weights = code.at(w, code.b.mul(tap, tap_bytes))
                    _multiply_strips(
                        code, tile, sources, targets, count, weights, channels, row_bytes, by_input
                    )

        return do_item

    parallel_handler(module, name, prepare, make_worker)


def add_weight_gradient(module: ir.Module, name: str, tile: Tile) -> None:
    """Adds ``w[k] = sum_o x[in(o, k)]^T . g[o]``, in several sums over ranges of rows.

    Arguments: ``x`` ``[rows, in]``, ``table`` int32 ``[taps, rows]``, ``sizes`` int32
    ``[active table rows, absent, rows of a block, rows of a range]``, ``g`` ``[rows, out]``, with
    ``out`` a multiple of the lanes. Result: ``[ranges, taps, in, out]``, to be added up by the
    caller.
    """

    def item_bytes(code: Code, channels: Value, g_bytes: Value) -> Value:
        return code.b.mul(channels, g_bytes)

    def add_block(code: Code, *operands: Value) -> None:
        _add_products(code, tile, *operands)

    add_tap_sums(module, name, tile.lanes, tile.rows, item_bytes, add_block)


def add_tap_sums(
    module: ir.Module,
    name: str,
    lanes: int,
    spare: int,
    item_bytes: Callable[[Code, Value, Value], Value],
    add_block: Callable[..., None],
) -> None:
    """Adds a gradient of weights: for every tap and range of rows a sum over the pairs.

    Arguments and result of what is added: as of :func:`add_weight_gradient`, whatever the result
    of a tap.

    Args:
      module: what it is added to.
      name: of the handler.
      lanes: floats in a vector.
      spare: room in the lists of pairs behind those of a block.
      item_bytes: size of the result of a tap, of (code, channels of ``x``, bytes of a row of
        ``g``).
      add_block: adds the pairs of a block, of (code, addresses of input rows, addresses of
        gradient rows, number of pairs, result of the tap, channels of ``x``, of ``g``).
    """

    def prepare(code: Code, frame: Frame) -> tuple[Value, list[Value]]:
        x, table, sizes, g = (frame.argument(index) for index in range(4))
        out = frame.result(0)
        active, absent, block, rows = (code.load_int(code.at(sizes.data, 4 * i)) for i in range(4))
        active = code.minimum(active, table.length(1))
        taps = table.length(0)
        values = [
            *(x.data, table.data, g.data, out.data),
            *(active, absent, block, rows, table.length(1), taps, x.length(1), g.length(1)),
        ]
        return code.b.mul(out.length(0), taps), values

    def make_worker(code: Code, values: list[Value]) -> Callable[[Value], None]:
        x, table, g, out, active, absent, block, rows, columns, taps, channels, width = values
        own = code.array(I64, MAX_BLOCK_ROWS + spare)
        other = code.array(I64, MAX_BLOCK_ROWS + spare)
        x_bytes = code.b.mul(channels, code.integer(FLOAT))
        g_bytes = code.b.mul(width, code.integer(FLOAT))
        size = item_bytes(code, channels, g_bytes)

        def do_item(item: Value) -> None:
            part, tap = code.b.sdiv(item, taps), code.b.srem(item, taps)
            total = code.at(out, code.b.mul(item, size))
            clear(code, total, size)
            line = code.at(table, code.b.mul(code.b.mul(tap, columns), code.integer(4)))
            first = code.b.mul(part, rows)
            last = code.minimum(code.b.add(first, rows), active)
            with code.loop(first, last, block) as start:
                end = code.minimum(code.b.add(start, block), last)
                count = list_pairs(
                    code, lanes, line, start, end, absent,
                    (own, g, g_bytes), (other, x, x_bytes),
                )  # fmt: skip
                add_block(code, other, own, count, total, channels, width)

        return do_item

    parallel_handler(module, name, prepare, make_worker)


def _repeat_last(code: Code, addresses: Value, count: Value, value: Value, times: int) -> None:
    """Fills a list up, so that its length may be taken as a multiple of ``times``."""
    for index in range(times):
        position = code.b.mul(code.b.add(count, code.integer(index)), code.integer(8))
        code.store(value, code.at(addresses, position))


def _multiply_strips(
    code: Code,
    tile: Tile,
    sources: Value,
    targets: Value,
    count: Value,
    weights: Value,
    channels: Value,
    row_bytes: Value,
    overwrite: bool,
) -> None:
    """``target += source . weights`` for all pairs, strip by strip of the output's channels."""
    for start, stop, vectors in strips(code, tile, row_bytes):
        step = vectors * tile.lanes * FLOAT
        with code.loop(start, stop, step) as column, code.loop(0, count, tile.rows) as group:
            _multiply_tile(
                    code, dataclasses.replace(tile, vectors=vectors), group, sources, targets,
                    code.at(weights, column), column, channels, row_bytes, overwrite,
                )  # fmt: skip


def strips(code: Code, tile: Tile, row_bytes: Value) -> list[tuple[Value, Value, int]]:
    """Byte ranges of a row of features: whole tiles, then single vectors, and the vectors each."""
    size = code.integer(tile.width * FLOAT)
    whole = code.b.mul(code.b.sdiv(row_bytes, size), size)
    return [(code.integer(0), whole, tile.vectors), (whole, row_bytes, 1)]


def _multiply_tile(
    code: Code,
    tile: Tile,
    group: Value,
    sources: Value,
    targets: Value,
    weights: Value,
    column: Value,
    channels: Value,
    row_bytes: Value,
    overwrite: bool,
) -> None:
    vector = ir.VectorType(F32, tile.lanes)

    def listed(addresses: Value, index: int) -> Value:
        position = code.b.mul(code.b.add(group, code.integer(index)), code.integer(8))
        return pointer(code, code.load(I64, code.at(addresses, position)))

    reads = [listed(sources, index) for index in range(tile.rows)]
    # Rows are scattered, which the processor cannot foresee: it is told of the next ones.
    ahead = [listed(sources, tile.rows + index) for index in range(tile.rows)]
    writes = [code.at(listed(targets, index), column) for index in range(tile.rows)]
    zero = ir.Constant(vector, [0.0] * tile.lanes)
    step = FLOAT * tile.lanes
    sums = [
        [
            code.variable(
                vector, zero if overwrite else code.load(vector, code.at(write, v * step))
            )
            for v in range(tile.vectors)
        ]
        for write in writes
    ]
    with code.loop(0, channels, CACHE_LINE // FLOAT) as part:
        for position in ahead:
            code.prefetch(code.at(position, code.b.mul(part, code.integer(FLOAT))))
        end = code.minimum(code.b.add(part, code.integer(CACHE_LINE // FLOAT)), channels)
        with code.loop(part, end) as channel:
            line = code.at(weights, code.b.mul(channel, row_bytes))
            rows = [code.load(vector, code.at(line, v * step)) for v in range(tile.vectors)]
            place = code.b.mul(channel, code.integer(FLOAT))
            _add_outer_product(code, tile, [code.at(read, place) for read in reads], rows, sums)
    for write, row_sums in zip(writes, sums, strict=True):
        for v, total in enumerate(row_sums):
            code.store(total.get(), code.at(write, v * step))


def _add_products(
    code: Code,
    tile: Tile,
    inputs: Value,
    gradients: Value,
    count: Value,
    total: Value,
    channels: Value,
    width: Value,
) -> None:
    """``total[c] += sum over pairs of input[c] * gradient``, tile by tile."""
    whole = code.b.mul(code.b.sdiv(channels, code.integer(tile.rows)), code.integer(tile.rows))
    row_bytes = code.b.mul(width, code.integer(FLOAT))
    for first, last, rows in ((code.integer(0), whole, tile.rows), (whole, channels, 1)):
        with code.loop(first, last, rows) as channel:
            line = code.at(total, code.b.mul(channel, row_bytes))
            place = code.b.mul(channel, code.integer(FLOAT))
            for start, stop, vectors in strips(code, tile, row_bytes):
                with code.loop(start, stop, vectors * tile.lanes * FLOAT) as column:
                    _add_tile(
                        code, Tile(rows, vectors, tile.lanes), inputs, gradients, count,
                        code.at(line, column), place, column, row_bytes,
                    )  # fmt: skip


def _add_tile(
    code: Code,
    tile: Tile,
    inputs: Value,
    gradients: Value,
    count: Value,
    total: Value,
    channel_offset: Value,
    column: Value,
    row_bytes: Value,
) -> None:
    vector = ir.VectorType(F32, tile.lanes)
    step = FLOAT * tile.lanes
    lines = [code.at(total, code.b.mul(row_bytes, code.integer(row))) for row in range(tile.rows)]
    # From zero in every block: a long sum in one go would lose more digits.
    zero = ir.Constant(vector, [0.0] * tile.lanes)
    sums = [[code.variable(vector, zero) for _ in range(tile.vectors)] for _ in lines]
    with code.loop(0, count) as pair:
        position = code.b.mul(pair, code.integer(8))
        read = code.at(pointer(code, code.load(I64, code.at(inputs, position))), channel_offset)
        source = code.at(pointer(code, code.load(I64, code.at(gradients, position))), column)
        rows = [code.load(vector, code.at(source, v * step)) for v in range(tile.vectors)]
        values = [code.at(read, index * FLOAT) for index in range(tile.rows)]
        _add_outer_product(code, tile, values, rows, sums)
    for line, row_sums in zip(lines, sums, strict=True):
        for v, row_sum in enumerate(row_sums):
            place = code.at(line, v * step)
            code.store(code.b.fadd(code.load(vector, place), row_sum.get()), place)


def _add_outer_product(
    code: Code, tile: Tile, values: list[Value], rows: list[Value], sums: list[list[Variable]]
) -> None:
    """``sums[i][v] += values[i] * rows[v]``, the floats at the addresses ``values``."""
    for address, row_sums in zip(values, sums, strict=True):
        value = code.splat(address, tile.lanes)
        for row, total in zip(rows, row_sums, strict=True):
            total.set(code.fma(value, row, total.get()))


def pointer(code: Code, address: Value) -> Value:
    """The address in an integer."""
    return code.b.inttoptr(address, ir.PointerType(I8))


def clear(code: Code, address: Value, size: Value) -> None:
    """Fills so many bytes with zeros."""
    memset: Any = code.external("memset", ir.PointerType(I8), [ir.PointerType(I8), I32, I64])
    code.b.call(memset, [address, ir.Constant(I32, 0), size])


def ceil_div(code: Code, number: Value, by: Value) -> Value:
    """``ceil(number / by)`` of positive integers."""
    return code.b.sdiv(code.b.add(number, code.b.sub(by, code.integer(1))), by)
