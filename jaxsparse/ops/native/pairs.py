"""Lists of the pairs of a tap, by which the inner loops find their rows without a branch.

They are made anew in every layer, though layers share maps: kept with the map they would be arrays
as large as its table, in blocks whose size depends on the layer, which its transpose, vmap and
export would have to carry. With AVX-512, which can write the chosen ones of eight numbers one
behind the other, making them costs little.
"""

from __future__ import annotations

from llvmlite import ir

from jaxsparse.ops.native.code import I32, I64, Code, Value, Variable

AVX512_LANES = 16  # floats in a vector, which no other instruction set has


def list_pairs(
    code: Code,
    lanes: int,
    line: Value,
    first: Value,
    end: Value,
    absent: Value,
    own: tuple[Value, Value, Value],
    other: tuple[Value, Value, Value],
) -> Value:
    """Writes the addresses of both rows of every pair of a tap; the number of pairs.

    ``own`` and ``other`` are (list, first row, bytes of a row) of the side that the table is
    indexed with and of the side that it names.
    """
    count = code.variable(I64, code.integer(0))
    own_start, other_start = (code.b.ptrtoint(side[1], I64) for side in (own, other))
    if lanes == AVX512_LANES:
        first = _list_eights(code, line, first, end, absent, own, other, count)
    with code.loop(first, end) as row:
        named = code.load_int(code.at(line, code.b.mul(row, code.integer(4))))
        here = code.b.mul(count.get(), code.integer(8))
        code.store(code.b.add(own_start, code.b.mul(row, own[2])), code.at(own[0], here))
        code.store(code.b.add(other_start, code.b.mul(named, other[2])), code.at(other[0], here))
        # Unsigned: a negative row, which no map has, is absent too and no place before the array.
        exists = code.b.zext(code.b.icmp_unsigned("<", named, absent), I64)
        count.set(code.b.add(count.get(), exists))
    return count.get()


def _list_eights(
    code: Code,
    line: Value,
    first: Value,
    end: Value,
    absent: Value,
    own: tuple[Value, Value, Value],
    other: tuple[Value, Value, Value],
    count: Variable,
) -> Value:
    """The same for eight rows at a time; the first row that is left."""
    wide, narrow = ir.VectorType(I64, 8), ir.VectorType(I32, 8)
    own_start, other_start = (code.b.ptrtoint(side[1], I64) for side in (own, other))
    rows = code.b.add(code.fill(first, 8), ir.Constant(wide, list(range(8))))
    here = code.b.add(code.fill(own_start, 8), code.b.mul(rows, code.fill(own[2], 8)))
    place = code.variable(wide, here)
    step = code.fill(code.b.mul(own[2], code.integer(8)), 8)
    start = code.fill(other_start, 8)
    # The product of two halves is one instruction, that of whole numbers three.
    size = code.fill(code.b.and_(other[2], code.integer(2**32 - 1)), 8)
    limit = code.fill(code.b.trunc(absent, I32), 8)
    eights = code.b.sdiv(code.b.sub(end, first), code.integer(8))
    rest = code.b.add(first, code.b.mul(eights, code.integer(8)))
    with code.loop(first, rest, 8) as row:
        named = code.load(narrow, code.at(line, code.b.mul(row, code.integer(4))))
        exists = code.b.icmp_unsigned("<", named, limit)
        there = code.b.add(start, code.b.mul(code.b.zext(named, wide), size))
        position = code.b.mul(count.get(), code.integer(8))
        code.store_some(place.get(), exists, code.at(own[0], position))
        code.store_some(there, exists, code.at(other[0], position))
        place.set(code.b.add(place.get(), step))
        count.set(code.b.add(count.get(), code.count(exists)))
    return rest
