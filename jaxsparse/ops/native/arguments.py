"""What a handler takes and gives, declared once; its checks are made of the declaration.

XLA passes on what a program hands over, and a program may be a stored one, of another version, or
written by hand. So a handler looks at all it is given before it reads a number of it: that is a
comparison each, once a call.

Offsets are those of ``xla/ffi/api/c_api.h``, as in ``call_frame.py``.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping

from jaxsparse.ops.native.code import I64, POINTER, Code, Value
from jaxsparse.ops.native.guard import Guard

# XLA_FFI_CallFrame holds XLA_FFI_Args and XLA_FFI_Rets, which have these in the same places
_ARGUMENTS, _RESULTS = 40, 80
_COUNT, _BUFFERS = 16, 32
# XLA_FFI_Buffer
_TYPE, _DATA, _RANK, _DIMENSIONS = 16, 24, 32, 40
_TYPES = {"int32": 4, "float32": 11, "bfloat16": 16}  # XLA_FFI_DataType

_INT32_MOST = 2**31 - 1
_ALIGNMENT = 4  # bytes, which loads and stores of this package count on


@dataclasses.dataclass(frozen=True)
class Operand:
    """An argument or result.

    Attributes:
      name: of the array.
      dtype: of its elements.
      axes: names of its axes, with a space between them; equal names are equal lengths. A number
        is a fixed length.
      numbers: names of the elements, of an int32 array that the handler reads itself.
    """

    name: str
    dtype: str
    axes: str
    numbers: tuple[str, ...] = ()


@dataclasses.dataclass(frozen=True)
class Limits:
    """The numbers that the length of an axis, or an element of an array, may be."""

    least: int = 0
    most: int = _INT32_MOST
    multiple: int = 1

    def __str__(self) -> str:
        if self.least == self.most:
            return str(self.least)
        what = f"a multiple of {self.multiple}, " if self.multiple > 1 else ""
        return f"{what}{self.least} to {self.most}"


@dataclasses.dataclass(frozen=True)
class Signature:
    """All that a handler takes and gives.

    Attributes:
      arguments: in the order of the call.
      results: the same.
      limits: of axes and numbers, by name. Any axis is an int32, as rows have such numbers.
    """

    arguments: tuple[Operand, ...]
    results: tuple[Operand, ...]
    limits: Mapping[str, Limits]

    def check(self, code: Code, frame: Value, guard: Guard) -> Frame:
        """Writes the checks of an ``XLA_FFI_CallFrame``; what it holds where all of them hold."""
        unknown = set(self.limits) - {name for operand in self._all() for name in _names(operand)}
        assert not unknown, f"limits of {unknown}: no axis or number has this name"
        addresses: dict[str, Value] = {}
        lengths: dict[str, tuple[Value, str]] = {}
        buffers = [
            *_buffers(code, frame, guard, _ARGUMENTS, "arguments", self.arguments),
            *_buffers(code, frame, guard, _RESULTS, "results", self.results),
        ]
        for operand, buffer in zip(self._all(), buffers, strict=True):
            addresses[operand.name] = _check_layout(code, guard, operand, buffer)
            self._check_lengths(code, guard, operand, buffer, lengths)
        sizes = {name: length for name, (length, _) in lengths.items()}
        for operand in self.arguments:
            for index, name in enumerate(operand.numbers):
                number = code.load_int(code.at(addresses[operand.name], 4 * index))
                sizes[name] = number
                if name in self.limits:
                    what = f"{name}, element {index} of {operand.name},"
                    _check_limits(code, guard, what, number, self.limits[name])
        return Frame(code, addresses, sizes)

    def _all(self) -> tuple[Operand, ...]:
        return (*self.arguments, *self.results)

    def _check_lengths(
        self,
        code: Code,
        guard: Guard,
        operand: Operand,
        buffer: Value,
        lengths: dict[str, tuple[Value, str]],
    ) -> None:
        """Adds the axes that have no length yet, and compares the others."""
        dimensions = code.load(POINTER, code.at(buffer, _DIMENSIONS))
        for axis, name in enumerate(operand.axes.split()):
            length = code.load(I64, code.at(dimensions, 8 * axis))
            what = f"axis {axis} ({name}) of {operand.name}"
            if name.isdigit():
                _check_limits(code, guard, what, length, Limits(int(name), int(name)))
            elif name in lengths:
                expected, other = lengths[name]
                same = code.b.icmp_signed("==", length, expected)
                guard.unless(same, f"{what} is %lld: must be %lld, {other}", length, expected)
            else:
                lengths[name] = length, f"as {what}"
                _check_limits(code, guard, what, length, self.limits.get(name, Limits()))


class Frame:
    """The arguments and results of a call, checked."""

    def __init__(
        self, code: Code, addresses: Mapping[str, Value], sizes: Mapping[str, Value]
    ) -> None:
        self._code, self._addresses, self._sizes = code, addresses, sizes

    def address(self, operand: str) -> Value:
        """Pointer to the first element of an array."""
        return self._addresses[operand]

    def size(self, name: str) -> Value:
        """The length of the axis, or the element, of this name; 64 bits."""
        return self._sizes[name]

    def count(self, name: str, axis: str) -> Value:
        """An element that counts rows: those that an axis has, at most, and no fewer than none."""
        code = self._code
        some = code.b.icmp_signed(">", self.size(name), code.integer(0))
        number = code.b.select(some, self.size(name), code.integer(0))
        return code.minimum(number, self.size(axis))


def _names(operand: Operand) -> tuple[str, ...]:
    return (*operand.axes.split(), *operand.numbers)


def _buffers(
    code: Code, frame: Value, guard: Guard, field: int, what: str, operands: tuple[Operand, ...]
) -> list[Value]:
    """Addresses of the buffers, if there are as many as declared."""
    count = code.load(I64, code.at(frame, field + _COUNT))
    wanted = ", ".join(operand.name for operand in operands)
    guard.unless(
        code.b.icmp_signed("==", count, code.integer(len(operands))),
        f"number of {what} is %lld: must be {len(operands)}, {wanted}",
        count,
    )
    listed = code.load(POINTER, code.at(frame, field + _BUFFERS))
    return [code.load(POINTER, code.at(listed, 8 * index)) for index in range(len(operands))]


def _check_layout(code: Code, guard: Guard, operand: Operand, buffer: Value) -> Value:
    """Checks type, rank and alignment; the address of the elements."""
    kind = code.load_int(code.at(buffer, _TYPE))
    guard.unless(
        code.b.icmp_signed("==", kind, code.integer(_TYPES[operand.dtype])),
        f"type of {operand.name} has XLA's number %lld: must be {_TYPES[operand.dtype]}, "
        f"{operand.dtype}",
        kind,
    )
    axes = operand.axes.split()
    rank = code.load(I64, code.at(buffer, _RANK))
    guard.unless(
        code.b.icmp_signed("==", rank, code.integer(len(axes))),
        f"rank of {operand.name} is %lld: must be {len(axes)}, [{', '.join(axes)}]",
        rank,
    )
    data = code.load(POINTER, code.at(buffer, _DATA))
    address = code.b.ptrtoint(data, I64)
    guard.unless(
        _is_multiple(code, address, _ALIGNMENT),
        f"address of {operand.name} is %lld: must be a multiple of {_ALIGNMENT}",
        address,
    )
    return data


def _check_limits(code: Code, guard: Guard, what: str, number: Value, limits: Limits) -> None:
    # Unsigned, so that one comparison serves both ends.
    above = code.b.sub(number, code.integer(limits.least))
    holds = code.b.icmp_unsigned("<=", above, code.integer(limits.most - limits.least))
    if limits.multiple > 1:
        holds = code.b.and_(holds, _is_multiple(code, number, limits.multiple))
    guard.unless(holds, f"{what} is %lld: must be {limits}", number)


def _is_multiple(code: Code, number: Value, of: int) -> Value:
    return code.b.icmp_signed("==", code.b.urem(number, code.integer(of)), code.integer(0))
