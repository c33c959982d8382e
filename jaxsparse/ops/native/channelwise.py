"""The inner loops of a channelwise convolution, in vector instructions.

A channel meets one weight a tap, so there is no product to tile: what counts is that a row is read
where it lies and that sums stay in registers. Work follows the pairs that exist.
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
from jaxsparse.ops.native.code import F32, I64, Code, Value
from jaxsparse.ops.native.kernels import FLOAT, Tile, ceil_div, pointer, strips
from jaxsparse.ops.native.tap_sums import BlockSum, add_tap_sums, gradient_signature

_VECTORS = 4  # sums held at a time: enough to hide the latency of a multiplication


def add_channelwise_apply(module: ir.Module, name: str, tile: Tile) -> None:
    """Adds ``out[o, c] = sum_k x[in(o, k), c] w[k, c]``.

    The table gives the input row of every output row; one that is not there is absent.
    """
    tile = dataclasses.replace(tile, vectors=_VECTORS)
    signature = Signature(
        arguments=(
            Operand("x", "float32", "in_rows channels"),
            Operand("table", "int32", "taps rows"),
            Operand("sizes", "int32", "2", ("active", "block")),
            Operand("w", "float32", "taps channels"),
        ),
        results=(Operand("out", "float32", "rows channels"),),
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
        inputs, weights = code.array(I64, MAX_TAPS), code.array(I64, MAX_TAPS)
        x_start, w_start = code.b.ptrtoint(x, I64), code.b.ptrtoint(w, I64)
        line_bytes = code.b.mul(rows, code.integer(4))

        def list_taps(row: Value) -> Value:
            """Writes the addresses of the inputs and weights that reach a row; their number."""
            count = code.variable(I64, code.integer(0))
            entry = code.at(table, code.b.mul(row, code.integer(4)))
            with code.b.if_then(code.b.icmp_signed("<", row, active)), code.loop(0, taps) as tap:
                named = code.load_int(code.at(entry, code.b.mul(tap, line_bytes)))
                here = code.b.mul(count.get(), code.integer(8))
                source = code.b.add(x_start, code.b.mul(named, row_bytes))
                code.store(source, code.at(inputs, here))
                weight = code.b.add(w_start, code.b.mul(tap, row_bytes))
                code.store(weight, code.at(weights, here))
                exists = code.b.zext(code.b.icmp_unsigned("<", named, absent), I64)
                count.set(code.b.add(count.get(), exists))
            return count.get()

        def do_item(item: Value) -> None:
            first = code.b.mul(item, block)
            end = code.minimum(code.b.add(first, block), rows)
            with code.loop(first, end) as row:
                count = list_taps(row)
                target = code.at(out, code.b.mul(row, row_bytes))
                for start, stop, vectors in strips(code, tile, row_bytes):
                    with code.loop(start, stop, vectors * tile.lanes * FLOAT) as column:
                        sums = _sum_products(
                            code, tile.lanes, vectors, count, (inputs, weights), column
                        )
                        for index, total in enumerate(sums):
                            step = index * tile.lanes * FLOAT
                            code.store(total, code.at(target, column, step))

        return do_item

    parallel_handler(module, name, signature, prepare, make_worker)


def add_channelwise_weight_gradient(module: ir.Module, name: str, tile: Tile) -> None:
    """Adds ``w[k, c] = sum_o x[in(o, k), c] g[o, c]``, in several sums over ranges of rows.

    The caller adds up the sums of the ranges.
    """
    tile = dataclasses.replace(tile, vectors=_VECTORS)
    limits = {"channels": FILLED_CHANNELS}
    signature = gradient_signature("float32", ("channels", "channels"), limits)

    def tap_sums(code: Code, channels: Value, width: Value) -> Value:
        return width

    def make_block_sum(code: Code, tile: Tile, channels: Value, width: Value) -> BlockSum:
        row_bytes = code.b.mul(width, code.integer(FLOAT))

        def add(inputs: Value, gradients: Value, count: Value, total: Value) -> None:
            for begin, stop, vectors in strips(code, tile, row_bytes):
                with code.loop(begin, stop, vectors * tile.lanes * FLOAT) as column:
                    # From zero in every block: a long sum in one go would lose more digits.
                    sums = _sum_products(
                        code, tile.lanes, vectors, count, (gradients, inputs), column
                    )
                    for index, value in enumerate(sums):
                        place = code.at(total, column, index * tile.lanes * FLOAT)
                        before = code.load(ir.VectorType(F32, tile.lanes), place)
                        code.store(code.b.fadd(before, value), place)

        return add

    add_tap_sums(module, name, signature, tile, tap_sums, make_block_sum)


def _sum_products(
    code: Code, lanes: int, vectors: int, count: Value, lists: tuple[Value, Value], column: Value
) -> list[Value]:
    """Sums of the products of what two lists of addresses point to, ``column`` bytes further."""
    vector = ir.VectorType(F32, lanes)
    zero = ir.Constant(vector, [0.0] * lanes)
    sums = [code.variable(vector, zero) for _ in range(vectors)]
    with code.loop(0, count) as pair:
        position = code.b.mul(pair, code.integer(8))
        one, two = (
            code.at(pointer(code, code.load(I64, code.at(addresses, position))), column)
            for addresses in lists
        )
        for index, total in enumerate(sums):
            step = index * lanes * FLOAT
            a, b = code.load(vector, code.at(one, step)), code.load(vector, code.at(two, step))
            total.set(code.fma(a, b, total.get()))
    return [total.get() for total in sums]
