"""What a handler takes and gives, declared once; its checks are made of the declaration.

XLA passes on what a program hands over, and a program may be a stored one, of another version, or
written by hand. So a handler looks at all it is given before it computes. Checks are a table of
rules, read by one function of the module: a handler more costs LLVM no time.

Offsets are those of ``xla/ffi/api/c_api.h``, as in ``call_frame.py``.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

from llvmlite import ir

from jaxsparse.ops.native import CHANNEL_MULTIPLE, MAX_CHANNELS
from jaxsparse.ops.native.code import I64, POINTER, Code, Value
from jaxsparse.ops.native.error import INVALID_ARGUMENT, make_error

# XLA_FFI_CallFrame holds XLA_FFI_Args and XLA_FFI_Rets, which are alike
_ARGUMENTS, _RESULTS = 40, 80
_COUNT, _BUFFERS = 16, 32
# XLA_FFI_Buffer
_TYPE, _DATA, _RANK, _DIMENSIONS = 16, 24, 32, 40
_TYPES = {"int32": 4, "float32": 11, "bfloat16": 16}  # XLA_FFI_DataType

_ALIGNMENT = 4  # bytes, which loads and stores count on
_ANY = -1  # as the most: without a sign it is the largest number


@dataclasses.dataclass(frozen=True)
class Operand:
    """An argument or result.

    Attributes:
      name: of the array.
      dtype: of its elements.
      axes: names of its axes, with a space between them; equal names are equal lengths. A number
        is a fixed length.
      numbers: names of the elements, of an int32 array that the handler reads once a call.
    """

    name: str
    dtype: str
    axes: str
    numbers: tuple[str, ...] = ()


@dataclasses.dataclass(frozen=True)
class Limits:
    """What the length of an axis, or an element, may be. Rows have int32 numbers."""

    least: int = 0
    most: int = 2**31 - 1
    multiple: int = 1

    def __str__(self) -> str:
        if self.least == self.most:
            return str(self.least)
        what = f"a multiple of {self.multiple}, " if self.multiple > 1 else ""
        return f"{what}{self.least} to {self.most}"


_INT32 = Limits(-(2**31))
# Channels that callers fill up. The same on every processor, or a stored program would be at home
# on some.
FILLED_CHANNELS = Limits(CHANNEL_MULTIPLE, MAX_CHANNELS, CHANNEL_MULTIPLE)


@dataclasses.dataclass(frozen=True)
class Signature:
    """All that a handler takes and gives.

    Attributes:
      arguments: in the order of the call.
      results: the same.
      limits: of axes and numbers, by name; the others have any length and any value.
    """

    arguments: tuple[Operand, ...]
    results: tuple[Operand, ...]
    limits: Mapping[str, Limits]

    def check(self, code: Code, name: str, frame: Value) -> Frame:
        """Writes code that returns an error for a call that differs.

        Args:
          code: of the handler.
          name: of the handler.
          frame: the ``XLA_FFI_CallFrame``.
        """
        rules = self._rules()
        table = code.constants([number for rule in rules for number in rule.words(code, name)])
        numbers = code.array(I64, len(rules))
        arguments = [frame, table, code.integer(len(rules)), numbers]
        error = code.b.call(_check_function(code.module), arguments)
        with code.b.if_then(code.b.icmp_unsigned("!=", error, ir.Constant(POINTER, None))):
            code.b.ret(error)
        return Frame(code, numbers, {rule.gives: index for index, rule in enumerate(rules)})

    def _rules(self) -> list[_Rule]:
        """In such an order that no rule reads what none before it has vouched for."""
        rules: list[_Rule] = []
        first: dict[str, int] = {}  # the rule of the first axis of a name
        unused = set(self.limits)
        for field, what, operands in (
            (_ARGUMENTS, "arguments", self.arguments),
            (_RESULTS, "results", self.results),
        ):
            names = ", ".join(operand.name for operand in operands)
            count = Limits(len(operands), len(operands))
            rules.append(_Rule(f"number of {what}", (field + _COUNT,), count, f"{count}, {names}"))
            for position, operand in enumerate(operands):
                buffer = (field + _BUFFERS, 8 * position)
                rules += _layout_rules(operand, buffer)
                for axis, name in enumerate(operand.axes.split()):
                    what = f"axis {axis} ({name}) of {operand.name}"
                    path = (*buffer, _DIMENSIONS, 8 * axis)
                    if name in first:
                        same = f"%lld, as {rules[first[name]].what}"
                        rules.append(_Rule(what, path, Limits(), same, same_as=first[name]))
                        continue
                    fixed = Limits(int(name), int(name)) if name.isdigit() else Limits()
                    limits = self.limits.get(name, fixed)
                    first[name] = len(rules)
                    rules.append(_Rule(what, path, limits, str(limits), gives=name))
                for index, name in enumerate(operand.numbers):
                    what = f"{name}, element {index} of {operand.name},"
                    limits = self.limits.get(name, _INT32)
                    path = (*buffer, _DATA, 4 * index)
                    rules.append(_Rule(what, path, limits, str(limits), gives=name, size=4))
                unused -= {*operand.axes.split(), *operand.numbers}
        assert not unused, f"limits of {unused}: no axis or number has this name"
        return rules


class Frame:
    """The arguments and results of a call, checked."""

    def __init__(self, code: Code, numbers: Value, indices: Mapping[str, int]) -> None:
        self._code, self._numbers, self._indices = code, numbers, indices

    def size(self, name: str) -> Value:
        """The length of the axis, or the element, of this name."""
        return self._code.load(I64, self._code.at(self._numbers, 8 * self._indices[name]))

    def address(self, operand: str) -> Value:
        """Pointer to the first element of an array."""
        return self._code.b.inttoptr(self.size(_address_of(operand)), POINTER)

    def count(self, name: str, axis: str) -> Value:
        """An element that counts rows: no fewer than none, and no more than an axis has."""
        code = self._code
        some = code.b.icmp_signed(">", self.size(name), code.integer(0))
        number = code.b.select(some, self.size(name), code.integer(0))
        return code.minimum(number, self.size(axis))


_WORDS = _DEPTH, _PATH, _SIZE, _LEAST, _MOST, _MULTIPLE, _SAME_AS, _TEXT = 0, 1, 5, 6, 7, 8, 9, 10
_RULE_BYTES = 8 * 11


@dataclasses.dataclass(frozen=True)
class _Rule:
    """A number of the call frame, and what it must be.

    Attributes:
      what: words for the number.
      path: to the number: offsets from a structure to the pointer to the next, of the number last.
      limits: of the number.
      wanted: words for what it must be.
      gives: name of the number for the handler.
      size: bytes of the number.
      same_as: the rule whose number it must equal; limits do not count then.
    """

    what: str
    path: tuple[int, ...]
    limits: Limits
    wanted: str
    gives: str = ""
    size: int = 8
    same_as: int = -1

    def words(self, code: Code, name: str) -> list[Any]:
        """What the checking function reads, 64 bits each."""
        path = (*self.path[:-1], *[0] * (_SIZE - _PATH - len(self.path)), self.path[-1])
        limits = (self.limits.least, self.limits.most, self.limits.multiple)
        text = code.text(f"{name}: {self.what} is %lld: must be {self.wanted}")
        numbers = (len(self.path) - 1, *path, self.size, *limits, self.same_as)
        return [*map(code.integer, numbers), text.ptrtoint(I64)]


def _layout_rules(operand: Operand, buffer: tuple[int, ...]) -> list[_Rule]:
    name, axes = operand.name, operand.axes.split()
    kind, rank = _TYPES[operand.dtype], len(axes)
    return [
        _Rule(
            f"XLA's number of the type of {name}", (*buffer, _TYPE), Limits(kind, kind),
            f"{kind}, {operand.dtype}", size=4,
        ),
        _Rule(
            f"rank of {name}", (*buffer, _RANK), Limits(rank, rank), f"{rank}, [{', '.join(axes)}]"
        ),
        _Rule(
            f"address of {name}", (*buffer, _DATA), Limits(0, _ANY, _ALIGNMENT),
            f"a multiple of {_ALIGNMENT}", gives=_address_of(name),
        ),
    ]  # fmt: skip


def _address_of(operand: str) -> str:
    return f"&{operand}"  # an axis may have the same name


def _check_function(module: ir.Module) -> Any:
    """Goes through a table of rules, once a module: an error, or null and all numbers."""
    name = "check_arguments"
    if name in module.globals:
        return module.globals[name]
    code = Code(module, name, POINTER, [POINTER, POINTER, I64, POINTER])
    code.keep_short()
    frame, table, count, numbers = code.arguments

    with code.loop(0, count) as index:
        rule = code.at(table, code.b.mul(index, code.integer(_RULE_BYTES)))
        word = [code.load(I64, code.at(rule, 8 * position)) for position in range(_TEXT + 1)]
        place = code.variable(POINTER, frame)
        with code.loop(0, word[_DEPTH]) as step:
            offset = code.load(I64, code.at(rule, 8 * _PATH, code.b.mul(step, code.integer(8))))
            place.set(code.load(POINTER, code.at(place.get(), offset)))
        address = code.at(place.get(), word[_SIZE - 1])
        number = code.variable(I64)
        is_short = code.b.icmp_signed("==", word[_SIZE], code.integer(4))
        with code.b.if_else(is_short) as (short, long):
            with short:
                number.set(code.load_int(address))
            with long:
                number.set(code.load(I64, address))
        value = number.get()
        code.store(value, code.at(numbers, code.b.mul(index, code.integer(8))))

        least, most = code.variable(I64, word[_LEAST]), code.variable(I64, word[_MOST])
        compares = code.b.icmp_signed(">=", word[_SAME_AS], code.integer(0))
        with code.b.if_then(compares):
            other = code.b.mul(word[_SAME_AS], code.integer(8))
            expected = code.load(I64, code.at(numbers, other))
            least.set(expected)
            most.set(expected)
        # Differences without a sign: one comparison for both ends.
        above, room = (code.b.sub(end, least.get()) for end in (value, most.get()))
        inside = code.b.icmp_unsigned("<=", above, room)
        rest = code.b.urem(value, word[_MULTIPLE])
        whole = code.b.icmp_signed("==", rest, code.integer(0))
        with code.b.if_then(code.b.not_(code.b.and_(inside, whole))):
            text = code.b.inttoptr(word[_TEXT], POINTER)
            code.b.ret(make_error(code, frame, INVALID_ARGUMENT, text, value, least.get()))
    code.b.ret(ir.Constant(POINTER, None))
    code.finish()
    return code.function
