"""The tables of maps: neighbours by walking along sorted rows, coarser sites by counting cells.

Rows are in lexicographic order. So are the places that a tap reads for one row after the other,
and a walk along both finds all pairs, with no table over the volume. Branches, which would be
guessed wrongly at every second row, are numbers to add.
"""

from __future__ import annotations

from collections.abc import Callable

from llvmlite import ir

from jaxsparse.ops.native.arguments import Frame, Limits, Operand, Signature
from jaxsparse.ops.native.call_frame import parallel_handler
from jaxsparse.ops.native.code import I32, I64, Code, Value

_INT = 4  # bytes
_AXES = Limits(1, 31)  # children have numbers of 2^(axes - 1)


def add_neighbours(module: ir.Module, name: str) -> None:
    """Adds the table of neighbours; an item of work is a tap before the central one, or that one.

    The sizes hold a rim on both sides of an axis, as wide as the steps reach: then no place
    outside of the volume has the number of one inside. The second result, to work in, holds the
    number of every row's place, of 64 bits.
    """
    signature = Signature(
        arguments=(
            Operand("coords", "int32", "rows axes"),
            Operand("num_active", "int32", "", ("active",)),
            Operand("sizes", "int32", "axes"),
            Operand("steps", "int32", "early axes"),
        ),
        results=(Operand("table", "int32", "taps rows"), Operand("places", "int32", "rows 2")),
        limits={"rows": Limits(1), "axes": _AXES, "taps": Limits(1)},
    )

    def prepare(code: Code, frame: Frame) -> tuple[Value, list[Value]]:
        axes, active = frame.size("axes"), frame.count("active", "rows")
        coords, sizes, places = (frame.address(name) for name in ("coords", "sizes", "places"))
        with code.loop(0, active) as row:
            place = _number(code, _row(code, coords, row, axes), sizes, axes)
            code.store(place, code.at(places, code.b.mul(row, code.integer(8))), align=_INT)
        taps = frame.size("taps")
        half = code.b.sdiv(code.b.sub(taps, code.integer(1)), code.integer(2))
        early = code.minimum(frame.size("early"), half)
        addresses = [frame.address(name) for name in ("table", "steps")]
        values = [places, sizes, *addresses, axes, active, frame.size("rows"), taps, early]
        return code.b.add(early, code.integer(1)), values

    def make_worker(code: Code, values: list[Value]) -> Callable[[Value], None]:
        places, sizes, table, steps, axes, active, rows, taps, early = values
        nobody = code.array(I32, 1)

        def do_item(tap: Value) -> None:
            line = _row(code, table, tap, rows)
            _fill(code, line, active, rows, rows)
            central = code.b.icmp_signed("==", tap, early)
            with code.b.if_else(central) as (then, otherwise):
                with then, code.loop(0, active) as row:
                    _store(code, row, _element(code, line, row))
                with otherwise:
                    last = code.b.sub(taps, code.integer(1))
                    mirror = _row(code, table, code.b.sub(last, tap), rows)
                    _fill(code, mirror, code.integer(0), rows, rows)
                    step = _number(code, _row(code, steps, tap, axes), sizes, axes)
                    walk(step, line, mirror)

        def walk(step: Value, line: Value, mirror: Value) -> None:
            here, there = (code.variable(I64, code.integer(0)) for _ in range(2))
            with code.forever() as leave_if:
                row, other = here.get(), there.get()
                leave_if(code.b.icmp_signed(">=", row, active))
                leave_if(code.b.icmp_signed(">=", other, active))
                wanted = code.b.add(_load_long(code, places, row), step)
                found = _load_long(code, places, other)
                same = code.b.icmp_signed("==", found, wanted)
                _store(code, code.b.select(same, other, rows), _element(code, line, row))
                _store(code, row, code.b.select(same, _element(code, mirror, other), nobody))
                before = code.b.zext(code.b.icmp_signed("<", found, wanted), I64)
                there.set(code.b.add(other, before))
                here.set(code.b.add(row, code.b.sub(code.integer(1), before)))
            _fill(code, line, here.get(), active, rows)

        return do_item

    parallel_handler(module, name, signature, prepare, make_worker)


