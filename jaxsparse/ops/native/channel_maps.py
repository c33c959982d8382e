"""What batch norm with ReLU does to rows, and its derivatives, each number read and written once.

Every channel has numbers of its own, a column of ``lines``: where it is centered, by what it is
multiplied. Rows that are not active are never read; of results they are zero.
"""

from __future__ import annotations

from collections.abc import Callable

from llvmlite import ir

from jaxsparse.ops.native import CHANNEL_MULTIPLE
from jaxsparse.ops.native.arguments import Frame, Limits, Operand, Signature
from jaxsparse.ops.native.call_frame import parallel_handler
from jaxsparse.ops.native.code import Code, Value
from jaxsparse.ops.native.column_sums import read_sum, write_sums
from jaxsparse.ops.native.kernels import ceil_div, clear
from jaxsparse.ops.native.strips import Numbers, Rows, Strip, for_strips

Worker = Callable[[Value], None]


def add_normalise(module: ir.Module, name: str, lanes: int, numbers: Numbers) -> None:
    """Adds ``max(factor (x - center) + bias, floor)``.

    Lines are center, factor, bias, floor.
    """

    def make_worker(code: Code, values: list[Value]) -> Worker:
        x, lines, out, *sizes = values
        rows, target = (Rows(data, numbers) for data in (x, out))

        def map_strip(strip: Strip, first: Value, end: Value, _: Value) -> None:
            center, factor, bias, floor = (strip.read(Rows(lines), line) for line in range(4))
            with code.loop(first, end) as row:
                done = []
                for i, number in enumerate(strip.read(rows, row)):
                    value = code.fma(code.b.fsub(number, center[i]), factor[i], bias[i])
                    below = code.b.fcmp_ordered("<=", value, floor[i])  # NaN is not
                    done.append(code.b.select(below, floor[i], value))
                strip.write(done, target, row)

        return _block_worker(code, lanes, target, sizes, map_strip)

    signature = _signature(numbers, ("x",), lines=4, sums=False)
    parallel_handler(module, name, signature, _prepare(signature), make_worker)


def add_spread(module: ir.Module, name: str, lanes: int, numbers: Numbers) -> None:
    """Adds ``c0 + c1 (x - center) + factor v`` where the gate is open, else zero.

    Lines are center, factor, slope and offset of the gate, which is shut where ``slope (x - center)
    + offset <= 0``, then ``c0`` and ``c1``.
    """

    def make_worker(code: Code, values: list[Value]) -> Worker:
        v, x, lines, out, *sizes = values
        added, rows, target = (Rows(data, numbers) for data in (v, x, out))

        def map_strip(strip: Strip, first: Value, end: Value, _: Value) -> None:
            center, factor, slope, offset, c0, c1 = (
                strip.read(Rows(lines), line) for line in range(6)
            )
            with code.loop(first, end) as row:
                done = []
                both = zip(strip.read(added, row), strip.read(rows, row), strict=True)
                for i, (one, other) in enumerate(both):
                    distance = code.b.fsub(other, center[i])
                    value = code.fma(one, factor[i], code.fma(distance, c1[i], c0[i]))
                    done.append(_through_gate(strip, distance, slope[i], offset[i], value))
                strip.write(done, target, row)

        return _block_worker(code, lanes, target, sizes, map_strip)

    signature = _signature(numbers, ("v", "x"), lines=6, sums=False)
    parallel_handler(module, name, signature, _prepare(signature), make_worker)


