"""The inner loops of a channelwise convolution, in vector instructions.

A channel meets one weight a tap, so there is no product to tile: what counts is that a row is read
where it lies and that sums stay in registers. Work follows the pairs that exist. Rows of bfloat16
are widened when they are read: what is gained is half of the memory.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

from llvmlite import ir

from jaxsparse.ops.native import MAX_BLOCK_ROWS, MAX_TAPS
from jaxsparse.ops.native.arguments import (
    FILLED_CHANNELS,
    Frame,
    Limits,
    Operand,
    Signature,
)
from jaxsparse.ops.native.call_frame import parallel_handler
from jaxsparse.ops.native.code import F32, I16, I64, Code, Value
from jaxsparse.ops.native.kernels import BFLOAT16, FLOAT, Tile, ceil_div, pointer, strips
from jaxsparse.ops.native.tap_sums import BlockSum, add_tap_sums, gradient_signature

_VECTORS = 4  # sums held at a time: enough to hide the latency of a multiplication


def add_channelwise_apply(
    module: ir.Module, name: str, tile: Tile, *, rounded: bool = False
) -> None:
    """Adds ``out[o, c] = sum_k x[in(o, k), c] w[k, c]``.

    ``x`` is float32 or, as the tile says, bfloat16, and so is the result with ``rounded``. The
    table gives the input row of every output row; one that is not there is absent.
    """
    tile = dataclasses.replace(tile, vectors=_VECTORS)
    signature = Signature(
        arguments=(
            Operand("x", tile.dtype, "in_rows channels"),
            Operand("table", "int32", "taps rows"),
            Operand("sizes", "int32", "2", ("active", "block")),
            Operand("w", "float32", "taps channels"),
        ),
        results=(Operand("out", "bfloat16" if rounded else "float32", "rows channels"),),
        limits={
            "block": Limits(1, MAX_BLOCK_ROWS),
            "channels": FILLED_CHANNELS,
            "taps": Limits(0, MAX_TAPS),
        },
    )

    def prepare(code: Code, frame: Frame) -> tuple[Value, list[Value]]:
        rows, block = frame.size("rows"), frame.size("block")
        row_bytes = code.b.mul(frame.size("channels"), code.integer(FLOAT))
        values = [
            *(frame.address(name) for name in ("x", "table", "w", "out")),
            *(frame.count("active", "rows"), frame.size("in_rows"), block),
            *(rows, frame.size("taps"), row_bytes),
        ]
        return ceil_div(code, rows, block), values

    def make_worker(code: Code, values: list[Value]) -> Callable[[Value], None]:
        x, table, w, out, active, absent, block, rows, taps, row_bytes = values
        inputs = _Listed(code.array(I64, MAX_TAPS), tile.bfloat16)
        weights = _Listed(code.array(I64, MAX_TAPS))
        x_bytes = code.b.sdiv(row_bytes, code.integer(tile.factors))
        x_start, w_start = code.b.ptrtoint(x, I64), code.b.ptrtoint(w, I64)
        line_bytes = code.b.mul(rows, code.integer(4))

        def list_taps(row: Value) -> Value:
            """Writes the addresses of the inputs and weights that reach a row; their number."""
            count = code.variable(I64, code.integer(0))
            entry = code.at(table, code.b.mul(row, code.integer(4)))
            with code.b.if_then(code.b.icmp_signed("<", row, active)), code.loop(0, taps) as tap:
                named = code.load_int(code.at(entry, code.b.mul(tap, line_bytes)))
                here = code.b.mul(count.get(), code.integer(8))
                source = code.b.add(x_start, code.b.mul(named, x_bytes))
                code.store(source, code.at(inputs.addresses, here))
                weight = code.b.add(w_start, code.b.mul(tap, row_bytes))
                code.store(weight, code.at(weights.addresses, here))
                exists = code.b.zext(code.b.icmp_unsigned("<", named, absent), I64)
                count.set(code.b.add(count.get(), exists))
            return count.get()

        def do_item(item: Value) -> None:
            first = code.b.mul(item, block)
            end = code.minimum(code.b.add(first, block), rows)
            with code.loop(first, end) as row:
                count = list_taps(row)
                before = code.b.mul(row, row_bytes)
                for start, stop, vectors in strips(code, tile, row_bytes):
                    with code.loop(start, stop, vectors * tile.lanes * FLOAT) as column:
                        sums = _sum_products(
                            code, tile.lanes, vectors, count, (inputs, weights), column
                        )
                        target = code.b.add(before, column)
                        if rounded:
                            sums = [code.round(total) for total in sums]
                            target = code.b.sdiv(target, code.integer(FLOAT // BFLOAT16))
                        size = BFLOAT16 if rounded else FLOAT
                        for index, total in enumerate(sums):
                            code.store(total, code.at(out, target, index * tile.lanes * size))

        return do_item

    parallel_handler(module, name, signature, prepare, make_worker)


def add_channelwise_weight_gradient(module: ir.Module, name: str, tile: Tile) -> None:
    """Adds ``w[k, c] = sum_o x[in(o, k), c] g[o, c]``, in several sums over ranges of rows.

    ``x`` and ``g`` are of the type that the tile says. The caller adds up the sums of the ranges.
    """
    tile = dataclasses.replace(tile, vectors=_VECTORS)
    limits = {"channels": FILLED_CHANNELS}
    signature = gradient_signature(tile.dtype, ("channels", "channels"), limits)

    def tap_sums(code: Code, channels: Value, width: Value) -> Value:
        return width

    def make_block_sum(code: Code, tile: Tile, channels: Value, width: Value) -> BlockSum:
        row_bytes = code.b.mul(width, code.integer(FLOAT))

        def add(inputs: Value, gradients: Value, count: Value, total: Value) -> None:
            lists = (_Listed(gradients, tile.bfloat16), _Listed(inputs, tile.bfloat16))
            for begin, stop, vectors in strips(code, tile, row_bytes):
                with code.loop(begin, stop, vectors * tile.lanes * FLOAT) as column:
                    # From zero in every block: a long sum in one go would lose more digits.
                    sums = _sum_products(code, tile.lanes, vectors, count, lists, column)
                    for index, value in enumerate(sums):
                        place = code.at(total, column, index * tile.lanes * FLOAT)
                        before = code.load(ir.VectorType(F32, tile.lanes), place)
                        code.store(code.b.fadd(before, value), place)

        return add

    add_tap_sums(module, name, signature, tile, tap_sums, make_block_sum)


@dataclasses.dataclass(frozen=True)
class _Listed:
    """Rows whose addresses are listed, of float32 or bfloat16."""

    addresses: Value
    bfloat16: bool = False

    def read(self, code: Code, lanes: int, vectors: int, pair: Value, column: Value) -> list[Value]:
        """So many vectors of floats of a row, from where a row of floats has ``column`` bytes."""
        kind, size = (I16, BFLOAT16) if self.bfloat16 else (F32, FLOAT)
        place = code.at(self.addresses, code.b.mul(pair, code.integer(8)))
        offset = code.b.sdiv(column, code.integer(FLOAT // size))
        start = code.at(pointer(code, code.load(I64, place)), offset)
        places = [code.at(start, v * lanes * size) for v in range(vectors)]
        values = [code.load(ir.VectorType(kind, lanes), place) for place in places]
        return [code.widen(value) for value in values] if self.bfloat16 else values


def _sum_products(
    code: Code,
    lanes: int,
    vectors: int,
    count: Value,
    lists: tuple[_Listed, _Listed],
    column: Value,
) -> list[Value]:
    """Sums of the products of two lists of rows, so many vectors from a column on."""
    vector = ir.VectorType(F32, lanes)
    zero = ir.Constant(vector, [0.0] * lanes)
    sums = [code.variable(vector, zero) for _ in range(vectors)]
    with code.loop(0, count) as pair:
        factors = (rows.read(code, lanes, vectors, pair, column) for rows in lists)
        for one, two, total in zip(*factors, sums, strict=True):
            total.set(code.fma(one, two, total.get()))
    return [total.get() for total in sums]
