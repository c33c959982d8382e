"""The inner loops of the gradient of weights: for every tap a sum over its pairs of rows.

A block of pairs is multiplied as one matrix product, whose sums stay in registers. Words of
bfloat16 hold two numbers that are summed over, which are here two pairs: rows are copied two and
two, as words of a channel of both, before they are multiplied many times.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from typing import Protocol

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
from jaxsparse.ops.native.code import F32, I16, I64, Code, Value
from jaxsparse.ops.native.kernels import (
    BFLOAT16,
    FLOAT,
    Tile,
    add_outer_product,
    ceil_div,
    clear,
    pointer,
    repeat_last,
    strips,
)
from jaxsparse.ops.native.pairs import list_pairs


class BlockSum(Protocol):
    """What adds a block of pairs to the result of a tap."""

    def __call__(self, inputs: Value, gradients: Value, count: Value, total: Value) -> None:
        """Adds so many pairs, given lists of the addresses of their rows.

        The lists have room for ``tile.rows`` addresses more.
        """


# Of the code of a thread, the tile, and the channels of ``x`` and of ``g``.
MakeBlockSum = Callable[[Code, Tile, Value, Value], BlockSum]


def add_weight_gradient(
    module: ir.Module, name: str, tile: Tile, make_block_sum: MakeBlockSum
) -> None:
    """Adds ``w[k] = sum_o x[in(o, k)]^T . g[o]``, in several sums over ranges of rows.

    The caller adds up the sums of the ranges.
    """
    limits = {
        "in": FILLED_CHANNELS if tile.bfloat16 else Limits(1, MAX_CHANNELS),
        "out": FILLED_CHANNELS,
    }
    signature = gradient_signature(tile.dtype, ("in", "out"), limits)

    def tap_sums(code: Code, channels: Value, width: Value) -> Value:
        return code.b.mul(channels, width)

    add_tap_sums(module, name, signature, tile, tap_sums, make_block_sum)


def gradient_signature(
    dtype: str, channels: tuple[str, str], limits: Mapping[str, Limits]
) -> Signature:
    """That of a gradient of weights.

    Args:
      dtype: of ``x`` and ``g``.
      channels: names of the last axis of each; equal ones are one axis of the result.
      limits: of these axes.
    """
    x, g = channels
    return Signature(
        arguments=(
            Operand("x", dtype, f"in_rows {x}"),
            Operand("table", "int32", "taps rows"),
            Operand("sizes", "int32", "2", ("active", "block")),
            Operand("g", dtype, f"rows {g}"),
        ),
        results=(Operand("out", "float32", " ".join(["ranges taps", *dict.fromkeys(channels)])),),
        limits={"block": Limits(1, MAX_BLOCK_ROWS), "ranges": Limits(1), **limits},
    )


def vector_sum(code: Code, tile: Tile, channels: Value, width: Value) -> BlockSum:
    """Products of vectors, of bfloat16 after rows are copied two and two."""

    def add(inputs: Value, gradients: Value, count: Value, total: Value) -> None:
        if tile.bfloat16:
            for addresses, length in ((inputs, channels), (gradients, width)):
                _join_rows(code, tile.lanes, addresses, count, length)
            count = ceil_div(code, count, code.integer(2))
        _add_products(code, tile, inputs, gradients, count, total, channels, width)

    return add


def add_tap_sums(
    module: ir.Module,
    name: str,
    signature: Signature,
    tile: Tile,
    tap_sums: Callable[[Code, Value, Value], Value],
    make_block_sum: MakeBlockSum,
) -> None:
    """Adds a gradient of weights: for every tap and range of rows a sum over the pairs.

    Args:
      module: what it is added to.
      name: of the handler.
      signature: of the handler, see :func:`gradient_signature`.
      tile: of the loops.
      tap_sums: how many numbers the result of a tap has, of (code, channels of ``x``, of ``g``).
      make_block_sum: makes, once a thread, what adds the pairs of a block.
    """

    x_axis, g_axis = (operand.axes.split()[1] for operand in signature.arguments[::3])

    def prepare(code: Code, frame: Frame) -> tuple[Value, list[Value]]:
        rows, taps, ranges = (frame.size(name) for name in ("rows", "taps", "ranges"))
        block = frame.size("block")
        if tile.bfloat16:  # words of two pairs are copied to so much memory
            for axis in (x_axis, g_axis):
                words = code.b.sdiv(code.integer(BLOCK_SUMS), frame.size(axis))
                block = code.minimum(block, code.b.mul(words, code.integer(2)))
        values = [
            *(frame.address(name) for name in ("x", "table", "g", "out")),
            *(frame.count("active", "rows"), frame.size("in_rows"), block),
            *(ceil_div(code, rows, ranges), rows, taps, frame.size(x_axis), frame.size(g_axis)),
        ]
        return code.b.mul(ranges, taps), values

    def make_worker(code: Code, values: list[Value]) -> Callable[[Value], None]:
        x, table, g, out, active, absent, block, rows, columns, taps, channels, width = values
        own = code.array(I64, MAX_BLOCK_ROWS + tile.rows)
        other = code.array(I64, MAX_BLOCK_ROWS + tile.rows)
        add_block = make_block_sum(code, tile, channels, width)
        factor = code.integer(FLOAT // tile.factors)
        x_bytes = code.b.mul(channels, factor)
        g_bytes = code.b.mul(width, factor)
        size = code.b.mul(tap_sums(code, channels, width), code.integer(FLOAT))

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
                    code, tile.lanes, line, start, end, absent,
                    (own, g, g_bytes), (other, x, x_bytes),
                )  # fmt: skip
                add_block(other, own, count, total)

        return do_item

    parallel_handler(module, name, signature, prepare, make_worker)


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
                    part = dataclasses.replace(tile, rows=rows, vectors=vectors)
                    _add_tile(
                        code, part, inputs, gradients, count, code.at(line, column), place,
                        column, row_bytes,
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
        add_outer_product(code, tile, values, rows, sums)
    for line, row_sums in zip(lines, sums, strict=True):
        for v, row_sum in enumerate(row_sums):
            place = code.at(line, v * step)
            code.store(code.b.fadd(code.load(vector, place), row_sum.get()), place)


def _join_rows(code: Code, lanes: int, addresses: Value, count: Value, width: Value) -> None:
    """Copies rows of bfloat16 two and two: words of a channel of both, listed in their place."""
    joined = code.array(F32, BLOCK_SUMS)
    zeros = code.array(F32, MAX_CHANNELS // 2)
    clear(code, zeros, code.integer(MAX_CHANNELS // 2 * FLOAT))
    repeat_last(code, addresses, count, code.b.ptrtoint(zeros, I64), 1)
    row_bytes = code.b.mul(width, code.integer(FLOAT))
    with code.loop(0, count, 2) as row:
        pair = code.b.sdiv(row, code.integer(2))
        target = code.at(joined, code.b.mul(pair, row_bytes))
        join_two(code, lanes, code.at(addresses, code.b.mul(row, code.integer(8))), width, target)
        code.store(
            code.b.ptrtoint(target, I64), code.at(addresses, code.b.mul(pair, code.integer(8)))
        )


def join_two(code: Code, lanes: int, addresses: Value, width: Value, target: Value) -> None:
    """Writes words of a channel of two rows of bfloat16, whose addresses are listed."""
    rows = [pointer(code, code.load(I64, code.at(addresses, 8 * index))) for index in range(2)]
    with code.loop(0, width, lanes) as channel:
        words = joined_words(code, lanes, rows, channel)
        code.store(words, code.at(target, code.b.mul(channel, code.integer(FLOAT))))


def joined_words(code: Code, lanes: int, rows: list[Value], channel: Value) -> Value:
    """A vector of words of two rows of bfloat16, from a channel on, as 16-bit halves."""
    offset = code.b.mul(channel, code.integer(BFLOAT16))
    half = ir.VectorType(I16, lanes)
    return code.interleave(*(code.load(half, code.at(row, offset)) for row in rows))