def add_project(module: ir.Module, name: str, lanes: int, numbers: Numbers) -> None:
    """Adds the transpose: ``factor u`` and ``[sum u, sum u (x - center)]``, of ``u`` past the gate.

    Lines are the first four of :func:`add_spread`. The third result, to work in, holds the sums of
    a block.
    """

    def make_worker(code: Code, values: list[Value]) -> Worker:
        u, x, lines, out, _sums, parts, *sizes = values
        given, rows, target = (Rows(data, numbers) for data in (u, x, out))

        def map_strip(strip: Strip, first: Value, end: Value, item: Value) -> None:
            center, factor, slope, offset = (strip.read(Rows(lines), line) for line in range(4))
            totals, products = strip.sums(), strip.sums()
            with code.loop(first, end) as row:
                done = []
                both = zip(strip.read(given, row), strip.read(rows, row), strict=True)
                for i, (one, other) in enumerate(both):
                    distance = code.b.fsub(other, center[i])
                    one = _through_gate(strip, distance, slope[i], offset[i], one)
                    totals[i].set(code.b.fadd(totals[i].get(), one))
                    products[i].set(code.fma(one, distance, products[i].get()))
                    done.append(code.b.fmul(one, factor[i]))
                strip.write(done, target, row)
            write_sums(strip, parts, item, totals, products)

        return _block_worker(code, lanes, target, sizes, map_strip)

    def finish(code: Code, items: Value, values: list[Value]) -> None:
        *_, sums, parts, _active, _block, _rows, channels = values

        def add_strip(strip: Strip) -> None:
            kinds = [strip.sums(), strip.sums()]
            with code.loop(0, items) as part:
                for kind, totals in enumerate(kinds):
                    numbers = read_sum(strip, parts, part, kind)
                    for total, number in zip(totals, numbers, strict=True):
                        total.set(code.b.fadd(total.get(), number))
            write_sums(strip, sums, code.integer(0), *kinds)

        for_strips(code, lanes, channels, add_strip)

    signature = _signature(numbers, ("u", "x"), lines=4, sums=True)
    parallel_handler(module, name, signature, _prepare(signature), make_worker, finish)


def _signature(numbers: Numbers, arrays: tuple[str, ...], *, lines: int, sums: bool) -> Signature:
    """Of rows and lines to rows, and to sums over the rows where there are some."""
    rows = tuple(Operand(array, numbers.dtype, "rows channels") for array in (*arrays, "out"))
    added = (
        Operand("sums", "float32", "2 channels"),
        Operand("parts", "float32", "blocks 2 channels"),
    )
    return Signature(
        arguments=(
            *rows[:-1],
            Operand("lines", "float32", f"{lines} channels"),
            Operand("sizes", "int32", "2", ("active", "block")),
        ),
        results=(rows[-1], *(added if sums else ())),
        limits={
            "channels": Limits(CHANNEL_MULTIPLE),
            "block": Limits(1),
            **({"blocks": Limits(1)} if sums else {}),
        },
    )


def _prepare(signature: Signature) -> Callable[[Code, Frame], tuple[Value, list[Value]]]:
    """Blocks of rows; all arrays, lines, results, then active rows, block, rows, channels."""
    arrays = [operand.name for operand in (*signature.arguments, *signature.results)]
    arrays.remove("sizes")

    def prepare(code: Code, frame: Frame) -> tuple[Value, list[Value]]:
        rows, block = frame.size("rows"), frame.size("block")
        if "parts" in arrays:  # no more blocks than have a place for their sums
            block = code.maximum(block, ceil_div(code, rows, frame.size("blocks")))
        sizes = [frame.count("active", "rows"), block, rows, frame.size("channels")]
        return ceil_div(code, rows, block), [*map(frame.address, arrays), *sizes]

    return prepare


def _block_worker(
    code: Code,
    lanes: int,
    target: Rows,
    sizes: list[Value],
    map_strip: Callable[[Strip, Value, Value, Value], None],
) -> Worker:
    """Maps the active rows of a block and makes the others zero."""
    active, block, rows, channels = sizes

    def do_item(item: Value) -> None:
        first = code.b.mul(item, block)
        stop = code.minimum(code.b.add(first, block), rows)
        end = code.maximum(code.minimum(stop, active), first)
        for_strips(code, lanes, channels, lambda strip: map_strip(strip, first, end, item))
        row_bytes = code.b.mul(channels, code.integer(target.numbers.size))
        rest = code.b.mul(code.b.sub(stop, end), row_bytes)
        clear(code, code.at(target.data, code.b.mul(end, row_bytes)), rest)

    return do_item


def _through_gate(
    strip: Strip, distance: Value, slope: Value, offset: Value, value: Value
) -> Value:
    """``value``, or zero where ``slope distance + offset <= 0``; NaN passes."""
    code = strip.code
    shut = code.b.fcmp_ordered("<=", code.fma(distance, slope, offset), strip.zeros())
    return code.b.select(shut, strip.zeros(), value)
