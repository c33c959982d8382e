"""Rows of channels in vectors, strip by strip, for kernels that keep channels apart."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

from llvmlite import ir

from jaxsparse.ops.native.code import F32, I16, Code, Value, Variable

FLOAT, BFLOAT16 = 4, 2  # bytes
VECTORS = 4  # of a strip: sums of a kind held at a time, enough to hide the latency of an addition


@dataclasses.dataclass(frozen=True)
class Numbers:
    """What an array holds.

    Attributes:
      bfloat16: numbers of this type, else of float32.
      instruction: the processor has one that rounds to bfloat16.
    """

    bfloat16: bool = False
    instruction: bool = False

    @property
    def size(self) -> int:
        """Bytes of a number."""
        return BFLOAT16 if self.bfloat16 else FLOAT

    @property
    def dtype(self) -> str:
        """Their type."""
        return "bfloat16" if self.bfloat16 else "float32"


@dataclasses.dataclass(frozen=True)
class Rows:
    """An array ``[rows, channels]``: where it begins, and what it holds."""

    data: Value
    numbers: Numbers = Numbers()


@dataclasses.dataclass(frozen=True)
class Strip:
    """Some vectors of every row of ``channels`` numbers, from a column on, read as float32."""

    code: Code
    lanes: int
    vectors: int
    channels: Value
    column: Value

    def sums(self) -> list[Variable]:
        """A sum for every vector, zero."""
        zero = self.zeros()
        return [self.code.variable(zero.type, zero) for _ in range(self.vectors)]

    def zeros(self) -> Value:
        """A vector of zeros."""
        return ir.Constant(ir.VectorType(F32, self.lanes), [0.0] * self.lanes)

    def read(self, rows: Rows, row: Value) -> list[Value]:
        """The vectors of a row."""
        row = self.code.integer(row) if isinstance(row, int) else row
        places = self._places(rows, row)
        if not rows.numbers.bfloat16:
            return [self.code.load(ir.VectorType(F32, self.lanes), place) for place in places]
        half = ir.VectorType(I16, self.lanes)
        return [self.code.widen(self.code.load(half, place)) for place in places]

    def write(self, values: list[Value], rows: Rows, row: Value) -> None:
        """Writes the vectors of a row."""
        row = self.code.integer(row) if isinstance(row, int) else row
        for value, place in zip(values, self._places(rows, row), strict=True):
            if rows.numbers.bfloat16:
                value = self.code.round(value, instruction=rows.numbers.instruction)
            self.code.store(value, place)

    def _places(self, rows: Rows, row: Value) -> list[Value]:
        code = self.code
        position = code.b.add(code.b.mul(row, self.channels), self.column)
        start = code.at(rows.data, code.b.mul(position, code.integer(rows.numbers.size)))
        return [code.at(start, v * self.lanes * rows.numbers.size) for v in range(self.vectors)]


def for_strips(code: Code, lanes: int, channels: Value, do: Callable[[Strip], None]) -> None:
    """All channels in strips; the last vector ends with the row and may do some of them again."""
    width = lanes * VECTORS
    whole = code.b.mul(code.b.sdiv(channels, code.integer(width)), code.integer(width))
    with code.loop(0, whole, width) as column:
        do(Strip(code, lanes, VECTORS, channels, column))
    last = code.b.sub(channels, code.integer(lanes))
    with code.loop(whole, channels, lanes) as column:
        do(Strip(code, lanes, 1, channels, code.minimum(column, last)))
