"""Sums over the active rows, channel by channel: what batch norm needs, in one pass over memory.

A block of rows is small enough for a cache near the processor, so that a second look at it is free.
What a block gives is written down for itself and added up in order at the end: the bits do not
depend on which thread did what, and short sums keep their digits. Rows that are not active are
never read.
"""

from __future__ import annotations

from collections.abc import Callable

from llvmlite import ir

from jaxsparse.ops.native import CHANNEL_MULTIPLE
from jaxsparse.ops.native.arguments import Frame, Limits, Operand, Signature
from jaxsparse.ops.native.call_frame import parallel_handler
from jaxsparse.ops.native.code import F32, Code, Value, Variable
from jaxsparse.ops.native.kernels import ceil_div, clear
from jaxsparse.ops.native.strips import FLOAT, Numbers, Rows, Strip, for_strips


def add_moments(module: ir.Module, name: str, lanes: int, numbers: Numbers) -> None:
    """Adds ``sum x`` and ``sum (x - mean)^2`` over the active rows.

    The second result, to work in, holds of every block its mean and the sum of the squared
    distances to it, each corrected by what the first look left (Chan, Golub and LeVeque, 1983,
    equation 1.7): a small variance on a large mean keeps its digits, and so do rows beside a hot
    one.
    """
    signature = Signature(
        arguments=(
            Operand("x", numbers.dtype, "rows channels"),
            Operand("num_active", "int32", "", ("active",)),
        ),
        results=(
            Operand("out", "float32", "2 channels"),
            Operand("parts", "float32", "blocks 2 channels"),
        ),
        limits={
            "rows": Limits(1),
            "channels": Limits(CHANNEL_MULTIPLE),
            "blocks": Limits(1),
        },
    )

    def prepare(code: Code, frame: Frame) -> tuple[Value, list[Value]]:
        active = frame.count("active", "rows")
        block = ceil_div(code, frame.size("rows"), frame.size("blocks"))
        addresses = [frame.address(array) for array in ("x", "out", "parts")]
        return ceil_div(code, active, block), [*addresses, active, block, frame.size("channels")]

    def make_worker(code: Code, values: list[Value]) -> Callable[[Value], None]:
        x, _, parts, active, block, channels = values
        rows = Rows(x, numbers)

        def do_item(item: Value) -> None:
            first = code.b.mul(item, block)
            end = code.minimum(code.b.add(first, block), active)
            for_strips(code, lanes, channels, lambda strip: add_strip(strip, first, end, item))

        def add_strip(strip: Strip, first: Value, end: Value, item: Value) -> None:
            """Of the distances to a mean that is not quite it the sum is not quite zero."""
            inverse = _reciprocal(code, code.b.sub(end, first), lanes)
            totals = strip.sums()
            with code.loop(first, end) as row:
                for total, number in zip(totals, strip.read(rows, row), strict=True):
                    total.set(code.b.fadd(total.get(), number))
            nearly = [code.b.fmul(total.get(), inverse) for total in totals]
            rests, squares = strip.sums(), strip.sums()
            with code.loop(first, end) as row:
                read = strip.read(rows, row)
                for rest, square, number, mean in zip(rests, squares, read, nearly, strict=True):
                    distance = code.b.fsub(number, mean)
                    rest.set(code.b.fadd(rest.get(), distance))
                    square.set(code.fma(distance, distance, square.get()))
            for total, rest, square, mean in zip(totals, rests, squares, nearly, strict=True):
                missing = code.b.fmul(rest.get(), inverse)
                total.set(code.b.fadd(mean, missing))
                square.set(code.b.fsub(square.get(), code.b.fmul(rest.get(), missing)))
            write_sums(strip, parts, item, totals, squares)

        return do_item

    def finish(code: Code, items: Value, values: list[Value]) -> None:
        """The blocks have means of their own: Chan, Golub and LeVeque (1979), equation 1.5."""
        _x, out, parts, active, block, channels = values

        def add_strip(strip: Strip) -> None:
            totals, squares = strip.sums(), strip.sums()

            def rows_of(part: Value) -> Value:
                rows = code.minimum(block, code.b.sub(active, code.b.mul(part, block)))
                return _float(code, rows, lanes)

            with code.loop(0, items) as part:
                count = rows_of(part)
                for total, own in zip(totals, read_sum(strip, parts, part, 0), strict=True):
                    total.set(code.fma(count, own, total.get()))
            inverse = _reciprocal(code, active, lanes)
            means = [code.b.fmul(total.get(), inverse) for total in totals]
            with code.loop(0, items) as part:
                count = rows_of(part)
                pairs = (read_sum(strip, parts, part, kind) for kind in range(2))
                for square, own, within, mean in zip(squares, *pairs, means, strict=True):
                    distance = code.b.fsub(own, mean)
                    between = code.b.fmul(distance, distance)
                    square.set(code.fma(count, between, code.b.fadd(square.get(), within)))
            write_sums(strip, out, code.integer(0), totals, squares)

        # Where no row is active none is read.
        some = code.b.icmp_signed(">", items, code.integer(0))
        with code.b.if_else(some) as (then, otherwise):
            with then:
                for_strips(code, lanes, channels, add_strip)
            with otherwise:
                clear(code, out, code.b.mul(channels, code.integer(2 * FLOAT)))

    parallel_handler(module, name, signature, prepare, make_worker, finish)


def write_sums(strip: Strip, sums: Value, part: Value, *kinds: list[Variable]) -> None:
    """Writes both kinds of sum of a block to ``sums`` ``[blocks, 2, channels]``."""
    code = strip.code
    for kind, totals in enumerate(kinds):
        row = code.b.add(code.b.mul(part, code.integer(2)), code.integer(kind))
        strip.write([total.get() for total in totals], Rows(sums), row)


def read_sum(strip: Strip, sums: Value, part: Value, kind: int) -> list[Value]:
    """The vectors of a kind of sum of a block."""
    code = strip.code
    return strip.read(Rows(sums), code.b.add(code.b.mul(part, code.integer(2)), code.integer(kind)))


def _float(code: Code, number: Value, lanes: int) -> Value:
    """The integer as a float in every lane."""
    return code.fill(code.b.sitofp(number, F32), lanes)


def _reciprocal(code: Code, number: Value, lanes: int) -> Value:
    one = ir.Constant(ir.VectorType(F32, lanes), [1.0] * lanes)
    return code.b.fdiv(one, _float(code, number, lanes))
