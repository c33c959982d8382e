"""Sums over the active rows, channel by channel: what batch norm needs, in one pass over memory.

A block of rows is small enough for a cache near the processor, so that a second look at it is free.
What a block gives is written down for itself and added up in order at the end: the bits do not
depend on which thread did what, and short sums keep their digits. Rows that are not active are
never read.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

from llvmlite import ir

from jaxsparse.ops.native.arguments import Frame, Limits, Operand, Signature
from jaxsparse.ops.native.call_frame import parallel_handler
from jaxsparse.ops.native.code import F32, Code, Value, Variable
from jaxsparse.ops.native.kernels import FLOAT, ceil_div, clear

_VECTORS = 4  # sums of a kind held at a time: enough to hide the latency of an addition


def add_moments(module: ir.Module, name: str, lanes: int) -> None:
    """Adds ``sum x`` and ``sum (x - mean)^2`` over the active rows.

    The second result, to work in, holds the sums of a block: of the distances to the first row,
    which lose less than those of the numbers where a small variance sits on a large mean, and of
    the squared distances to the mean of the block.
    """
    signature = _signature(lanes, Operand("x", "float32", "rows channels"))

    def prepare(code: Code, frame: Frame) -> tuple[Value, list[Value]]:
        return _prepare(code, frame, "x")

    def make_worker(code: Code, values: list[Value]) -> Callable[[Value], None]:
        x, _, parts, active, block, channels = values

        def add_strip(strip: _Strip, first: Value, end: Value, place: Value) -> None:
            origin = strip.row(x, code.integer(0))
            totals = strip.zeros()
            with code.loop(first, end) as row:
                for total, number, start in zip(totals, strip.row(x, row), origin, strict=True):
                    total.set(code.b.fadd(total.get(), code.b.fsub(number, start)))
            inverse = _reciprocal(code, code.b.sub(end, first), lanes)
            means = [code.b.fmul(total.get(), inverse) for total in totals]
            squares = strip.zeros()
            with code.loop(first, end) as row:
                read = strip.row(x, row)
                for square, number, start, mean in zip(squares, read, origin, means, strict=True):
                    distance = code.b.fsub(code.b.fsub(number, start), mean)
                    square.set(code.fma(distance, distance, square.get()))
            strip.store(place, totals, squares)

        return _block_worker(code, lanes, parts, active, block, channels, add_strip)

    def finish(code: Code, items: Value, values: list[Value]) -> None:
        """The blocks have means of their own: Chan, Golub and LeVeque (1979), equation 1.5."""
        x, out, parts, active, block, channels = values

        def add_strip(strip: _Strip, first: Value, end: Value, place: Value) -> None:
            totals = strip.zeros()
            with code.loop(first, end) as part:
                for total, number in zip(totals, strip.part(parts, part, 0), strict=True):
                    total.set(code.b.fadd(total.get(), number))
            whole, inverse = _float(code, active, lanes), _reciprocal(code, active, lanes)
            means = [code.b.fmul(total.get(), inverse) for total in totals]
            squares = strip.zeros()
            with code.loop(first, end) as part:
                rows = code.minimum(block, code.b.sub(active, code.b.mul(part, block)))
                count, inverse = _float(code, rows, lanes), _reciprocal(code, rows, lanes)
                pairs = (strip.part(parts, part, kind) for kind in range(2))
                for square, own, within, mean in zip(squares, *pairs, means, strict=True):
                    distance = code.b.fsub(code.b.fmul(own, inverse), mean)
                    between = code.b.fmul(distance, distance)
                    square.set(code.fma(count, between, code.b.fadd(square.get(), within)))
            for total, start in zip(totals, strip.row(x, code.integer(0)), strict=True):
                total.set(code.fma(whole, start, total.get()))
            strip.store(place, totals, squares)

        _finish(code, lanes, channels, items, out, add_strip)

    parallel_handler(module, name, signature, prepare, make_worker, finish)


def add_products(module: ir.Module, name: str, lanes: int) -> None:
    """Adds ``sum u`` and ``sum u (x - center)`` over the active rows.

    The second result, to work in, holds the sums of a block.
    """
    signature = _signature(
        lanes,
        Operand("u", "float32", "rows channels"),
        Operand("x", "float32", "rows channels"),
        Operand("center", "float32", "channels"),
    )

    def prepare(code: Code, frame: Frame) -> tuple[Value, list[Value]]:
        return _prepare(code, frame, "u", "x", "center")

    def make_worker(code: Code, values: list[Value]) -> Callable[[Value], None]:
        u, x, center, _, parts, active, block, channels = values

        def add_strip(strip: _Strip, first: Value, end: Value, place: Value) -> None:
            centers = strip.row(center, code.integer(0))
            totals, products = strip.zeros(), strip.zeros()
            with code.loop(first, end) as row:
                ones, others = strip.row(u, row), strip.row(x, row)
                for index, (one, other) in enumerate(zip(ones, others, strict=True)):
                    totals[index].set(code.b.fadd(totals[index].get(), one))
                    distance = code.b.fsub(other, centers[index])
                    products[index].set(code.fma(one, distance, products[index].get()))
            strip.store(place, totals, products)

        return _block_worker(code, lanes, parts, active, block, channels, add_strip)

    def finish(code: Code, items: Value, values: list[Value]) -> None:
        *_, out, parts, _active, _block, channels = values

        def add_strip(strip: _Strip, first: Value, end: Value, place: Value) -> None:
            kinds = [strip.zeros(), strip.zeros()]
            with code.loop(first, end) as part:
                for kind, totals in enumerate(kinds):
                    for total, values in zip(totals, strip.part(parts, part, kind), strict=True):
                        total.set(code.b.fadd(total.get(), values))
            strip.store(place, *kinds)

        _finish(code, lanes, channels, items, out, add_strip)

    parallel_handler(module, name, signature, prepare, make_worker, finish)


def _signature(lanes: int, *arrays: Operand) -> Signature:
    """That of sums over the rows of some arrays."""
    return Signature(
        arguments=(*arrays, Operand("num_active", "int32", "", ("active",))),
        results=(
            Operand("out", "float32", "2 channels"),
            Operand("parts", "float32", "blocks 2 channels"),
        ),
        limits={"rows": Limits(1), "channels": Limits(lanes), "blocks": Limits(1)},
    )


def _prepare(code: Code, frame: Frame, *arrays: str) -> tuple[Value, list[Value]]:
    """Blocks that hold an active row; arrays, both results, active rows, block rows, channels."""
    active = frame.count("active", "rows")
    block = ceil_div(code, frame.size("rows"), frame.size("blocks"))
    addresses = [frame.address(name) for name in (*arrays, "out", "parts")]
    return ceil_div(code, active, block), [*addresses, active, block, frame.size("channels")]


def _block_worker(
    code: Code,
    lanes: int,
    parts: Value,
    active: Value,
    block: Value,
    channels: Value,
    add_strip: Callable[[_Strip, Value, Value, Value], None],
) -> Callable[[Value], None]:
    def do_item(item: Value) -> None:
        first = code.b.mul(item, block)
        end = code.minimum(code.b.add(first, block), active)
        size = code.b.mul(channels, code.integer(2 * FLOAT))
        place = code.at(parts, code.b.mul(item, size))
        _strips(code, lanes, channels, first, end, place, add_strip)

    return do_item


def _finish(
    code: Code,
    lanes: int,
    channels: Value,
    items: Value,
    out: Value,
    add_strip: Callable[[_Strip, Value, Value, Value], None],
) -> None:
    """Adds up the blocks; zeros where there is none, and no row is read."""
    some = code.b.icmp_signed(">", items, code.integer(0))
    with code.b.if_else(some) as (then, otherwise):
        with then:
            _strips(code, lanes, channels, code.integer(0), items, out, add_strip)
        with otherwise:
            clear(code, out, code.b.mul(channels, code.integer(2 * FLOAT)))


def _strips(
    code: Code,
    lanes: int,
    channels: Value,
    first: Value,
    end: Value,
    place: Value,
    add_strip: Callable[[_Strip, Value, Value, Value], None],
) -> None:
    """All channels in strips; the last vector ends with the row and may do some of them again."""
    width = lanes * _VECTORS
    whole = code.b.mul(code.b.sdiv(channels, code.integer(width)), code.integer(width))
    with code.loop(0, whole, width) as column:
        add_strip(_Strip(code, lanes, _VECTORS, channels, column), first, end, place)
    last = code.b.sub(channels, code.integer(lanes))
    with code.loop(whole, channels, lanes) as column:
        add_strip(_Strip(code, lanes, 1, channels, code.minimum(column, last)), first, end, place)


@dataclasses.dataclass(frozen=True)
class _Strip:
    """Some vectors of every row of ``channels`` floats, from a column on."""

    code: Code
    lanes: int
    vectors: int
    channels: Value
    column: Value

    def zeros(self) -> list[Variable]:
        """A sum for every vector."""
        zero = ir.Constant(ir.VectorType(F32, self.lanes), [0.0] * self.lanes)
        return [self.code.variable(zero.type, zero) for _ in range(self.vectors)]

    def row(self, array: Value, row: Value) -> list[Value]:
        """The vectors of a row."""
        vector = ir.VectorType(F32, self.lanes)
        return [self.code.load(vector, place) for place in self._places(array, row)]

    def part(self, parts: Value, part: Value, kind: int) -> list[Value]:
        """The vectors of a kind of sum of a block."""
        number = self.code.b.add(
            self.code.b.mul(part, self.code.integer(2)), self.code.integer(kind)
        )
        return self.row(parts, number)

    def store(self, place: Value, *kinds: list[Variable]) -> None:
        """Writes every kind of sum to a row of its own."""
        for index, totals in enumerate(kinds):
            places = self._places(place, self.code.integer(index))
            for total, address in zip(totals, places, strict=True):
                self.code.store(total.get(), address)

    def _places(self, array: Value, row: Value) -> list[Value]:
        code = self.code
        position = code.b.add(code.b.mul(row, self.channels), self.column)
        start = code.at(array, code.b.mul(position, code.integer(FLOAT)))
        return [code.at(start, v * self.lanes * FLOAT) for v in range(self.vectors)]


def _float(code: Code, number: Value, lanes: int) -> Value:
    """The integer as a float in every lane."""
    return code.fill(code.b.sitofp(number, F32), lanes)


def _reciprocal(code: Code, number: Value, lanes: int) -> Value:
    one = ir.Constant(ir.VectorType(F32, lanes), [1.0] * lanes)
    return code.b.fdiv(one, _float(code, number, lanes))
