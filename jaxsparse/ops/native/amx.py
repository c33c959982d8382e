"""The tile registers of AMX: eight matrices, of which one instruction multiplies two.

A register holds 16 rows of 64 bytes. What the instructions do, to the order of sums, stands in
Intel's Software Developer's Manual, volume 2; denormal numbers are zero to them.
"""

from __future__ import annotations

import ctypes
import functools
import struct
import sys

from llvmlite import ir

from jaxsparse.ops.native.code import I8, VOID, Code, Value

ROWS, ROW_BYTES, _REGISTERS = 16, 64, 8

# Palette 1, from row 0; reserved; bytes of a row of every register; reserved; its rows; reserved.
_CONFIGURATION = struct.pack(
    "<2B14x8H16x8B8x", 1, 0, *[ROW_BYTES] * _REGISTERS, *[ROWS] * _REGISTERS
)

# Linux: asm/prctl.h and asm/fpu/types.h, Documentation/arch/x86/xstate.rst
_ARCH_PRCTL, _ARCH_REQ_XCOMP_PERM, _XFEATURE_XTILEDATA = 158, 0x1023, 18


@functools.cache
def permitted() -> bool:
    """Asks Linux for the registers, once and for all threads of the process; whether it agrees."""
    if sys.platform != "linux":
        return False
    numbers = (_ARCH_PRCTL, _ARCH_REQ_XCOMP_PERM, _XFEATURE_XTILEDATA)
    return ctypes.CDLL(None).syscall(*(ctypes.c_long(number) for number in numbers)) == 0


class TileRegisters:
    """The registers of a thread, from here on to where its function returns by ``leave``.

    Args:
      code: of the function. It must not be left in another way: registers in use slow down what the
        thread does next, and every switch to another thread.
    """

    def __init__(self, code: Code) -> None:
        self._code = code
        configuration = code.array(I8, len(_CONFIGURATION))
        for index, number in enumerate(struct.unpack("<8q", _CONFIGURATION)):
            code.store(code.integer(number), code.at(configuration, 8 * index))
        self._do("ldtilecfg", configuration)
        code.do_last(lambda: self._do("tilerelease"))

    def clear(self, register: int) -> None:
        """Fills a register with zeros."""
        self._do("tilezero", _number(register))

    def load(self, register: int, address: Value, step: Value) -> None:
        """Reads the rows of a register, ``step`` bytes from each other."""
        self._do("tileloadd64", _number(register), address, step)

    def store(self, register: int, address: Value, step: Value) -> None:
        """Writes them."""
        self._do("tilestored64", _number(register), address, step)

    def multiply_add(self, sums: int, a: int, b: int) -> None:
        """``sums[i, j] += sum_k a[i, 2 k] b[k, 2 j] + a[i, 2 k + 1] b[k, 2 j + 1]``.

        ``a`` and ``b`` hold bfloat16, ``sums`` float32.
        """
        self._do("tdpbf16ps", _number(sums), _number(a), _number(b))

    def _do(self, instruction: str, *operands: Value) -> None:
        kinds = [operand.type for operand in operands]
        function = self._code.external(f"llvm.x86.{instruction}", VOID, kinds)
        self._code.b.call(function, operands)


def _number(register: int) -> Value:
    return ir.Constant(I8, register)