def add_halved(module: ir.Module, name: str) -> None:
    """Adds the sites of the next coarser level, whose rank is the number of occupied cells below.

    All of it is one item of work. The last result, to work in, holds a bit a cell, and for every
    word of 32 how many cells before it are occupied.
    """
    signature = Signature(
        arguments=(
            Operand("coords", "int32", "rows axes"),
            Operand("num_active", "int32", "", ("active",)),
            Operand("sizes", "int32", "axes"),
        ),
        results=(
            Operand("coarse", "int32", "capacity axes"),
            Operand("count", "int32", ""),
            Operand("slot", "int32", "rows"),
            Operand("children", "int32", "taps capacity"),
            Operand("cells", "int32", "2 words"),
        ),
        limits={"axes": _AXES, "words": Limits(1)},
    )
    arrays = ("coords", "sizes", "coarse", "count", "slot", "children", "cells")

    def prepare(code: Code, frame: Frame) -> tuple[Value, list[Value]]:
        sizes = [frame.size(name) for name in ("rows", "axes", "capacity", "taps", "words")]
        addresses = [frame.address(name) for name in arrays]
        return code.integer(1), [*addresses, *sizes, frame.count("active", "rows")]

    def make_worker(code: Code, values: list[Value]) -> Callable[[Value], None]:
        coords, shape, coarse, count, slot, children, bits = values[: len(arrays)]
        rows, axes, capacity, taps, words, active = values[len(arrays) :]
        b, below = code.b, _element(code, bits, words)

        def cell_of(row: Value) -> tuple[Value, Value, Value]:
            """Address of a row's word of bits, its own bit there, and whether the cell exists."""
            cell = _number(code, _row(code, coords, row, axes), shape, axes, halve=True)
            exists = b.icmp_unsigned("<", cell, b.mul(words, code.integer(32)))
            cell = b.select(exists, cell, code.integer(0))
            bit = b.shl(code.integer(1), b.and_(cell, code.integer(31)))
            return b.lshr(cell, code.integer(5)), bit, exists

        def do_item(_: Value) -> None:
            _fill(code, bits, code.integer(0), words, code.integer(0))
            with code.loop(0, active) as row:
                word, bit, exists = cell_of(row)
                place = _element(code, bits, word)
                bit = b.select(exists, bit, code.integer(0))
                _store(code, b.or_(code.load_int(place), bit), place)
            total = code.variable(I64, code.integer(0))
            with code.loop(0, words) as word:
                _store(code, total.get(), _element(code, below, word))
                total.set(b.add(total.get(), code.count_ones(_bits(code, bits, word))))
            _store(code, total.get(), count)

            nothing = code.integer(-1)
            _fill(code, coarse, code.integer(0), b.mul(capacity, axes), nothing)
            _fill(code, children, code.integer(0), b.mul(capacity, taps), rows)
            _fill(code, slot, code.integer(0), rows, b.mul(capacity, taps))
            with code.loop(0, active) as row:
                word, bit, exists = cell_of(row)
                lower = b.and_(_bits(code, bits, word), b.sub(bit, code.integer(1)))
                first = code.load_int(_element(code, below, word))
                rank = b.add(first, code.count_ones(lower))
                place = _row(code, coords, row, axes)
                child = _child(code, place, axes)
                fits = b.and_(b.icmp_signed("<", rank, capacity), b.icmp_signed("<", child, taps))
                with b.if_then(b.and_(exists, fits)):
                    number = b.add(b.mul(rank, taps), child)
                    _store(code, number, _element(code, slot, row))
                    line = _row(code, children, child, capacity)
                    _store(code, row, _element(code, line, rank))
                    _store_halved(code, place, _row(code, coarse, rank, axes), axes)

        return do_item

    parallel_handler(module, name, signature, prepare, make_worker)


def _number(code: Code, place: Value, sizes: Value, axes: Value, *, halve: bool = False) -> Value:
    """Row-major number of a place, whose coordinates lie one behind the other."""
    total = code.variable(I64, code.load_int(place))
    with code.loop(1, axes) as axis:
        coordinate = code.load_int(_element(code, place, axis))
        if halve:
            coordinate = code.b.ashr(coordinate, code.integer(1))
        size = code.load_int(_element(code, sizes, axis))
        total.set(code.b.add(code.b.mul(total.get(), size), coordinate))
    return total.get()


def _child(code: Code, place: Value, axes: Value) -> Value:
    """Which child of its parent a site is, the last axis fastest."""
    total = code.variable(I64, code.integer(0))
    with code.loop(1, axes) as axis:
        odd = code.b.and_(code.load_int(_element(code, place, axis)), code.integer(1))
        total.set(code.b.add(code.b.mul(total.get(), code.integer(2)), odd))
    return total.get()


def _store_halved(code: Code, place: Value, parent: Value, axes: Value) -> None:
    _store(code, code.load_int(place), parent)
    with code.loop(1, axes) as axis:
        half = code.b.ashr(code.load_int(_element(code, place, axis)), code.integer(1))
        _store(code, half, _element(code, parent, axis))


def _fill(code: Code, array: Value, first: Value, end: Value, number: Value) -> None:
    with code.loop(first, end) as index:
        _store(code, number, _element(code, array, index))


def _row(code: Code, array: Value, row: Value, length: Value) -> Value:
    return _element(code, array, code.b.mul(row, length))


def _element(code: Code, array: Value, index: Value) -> Value:
    return code.at(array, code.b.mul(index, code.integer(_INT)))


def _store(code: Code, number: Value, address: Value) -> None:
    code.store(code.b.trunc(number, I32), address)


def _bits(code: Code, array: Value, word: Value) -> Value:
    return code.b.zext(code.load(I32, _element(code, array, word)), I64)


def _load_long(code: Code, array: Value, index: Value) -> Value:
    """A 64-bit number of an array of pairs of int32."""
    return code.load(I64, code.at(array, code.b.mul(index, code.integer(8))), align=_INT)
