"""The inner loops of a sparse convolution in the tile registers of AMX, factors bfloat16.

A register holds 16 rows of 16 words, so that rows which lie scattered are copied behind each other
first: up to 32 of them are multiplied at a time with weights for 32 channels, in four registers of
sums. Words that fill a register up are zeros; rows that fill it up hold anything, and their sums go
nowhere.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

from llvmlite import ir

from jaxsparse.ops.native import MAX_CHANNELS
from jaxsparse.ops.native.amx import ROW_BYTES, ROWS, TileRegisters
from jaxsparse.ops.native.code import F32, I64, Code, Value
from jaxsparse.ops.native.kernels import (
    FLOAT,
    Tile,
    ceil_div,
    clear,
    pointer,
    repeat_last,
    round_strip,
    strips,
)
from jaxsparse.ops.native.tap_sums import BlockSum, join_two, joined_words

ROW_WORDS = ROW_BYTES // FLOAT
TILE = Tile(rows=2 * ROWS, vectors=2, lanes=ROW_WORDS, bfloat16=True)
# Of the widest rows as many as a tile has: twice ``BLOCK_SUMS``, so that the words of a block of a
# gradient find room, filled up to whole registers.
_COPIED_WORDS = TILE.rows * (MAX_CHANNELS // 2)

MakeRegisters = Callable[[Code], TileRegisters]


class TileProducts:
    """Products of copied rows with a strip of the weights: see ``kernels.Products``."""

    def __init__(
        self,
        code: Code,
        tile: Tile,
        words: Value,
        row_bytes: Value,
        overwrite: bool,
        *,
        make_registers: MakeRegisters = TileRegisters,
    ) -> None:
        self._code, self._tile, self._overwrite = code, tile, overwrite
        self._words, self._row_bytes = words, row_bytes
        self._copied_words = _filled(code, words, ROW_WORDS)
        self._copies = code.array(F32, _COPIED_WORDS)
        self._strip = code.array(F32, MAX_CHANNELS // 2 * tile.width)
        self._matrix = _Matrix(code, make_registers(code))

    def add(self, sources: Value, targets: Value, count: Value, weights: Value) -> None:
        """See ``kernels.Products``."""
        code, tile = self._code, self._tile
        portion = _whole(code, code.b.sdiv(code.integer(_COPIED_WORDS), self._copied_words), ROWS)
        with code.loop(0, count, portion) as first:
            pairs = code.minimum(portion, code.b.sub(count, first))
            place = code.b.mul(first, code.integer(8))
            self._copy_rows(code.at(sources, place), pairs)
            for start, stop, vectors in strips(code, tile, self._row_bytes):
                part = dataclasses.replace(tile, vectors=vectors)
                with code.loop(start, stop, part.width * FLOAT) as column:
                    self._round_strip(part, code.at(weights, column))
                    self._multiply(part, code.at(targets, place), pairs, column)

    def _copy_rows(self, sources: Value, count: Value) -> None:
        code, words = self._code, self._words
        whole = _whole(code, words, ROW_WORDS)
        vector = ir.VectorType(F32, ROW_WORDS)
        with code.loop(0, count) as pair:
            row = _listed(code, sources, pair)
            copy = code.at(self._copies, _bytes(code, code.b.mul(pair, self._copied_words)))
            for start, stop, kind in ((code.integer(0), whole, vector), (whole, words, F32)):
                with code.loop(start, stop, ROW_WORDS if kind is vector else 1) as word:
                    offset = _bytes(code, word)
                    code.store(code.load(kind, code.at(row, offset)), code.at(copy, offset))
            with code.loop(words, self._copied_words) as word:
                code.store(ir.Constant(F32, 0.0), code.at(copy, _bytes(code, word)))

    def _round_strip(self, tile: Tile, weights: Value) -> None:
        code = self._code
        round_strip(code, tile, weights, self._words, self._row_bytes, self._strip)
        row = code.integer(tile.width * FLOAT)
        missing = code.b.sub(self._copied_words, self._words)
        clear(code, code.at(self._strip, code.b.mul(self._words, row)), code.b.mul(missing, row))

    def _multiply(self, tile: Tile, targets: Value, count: Value, column: Value) -> None:
        code = self._code
        copy_bytes = _bytes(code, self._copied_words)
        for start, stop, rows in _groups(code, count):
            part = dataclasses.replace(tile, rows=rows)
            with code.loop(start, stop, rows) as group:
                self._matrix.multiply(
                    part,
                    code.at(self._copies, code.b.mul(group, copy_bytes)),
                    copy_bytes,
                    self._strip,
                    code.integer(tile.width * FLOAT),
                    self._copied_words,
                )
                existing = code.minimum(code.integer(rows), code.b.sub(count, group))
                with code.loop(0, existing) as row:
                    target = code.at(_listed(code, targets, code.b.add(group, row)), column)
                    self._matrix.give_row(part, row, target, self._overwrite)


def tile_sum(
    code: Code,
    tile: Tile,
    channels: Value,
    width: Value,
    *,
    make_registers: MakeRegisters = TileRegisters,
) -> BlockSum:
    """Products of input rows, turned into columns, with gradient rows: see ``tap_sums.BlockSum``.

    A word is two pairs of rows. Both factors are copied as the registers want them: gradients two
    and two in words of a channel, inputs likewise, but the words of a channel behind each other.
    """
    turned, joined = (code.array(F32, _COPIED_WORDS) for _ in range(2))
    zeros = code.array(F32, MAX_CHANNELS // 2)
    clear(code, zeros, code.integer(MAX_CHANNELS // 2 * FLOAT))
    matrix = _Matrix(code, make_registers(code))
    row_bytes = _bytes(code, width)

    def add(inputs: Value, gradients: Value, count: Value, total: Value) -> None:
        for addresses in (inputs, gradients):
            repeat_last(code, addresses, count, code.b.ptrtoint(zeros, I64), 2 * ROW_WORDS - 1)
        words = _filled(code, ceil_div(code, count, code.integer(2)), ROW_WORDS)
        _join_rows(code, gradients, words, width, joined)
        _turn_rows(code, inputs, words, channels, turned)
        add_products(words, total)

    def add_products(words: Value, total: Value) -> None:
        turned_bytes = _bytes(code, words)
        for start, stop, rows in _groups(code, channels):
            for begin, end, vectors in strips(code, tile, row_bytes):
                part = dataclasses.replace(tile, rows=rows, vectors=vectors)
                with (
                    code.loop(start, stop, rows) as channel,
                    code.loop(begin, end, part.width * FLOAT) as column,
                ):
                    matrix.multiply(
                        part,
                        code.at(turned, code.b.mul(channel, turned_bytes)),
                        turned_bytes,
                        code.at(joined, column),
                        row_bytes,
                        words,
                    )
                    lines = code.at(total, code.b.mul(channel, row_bytes), column)
                    with code.loop(0, rows) as row:
                        line = code.at(lines, code.b.mul(row, row_bytes))
                        matrix.give_row(part, row, line, overwrite=False)

    return add


def _join_rows(code: Code, rows: Value, words: Value, width: Value, joined: Value) -> None:
    """Writes ``[words, width]`` words: two rows and two, whose addresses are listed."""
    with code.loop(0, words) as word:
        target = code.at(joined, _bytes(code, code.b.mul(word, width)))
        join_two(code, ROW_WORDS, code.at(rows, code.b.mul(word, code.integer(16))), width, target)


def _turn_rows(code: Code, rows: Value, words: Value, channels: Value, turned: Value) -> None:
    """Writes ``[channels, words]`` words: two rows and two, whose addresses are listed."""
    vector = ir.VectorType(F32, ROW_WORDS)
    with code.loop(0, words, ROW_WORDS) as word:
        pairs = code.at(rows, code.b.mul(word, code.integer(16)))
        listed = [_listed(code, pairs, code.integer(index)) for index in range(2 * ROW_WORDS)]
        with code.loop(0, channels, ROW_WORDS) as channel:
            lines = [
                code.b.bitcast(joined_words(code, ROW_WORDS, listed[i : i + 2], channel), vector)
                for i in range(0, len(listed), 2)
            ]
            for index, line in enumerate(code.transpose(lines)):
                row = code.b.mul(code.b.add(channel, code.integer(index)), words)
                code.store(line, code.at(turned, _bytes(code, code.b.add(row, word))))


class _Matrix:
    """The product of two matrices of words: two times two registers, and memory for the sums."""

    def __init__(self, code: Code, registers: TileRegisters) -> None:
        self._code, self._registers = code, registers
        self._sums = code.array(F32, TILE.rows * TILE.width)

    def multiply(
        self, tile: Tile, a: Value, a_bytes: Value, b: Value, b_bytes: Value, words: Value
    ) -> None:
        """``a . b`` of the size of the tile, over so many words; rows are so many bytes long."""
        code, registers = self._code, self._registers
        blocks = range(tile.rows // ROWS)
        columns = range(tile.vectors)
        sums = {(i, j): 2 * i + j for i in blocks for j in columns}
        for register in sums.values():
            registers.clear(register)
        with code.loop(0, words, ROW_WORDS) as word:
            across = code.at(a, _bytes(code, word))
            down = code.at(b, code.b.mul(word, b_bytes))
            for i in blocks:
                below = code.b.mul(a_bytes, code.integer(ROWS * i))
                registers.load(4 + i, code.at(across, below), a_bytes)
            for j in columns:
                registers.load(6 + j, code.at(down, ROW_BYTES * j), b_bytes)
            for (i, j), register in sums.items():
                registers.multiply_add(register, 4 + i, 6 + j)
        step = code.integer(tile.width * FLOAT)
        for (i, j), register in sums.items():
            offset = ROWS * i * tile.width * FLOAT + ROW_BYTES * j
            registers.store(register, code.at(self._sums, offset), step)

    def give_row(self, tile: Tile, row: Value, target: Value, overwrite: bool) -> None:
        """Adds a row of the last product to what stands at an address, or overwrites that."""
        code = self._code
        vector = ir.VectorType(F32, tile.lanes)
        line = code.at(self._sums, code.b.mul(row, code.integer(tile.width * FLOAT)))
        for offset in range(0, tile.width * FLOAT, tile.lanes * FLOAT):
            value, place = code.load(vector, code.at(line, offset)), code.at(target, offset)
            code.store(value if overwrite else code.b.fadd(code.load(vector, place), value), place)


def _groups(code: Code, rows: Value) -> list[tuple[Value, Value, int]]:
    """Ranges of rows: whole tiles, then registers, and the rows of each."""
    whole = _whole(code, rows, TILE.rows)
    return [(code.integer(0), whole, TILE.rows), (whole, rows, ROWS)]


def _listed(code: Code, addresses: Value, index: Value) -> Value:
    """The pointer of this number in a list."""
    return pointer(code, code.load(I64, code.at(addresses, code.b.mul(index, code.integer(8)))))


def _bytes(code: Code, words: Value) -> Value:
    return code.b.mul(words, code.integer(FLOAT))


def _whole(code: Code, number: Value, unit: int) -> Value:
    """The largest multiple of ``unit`` up to ``number``."""
    return code.b.mul(code.b.sdiv(number, code.integer(unit)), code.integer(unit))


def _filled(code: Code, number: Value, unit: int) -> Value:
    """The smallest multiple of ``unit`` from ``number`` on."""
    return _whole(code, code.b.add(number, code.integer(unit - 1)), unit)
