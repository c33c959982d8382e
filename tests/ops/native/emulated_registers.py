"""AMX's tile registers for processors without: each instruction as a function in plain LLVM code.

They do what Intel's manual says, rounding included, and count what a processor would refuse.
"""

from __future__ import annotations

import contextlib
import ctypes
from collections.abc import Callable, Iterator

from llvmlite import ir

from jaxsparse.ops.native.amx import TileRegisters
from jaxsparse.ops.native.code import F32, I8, I16, I32, I64, POINTER, VOID, Code, Value
from jaxsparse.ops.native.kernels import clear

REGISTERS, ROWS, ROW_BYTES = 8, 16, 64
# A configuration: palette, start row, bytes of a row of every register, rows of every register.
PALETTE, ROW_BYTES_AT, ROWS_AT, CONFIGURATION_BYTES = 0, 16, 48, 64
RESERVED = [*range(1, 16), *range(32, 48), *range(56, 64)]
SMALLEST = 0x00800000  # bits of the smallest float that is not denormal

# Of all threads: configurations that are not released, and what a processor would refuse.
_counts = (ctypes.c_int64 * 2)()
_OPEN, _REFUSED = 0, 1


def counts() -> tuple[int, int]:
    """Configurations that nobody released, and instructions that a processor would refuse."""
    return _counts[_OPEN], _counts[_REFUSED]


def forget_counts() -> None:
    """Begins to count anew."""
    _counts[:] = [0, 0]


class EmulatedRegisters(TileRegisters):
    """The registers of a thread, in memory on its stack: the configuration, then the rows."""

    def __init__(self, code: Code) -> None:
        self._state = code.array(I8, CONFIGURATION_BYTES + REGISTERS * ROWS * ROW_BYTES)
        clear(code, self._state, code.integer(CONFIGURATION_BYTES))
        super().__init__(code)

    def _do(self, instruction: str, *operands: Value) -> None:
        module, name = self._code.module, f"emulated_{instruction}"
        if name not in module.globals:
            code = Code(module, name, VOID, [POINTER, *(operand.type for operand in operands)])
            code.function.attributes.add("noinline")  # dozens of calls, seconds of LLVM
            _INSTRUCTIONS[instruction](code, *code.arguments)
            code.b.ret_void()
            code.finish()
        self._code.b.call(module.globals[name], [self._state, *operands])


def _configure(code: Code, state: Value, configuration: Value) -> None:
    def byte(index: int) -> Value:
        return code.b.zext(code.load(I8, code.at(configuration, index)), I64)

    _refuse_unless(code, code.b.icmp_signed("==", byte(PALETTE), code.integer(1)))
    for index in RESERVED:
        _refuse_unless(code, code.b.icmp_signed("==", byte(index), code.integer(0)))
    code.b.call(_copy(code), [state, configuration, code.integer(CONFIGURATION_BYTES)])
    registers = code.at(state, CONFIGURATION_BYTES)
    clear(code, registers, code.integer(REGISTERS * ROWS * ROW_BYTES))
    for register in range(REGISTERS):
        rows, row_bytes, _ = _register(code, state, code.integer(register))
        _refuse_unless(code, code.b.icmp_signed("<=", rows, code.integer(ROWS)))
        _refuse_unless(code, code.b.icmp_signed("<=", row_bytes, code.integer(ROW_BYTES)))
        unused = (code.b.icmp_signed("==", size, code.integer(0)) for size in (rows, row_bytes))
        _refuse_unless(code, code.b.icmp_signed("==", *unused))
    _count(code, _OPEN, code.integer(1))


def _release(code: Code, state: Value) -> None:
    palette = code.b.zext(code.load(I8, code.at(state, PALETTE)), I64)
    _count(code, _OPEN, code.b.sub(code.integer(0), palette))
    clear(code, state, code.integer(CONFIGURATION_BYTES))


def _zero(code: Code, state: Value, register: Value) -> None:
    rows, _, data = _register(code, state, register)
    _refuse_unless(code, code.b.icmp_signed(">", rows, code.integer(0)))
    clear(code, data, code.integer(ROWS * ROW_BYTES))


def _load(code: Code, state: Value, register: Value, address: Value, step: Value) -> None:
    _zero(code, state, register)
    with _rows(code, state, register, address, step) as (row_bytes, row, outside):
        code.b.call(_copy(code), [row, outside, row_bytes])


def _store(code: Code, state: Value, register: Value, address: Value, step: Value) -> None:
    with _rows(code, state, register, address, step) as (row_bytes, row, outside):
        code.b.call(_copy(code), [outside, row, row_bytes])


