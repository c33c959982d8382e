"""The inner loops of a sparse convolution, in vector instructions.

They walk over blocks of table rows, tap by tap. The pairs of a tap in a block are first listed as
addresses of feature rows, so that the arithmetic has no branch and copies nothing: several rows at
a time are multiplied with a strip of the weights that stays in the first-level cache, and sums stay
in registers. Work follows the pairs that exist, not rows times taps.

A factor is a word of four bytes: a float32, or two bfloat16 whose products one instruction adds to
a float32 sum. The loops are the same for both: a row of bfloat16 is one of half as many words.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any, Protocol

from llvmlite import ir

from jaxsparse.ops.native import BLOCK_SUMS, MAX_BLOCK_ROWS, MAX_CHANNELS
from jaxsparse.ops.native.arguments import (
    FILLED_CHANNELS,
    Frame,
    Limits,
    Operand,
    Signature,
)
from jaxsparse.ops.native.call_frame import parallel_handler
from jaxsparse.ops.native.code import CACHE_LINE, F32, I8, I32, I64, Code, Value, Variable
from jaxsparse.ops.native.pairs import list_pairs
from jaxsparse.ops.native.strips import BFLOAT16, FLOAT


@dataclasses.dataclass(frozen=True)
class Tile:
    """What the registers hold: ``rows`` rows of ``vectors`` vectors of ``lanes`` sums.

    They fill the registers of a processor and leave some.

    Attributes:
      bfloat16: factors are words of two bfloat16 instead of one float.
    """

    rows: int
    vectors: int
    lanes: int
    bfloat16: bool = False

    @property
    def width(self) -> int:
        """Channels of a tile."""
        return self.vectors * self.lanes

    @property
    def factors(self) -> int:
        """Of a word."""
        return FLOAT // BFLOAT16 if self.bfloat16 else 1

    @property
    def dtype(self) -> str:
        """Type of a factor."""
        return "bfloat16" if self.bfloat16 else "float32"


class Products(Protocol):
    """What multiplies the rows of pairs: vectors here, the registers of AMX in ``tiles``."""

    def add(self, sources: Value, targets: Value, count: Value, weights: Value) -> None:
        """``target += source . weights`` for so many pairs of a tap, lists of their addresses.

        The lists have room for ``2 * tile.rows`` addresses more.
        """


# Of the code of a thread, the tile, the words of an input row, the bytes of an output row, and
# whether a target is overwritten instead.
MakeProducts = Callable[[Code, Tile, Value, Value, bool], Products]


def add_apply(
    module: ir.Module,
    name: str,
    tile: Tile,
    make_products: MakeProducts,
    *,
    by_input: bool,
    rounded: bool = False,
) -> None:
    """Adds ``out[o] = sum_k x[in(o, k)] . w[k]``.

    ``x`` is float32 or, as the tile says, bfloat16, and so is the result with ``rounded``. The
    table gives the input row of every output row, or with ``by_input`` the output row of every
    input row, every one at most once (not with ``rounded``); a row that is not there is absent.
    """
    own, other = ("in", "out") if by_input else ("out", "in")  # sides of the table
    signature = Signature(
        arguments=(
            Operand("x", tile.dtype, "in_rows in"),
            Operand("table", "int32", f"taps {own}_rows"),
            Operand("sizes", "int32", "2", ("active", "block")),
            Operand("w", "float32", "taps in out"),
        ),
        results=(Operand("out", "bfloat16" if rounded else "float32", "out_rows out"),),
        limits={
            "block": Limits(1, MAX_BLOCK_ROWS),
            "in": Limits(tile.factors, MAX_CHANNELS, tile.factors),
            "out": FILLED_CHANNELS,
        },
    )

    def prepare(code: Code, frame: Frame) -> tuple[Value, list[Value]]:
        active = frame.count("active", f"{own}_rows")
        row_bytes = code.b.mul(frame.size("out"), code.integer(FLOAT))
        rows = frame.size("out_rows")
        if by_input:
            clear(code, frame.address("out"), code.b.mul(rows, row_bytes))
            rows = active
        block = frame.size("block")
        if rounded:  # the sums of one have this much memory
            block = code.minimum(block, code.b.sdiv(code.integer(BLOCK_SUMS), frame.size("out")))
        items = ceil_div(code, rows, block)
        words = code.b.sdiv(frame.size("in"), code.integer(tile.factors))
        values = [
            *(frame.address(name) for name in ("x", "table", "w", "out")),
            *(active, frame.size(f"{other}_rows"), block, rows),
            *(frame.size(f"{own}_rows"), frame.size("taps"), words, row_bytes),
        ]
        return items, values

    def make_worker(code: Code, values: list[Value]) -> Callable[[Value], None]:
        x, table, w, out, active, absent, block, rows, columns, taps, words, row_bytes = values
        own = code.array(I64, MAX_BLOCK_ROWS + 2 * tile.rows)
        other = code.array(I64, MAX_BLOCK_ROWS + 2 * tile.rows)
        sums = code.array(F32, BLOCK_SUMS) if rounded else None
        products = make_products(code, tile, words, row_bytes, by_input)
        x_bytes = code.b.mul(words, code.integer(FLOAT))
        tap_bytes = code.b.mul(code.b.mul(words, row_bytes), code.integer(tile.factors))
        sources, targets = (own, other) if by_input else (other, own)

        def do_item(item: Value) -> None:
            first = code.b.mul(item, block)
            stop = code.minimum(code.b.add(first, block), rows)
            before = code.b.mul(first, row_bytes)
            size = code.b.mul(code.b.sub(stop, first), row_bytes)
            begin = code.at(out, before) if sums is None else sums
            if not by_input:
                clear(code, begin, size)
            end = code.minimum(stop, active)
            # Where row 0 would be, if all rows were where those of the block are.
            out_base = out if sums is None else code.before(sums, before)
            own_base, own_bytes = (x, x_bytes) if by_input else (out_base, row_bytes)
            other_base, other_bytes = (out_base, row_bytes) if by_input else (x, x_bytes)
            with code.loop(0, taps) as tap:
                line = code.at(table, code.b.mul(code.b.mul(tap, columns), code.integer(4)))
                count = list_pairs(
                    code, tile.lanes, line, first, end, absent,
                    (own, own_base, own_bytes), (other, other_base, other_bytes),
                )  # fmt: skip
                some = code.b.icmp_signed(">", count, code.integer(0))
                with code.b.if_then(some):
                    products.add(sources, targets, count, code.at(w, code.b.mul(tap, tap_bytes)))
            if sums is not None:
                half = code.b.sdiv(before, code.integer(FLOAT // BFLOAT16))
                _round(code, tile.lanes, sums, size, code.at(out, half))

        return do_item

    parallel_handler(module, name, signature, prepare, make_worker)


def _round(code: Code, lanes: int, sums: Value, size: Value, target: Value) -> None:
    """Writes so many bytes of sums as bfloat16."""
    with code.loop(0, size, lanes * FLOAT) as offset:
        half = code.b.sdiv(offset, code.integer(FLOAT // BFLOAT16))
        numbers = code.load(ir.VectorType(F32, lanes), code.at(sums, offset))
        code.store(code.round(numbers), code.at(target, half))


def repeat_last(code: Code, addresses: Value, count: Value, value: Value, times: int) -> None:
    """Fills a list up, so that its length may be taken as a multiple of ``times``."""
    for index in range(times):
        position = code.b.mul(code.b.add(count, code.integer(index)), code.integer(8))
        code.store(value, code.at(addresses, position))


class VectorProducts:
    """Products of a group of rows with a strip of the weights, a vector of sums at a time."""

    def __init__(
        self, code: Code, tile: Tile, words: Value, row_bytes: Value, overwrite: bool
    ) -> None:
        self._code, self._tile, self._overwrite = code, tile, overwrite
        self._words, self._row_bytes = words, row_bytes
        self._nowhere = code.array(F32, MAX_CHANNELS)
        if tile.bfloat16:
            self._packed = code.array(F32, MAX_CHANNELS // 2 * tile.width)

    def add(self, sources: Value, targets: Value, count: Value, weights: Value) -> None:
        """See :class:`Products`."""
        code, tile, row_bytes = self._code, self._tile, self._row_bytes
        repeat_last(code, sources, count, code.load(I64, sources), 2 * tile.rows)
        repeat_last(code, targets, count, code.b.ptrtoint(self._nowhere, I64), tile.rows)
        for start, stop, vectors in strips(code, tile, row_bytes):
            part = dataclasses.replace(tile, vectors=vectors)
            with code.loop(start, stop, part.width * FLOAT) as column:
                strip, strip_bytes = code.at(weights, column), row_bytes
                if tile.bfloat16:
                    strip_bytes = code.integer(part.width * FLOAT)
                    round_strip(code, part, strip, self._words, row_bytes, self._packed)
                    strip = self._packed
                with code.loop(0, count, tile.rows) as group:
                    _multiply_tile(
                        code, part, group, sources, targets, strip, strip_bytes, column,
                        self._words, self._overwrite,
                    )  # fmt: skip


def round_strip(
    code: Code, tile: Tile, weights: Value, words: Value, row_bytes: Value, strip: Value
) -> None:
    """Writes a strip of the weights as words of two neighbouring input channels.

    It serves all pairs of a block, so that making it costs little and no pass over the weights.
    """
    vector, step = ir.VectorType(F32, tile.lanes), tile.lanes * FLOAT
    with code.loop(0, words) as word:
        one = code.at(weights, code.b.mul(word, code.b.mul(row_bytes, code.integer(2))))
        lines = (one, code.at(one, row_bytes))
        target = code.at(strip, code.b.mul(word, code.integer(tile.width * FLOAT)))
        for v in range(tile.vectors):
            pair = (code.round(code.load(vector, code.at(line, v * step))) for line in lines)
            code.store(code.interleave(*pair), code.at(target, v * step))


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
    weight_bytes: Value,
    column: Value,
    words: Value,
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
    with code.loop(0, words, CACHE_LINE // FLOAT) as part:
        for position in ahead:
            code.prefetch(code.at(position, code.b.mul(part, code.integer(FLOAT))))
        end = code.minimum(code.b.add(part, code.integer(CACHE_LINE // FLOAT)), words)
        with code.loop(part, end) as word:
            line = code.at(weights, code.b.mul(word, weight_bytes))
            rows = [code.load(vector, code.at(line, v * step)) for v in range(tile.vectors)]
            place = code.b.mul(word, code.integer(FLOAT))
            add_outer_product(code, tile, [code.at(read, place) for read in reads], rows, sums)
    for write, row_sums in zip(writes, sums, strict=True):
        for v, total in enumerate(row_sums):
            code.store(total.get(), code.at(write, v * step))


def add_outer_product(
    code: Code, tile: Tile, values: list[Value], rows: list[Value], sums: list[list[Variable]]
) -> None:
    """``sums[i][v] += values[i] * rows[v]``, the words at the addresses ``values``."""
    multiply_add = code.multiply_add_pairs if tile.bfloat16 else code.fma
    for address, row_sums in zip(values, sums, strict=True):
        value = code.splat(address, tile.lanes)
        for row, total in zip(rows, row_sums, strict=True):
            total.set(multiply_add(value, row, total.get()))


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