@contextlib.contextmanager
def _rows(
    code: Code, state: Value, register: Value, address: Value, step: Value
) -> Iterator[tuple[Value, Value, Value]]:
    rows, row_bytes, data = _register(code, state, register)
    _refuse_unless(code, code.b.icmp_signed(">", rows, code.integer(0)))
    with code.loop(0, rows) as row:
        inside = code.at(data, code.b.mul(row, code.integer(ROW_BYTES)))
        yield row_bytes, inside, code.at(address, code.b.mul(row, step))


def _multiply_add(code: Code, state: Value, sums: Value, a: Value, b: Value) -> None:
    numbers = (sums, a, b)
    (rows, row_bytes, c_data), (a_rows, a_bytes, a_data), (b_rows, b_bytes, b_data) = (
        _register(code, state, number) for number in numbers
    )
    for one, two in ((sums, a), (sums, b), (a, b)):
        _refuse_unless(code, code.b.icmp_signed("!=", one, two))
    words = code.b.sdiv(a_bytes, code.integer(4))
    for one, two in ((rows, a_rows), (row_bytes, b_bytes), (words, b_rows)):
        _refuse_unless(code, code.b.icmp_signed("==", one, two))
    _refuse_unless(code, code.b.icmp_signed(">", rows, code.integer(0)))
    halves = code.array(F32, 2 * ROW_BYTES // 4)  # sums of the first, of the second of all pairs
    with code.loop(0, rows) as m:
        line = code.b.mul(m, code.integer(ROW_BYTES))
        clear(code, halves, code.integer(2 * ROW_BYTES))
        with code.loop(0, words) as k:
            pair = code.at(a_data, line, code.b.mul(k, code.integer(4)))
            for half in range(2):
                factor = _widened(code, code.at(pair, 2 * half))
                with code.loop(0, row_bytes, 4) as column:
                    other = code.at(b_data, code.b.mul(k, code.integer(ROW_BYTES)), column)
                    place = code.at(halves, ROW_BYTES * half, column)
                    fma = code.external("llvm.fma.f32", F32, [F32] * 3)
                    factors = [factor, _widened(code, code.at(other, 2 * half))]
                    total = code.b.call(fma, [*factors, code.load(F32, place)])
                    code.store(_flushed(code, total), place)
        with code.loop(0, row_bytes, 4) as column:
            place = code.at(c_data, line, column)
            one, two = (code.load(F32, code.at(halves, ROW_BYTES * h, column)) for h in range(2))
            both = _flushed(code, code.b.fadd(one, two))
            before = _flushed(code, code.load(F32, place))
            code.store(_flushed(code, code.b.fadd(before, both)), place)


_INSTRUCTIONS: dict[str, Callable[..., None]] = {
    "ldtilecfg": _configure,
    "tilerelease": _release,
    "tilezero": _zero,
    "tileloadd64": _load,
    "tilestored64": _store,
    "tdpbf16ps": _multiply_add,
}


def _register(code: Code, state: Value, number: Value) -> tuple[Value, Value, Value]:
    """Rows and bytes of a row of a register, and where it begins."""
    number = code.b.zext(number, I64) if number.type == I8 else number
    row_bytes = code.load(I16, code.at(state, ROW_BYTES_AT, code.b.mul(number, code.integer(2))))
    rows = code.load(I8, code.at(state, ROWS_AT, number))
    offset = code.b.mul(number, code.integer(ROWS * ROW_BYTES))
    data = code.at(state, CONFIGURATION_BYTES, offset)
    return code.b.zext(rows, I64), code.b.zext(row_bytes, I64), data


def _widened(code: Code, address: Value) -> Value:
    """A bfloat16 as a float, zero where it is denormal."""
    bits = code.b.shl(code.b.zext(code.load(I16, address), I32), ir.Constant(I32, 16))
    return _flushed(code, code.b.bitcast(bits, F32))


def _flushed(code: Code, number: Value) -> Value:
    """Zero of the same sign where a float is denormal."""
    bits = code.b.bitcast(number, I32)
    size = code.b.and_(bits, ir.Constant(I32, 0x7FFFFFFF))
    sign = code.b.and_(bits, ir.Constant(I32, -(2**31)))
    small = code.b.icmp_unsigned("<", size, ir.Constant(I32, SMALLEST))
    return code.b.bitcast(code.b.select(small, sign, bits), F32)


def _copy(code: Code) -> Value:
    return code.external("memcpy", POINTER, [POINTER, POINTER, I64])


def _refuse_unless(code: Code, condition: Value) -> None:
    _count(code, _REFUSED, code.b.zext(code.b.not_(condition), I64))


def _count(code: Code, index: int, number: Value) -> None:
    address = ir.Constant(I64, ctypes.addressof(_counts) + 8 * index)
    place = code.b.inttoptr(address, ir.PointerType(I64))
    code.b.atomic_rmw("add", place, number, "acq_rel")
