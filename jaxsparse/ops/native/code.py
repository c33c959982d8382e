"""A little structure over LLVM's instruction builder: mutable variables, loops, addresses.

Variables live in stack slots, which LLVM's optimiser turns into registers. Every integer is 64 bits
wide and every pointer untyped, so that kernel code reads like arithmetic.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from llvmlite import ir

I1, I8, I16, I32, I64 = (ir.IntType(bits) for bits in (1, 8, 16, 32, 64))
F32, VOID = ir.FloatType(), ir.VoidType()
POINTER = ir.PointerType(I8)
CACHE_LINE = 64  # bytes

Value = Any


class _BFloat16(ir.Type):
    """LLVM's type of bfloat16, which llvmlite has not."""

    def __str__(self) -> str:
        return "bfloat"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _BFloat16)

    def __hash__(self) -> int:
        return hash(_BFloat16)


BF16 = _BFloat16()


class Code:
    """Builds the body of one function of a module.

    Args:
      module: to add the function to.
      name: of the function.
      result: its type.
      arguments: types of its arguments, values in ``self.arguments``.
    """

    def __init__(self, module: ir.Module, name: str, result: Any, arguments: Sequence[Any]) -> None:
        self.module = module
        self.function = ir.Function(module, ir.FunctionType(result, arguments), name)
        self.arguments = self.function.args
        self._entry = self.function.append_basic_block("entry")
        start = self.function.append_basic_block("start")
        self.b = ir.IRBuilder(start)
        self._start = start
        self._last: list[Callable[[], None]] = []

    def keep_short(self) -> None:
        """Saves LLVM the time to unroll loops, in what runs once a call."""
        self.function.attributes.add("optsize")

    def do_last(self, action: Callable[[], None]) -> None:
        """Has what ``action`` writes run before the function returns by ``leave``."""
        self._last.append(action)

    def leave(self) -> None:
        """Returns from a function without result."""
        for action in self._last:
            action()
        self.b.ret_void()

    def finish(self) -> None:
        """Joins the stack slots to the body. Call it once, at the end."""
        ir.IRBuilder(self._entry).branch(self._start)

    def variable(self, kind: Any, value: Value = None) -> Variable:
        """A mutable variable, with a first value."""
        with self.b.goto_block(self._entry):
            slot = self.b.alloca(kind)
        variable = Variable(self, slot)
        if value is not None:
            variable.set(value)
        return variable

    def array(self, kind: Any, length: int) -> Value:
        """Pointer to memory on the stack, aligned to a cache line.

        Kernels take up to 0.4 MiB of it, those of tiles 0.7. XLA gives its own threads 8 MiB on
        every system, and the thread that calls has as much as a rule. Memory asked for in every
        call is cold: short calls took up to 1.4 of the time.
        """
        with self.b.goto_block(self._entry):
            slot = self.b.alloca(ir.ArrayType(kind, length))
            slot.align = CACHE_LINE
            return self.b.bitcast(slot, POINTER)

    def integer(self, number: int) -> Value:
        """A constant."""
        return ir.Constant(I64, number)

    def at(self, base: Value, *offsets: Value) -> Value:
        """``base`` moved by bytes."""
        for offset in offsets:
            offset = self.integer(offset) if isinstance(offset, int) else offset
            base = self.b.gep(base, [offset], inbounds=True)
        return base

    def before(self, base: Value, offset: Value) -> Value:
        """An address so many bytes before ``base``, which may be outside of what is there."""
        return self.b.inttoptr(self.b.sub(self.b.ptrtoint(base, I64), offset), POINTER)

    def load(self, kind: Any, address: Value, align: int | None = None) -> Value:
        """The ``kind`` at an address.

        Without ``align``, the bytes that its place is a multiple of, vectors need no more than a
        number of theirs.
        """
        value = self.b.load(self.b.bitcast(address, ir.PointerType(kind)))
        value.align = align or _alignment(kind)
        return value

    def store(self, value: Value, address: Value, align: int | None = None) -> None:
        """Writes a value to an address; ``align`` as of ``load``."""
        kind = value.type
        done = self.b.store(value, self.b.bitcast(address, ir.PointerType(kind)))
        done.align = align or _alignment(kind)

    def load_int(self, address: Value) -> Value:
        """The int32 at an address, widened."""
        return self.b.sext(self.load(I32, address), I64)

    def splat(self, address: Value, lanes: int) -> Value:
        """The float at an address in every lane."""
        return self.fill(self.load(F32, address), lanes)

    def fill(self, value: Value, lanes: int) -> Value:
        """The value in every lane."""
        nothing = ir.Constant(ir.VectorType(value.type, lanes), ir.Undefined)
        one = self.b.insert_element(nothing, value, ir.Constant(I32, 0))
        zeros = ir.Constant(ir.VectorType(I32, lanes), [0] * lanes)
        return self.b.shuffle_vector(one, nothing, zeros)

    def fma(self, a: Value, b: Value, c: Value) -> Value:
        """``a * b + c`` of vectors, rounded once."""
        lanes = a.type.count
        fma = self.external(f"llvm.fma.v{lanes}f32", a.type, [a.type] * 3)
        return self.b.call(fma, [a, b, c])

    def multiply_add_pairs(self, a: Value, b: Value, c: Value) -> Value:
        """``a0 * b0 + a1 * b1 + c`` of vectors, a word of ``a`` and ``b`` two bfloat16."""
        pairs = ir.VectorType(BF16, 2 * c.type.count)
        name = f"llvm.x86.avx512bf16.dpbf16ps.{32 * c.type.count}"
        instruction = self.external(name, c.type, [c.type, pairs, pairs])
        return self.b.call(instruction, [c, self.b.bitcast(a, pairs), self.b.bitcast(b, pairs)])

    def round(self, numbers: Value, instruction: bool = True) -> Value:
        """A vector of floats as bfloat16, in 16 bits each; in integers if it has no instruction."""
        lanes = numbers.type.count
        half = ir.VectorType(I16, lanes)
        if instruction:
            rounded = ir.VectorType(BF16, lanes)
            name = f"llvm.x86.avx512bf16.cvtneps2bf16.{32 * lanes}"
            bits = self.b.call(self.external(name, rounded, [numbers.type]), [numbers])
            return self.b.bitcast(bits, half)

        def every(number: int) -> Value:
            return ir.Constant(ir.VectorType(I32, lanes), [number] * lanes)

        bits = self.b.bitcast(numbers, ir.VectorType(I32, lanes))
        odd = self.b.and_(self.b.lshr(bits, every(16)), every(1))
        nearest = self.b.add(bits, self.b.add(odd, every(0x7FFF)))  # ties go to the even one
        quiet = self.b.or_(bits, every(1 << 22))  # NaN stays one, whatever its bits
        is_nan = self.b.fcmp_unordered("uno", numbers, numbers)
        return self.b.trunc(self.b.lshr(self.b.select(is_nan, quiet, nearest), every(16)), half)

    def widen(self, halves: Value) -> Value:
        """A vector of bfloat16, in 16 bits each, as floats."""
        wide = ir.VectorType(I32, halves.type.count)
        shift = ir.Constant(wide, [16] * halves.type.count)
        bits = self.b.shl(self.b.zext(halves, wide), shift)
        return self.b.bitcast(bits, ir.VectorType(F32, halves.type.count))

    def interleave(self, one: Value, two: Value) -> Value:
        """``one[0], two[0], one[1], ...`` of two vectors."""
        return self._interleave(one, two, range(2 * one.type.count))

    def transpose(self, rows: Sequence[Value]) -> list[Value]:
        """The columns of a square: as many vectors as they have lanes, a power of two."""
        lanes = len(rows)
        halves = (range(lanes), range(lanes, 2 * lanes))
        for _ in range(lanes.bit_length() - 1):  # every time half as far to where it belongs
            pairs = zip(rows[: lanes // 2], rows[lanes // 2 :], strict=True)
            rows = [self._interleave(*pair, half) for pair in pairs for half in halves]
        return list(rows)

    def _interleave(self, one: Value, two: Value, part: range) -> Value:
        order = [one.type.count * (index % 2) + index // 2 for index in part]
        return self.b.shuffle_vector(one, two, ir.Constant(ir.VectorType(I32, len(part)), order))

    def store_some(self, numbers: Value, chosen: Value, address: Value) -> None:
        """Writes the chosen ones of 64-bit numbers one behind the other."""
        lanes = numbers.type.count
        name = f"llvm.masked.compressstore.v{lanes}i64"
        self.b.call(
            self.external(name, VOID, [numbers.type, POINTER, chosen.type]),
            [numbers, address, chosen],
        )

    def count(self, chosen: Value) -> Value:
        """How many lanes of a mask are true."""
        ones = self.count_ones(self.b.bitcast(chosen, ir.IntType(chosen.type.count)))
        return self.b.zext(ones, I64)

    def count_ones(self, bits: Value) -> Value:
        """How many bits of an integer are set, of its type."""
        count = self.external(f"llvm.ctpop.i{bits.type.width}", bits.type, [bits.type])
        return self.b.call(count, [bits])

    def prefetch(self, address: Value) -> None:
        """Asks for the cache line at an address, which may be any."""
        prefetch = self.external("llvm.prefetch.p0i8", VOID, [POINTER, I32, I32, I32])
        options = [ir.Constant(I32, number) for number in (0, 3, 1)]  # to read, to keep, data
        self.b.call(prefetch, [address, *options])

    def minimum(self, a: Value, b: Value) -> Value:
        """The smaller of two integers."""
        return self.b.select(self.b.icmp_signed("<", a, b), a, b)

    def maximum(self, a: Value, b: Value) -> Value:
        """The larger of two integers."""
        return self.b.select(self.b.icmp_signed(">", a, b), a, b)

    @contextlib.contextmanager
    def loop(self, start: Value, stop: Value, step: Value = 1) -> Iterator[Value]:
        """``for i in range(start, stop, step)``."""
        start = self.integer(start) if isinstance(start, int) else start
        stop = self.integer(stop) if isinstance(stop, int) else stop
        step = self.integer(step) if isinstance(step, int) else step
        before = self.b.block
        test, body, after = (self.b.append_basic_block(part) for part in ("test", "body", "after"))
        self.b.branch(test)
        self.b.position_at_end(test)
        index = self.b.phi(I64)
        index.add_incoming(start, before)
        self.b.cbranch(self.b.icmp_signed("<", index, stop), body, after)
        self.b.position_at_end(body)
        yield index
        index.add_incoming(self.b.add(index, step), self.b.block)
        self.b.branch(test)
        self.b.position_at_end(after)

    @contextlib.contextmanager
    def forever(self) -> Iterator[Any]:
        """An endless loop; the value has ``leave_if(condition)``."""
        body, after = (self.b.append_basic_block(part) for part in ("body", "after"))
        self.b.branch(body)
        self.b.position_at_end(body)

        def leave_if(condition: Value) -> None:
            rest = self.b.append_basic_block("rest")
            self.b.cbranch(condition, after, rest)
            self.b.position_at_end(rest)

        yield leave_if
        self.b.branch(body)
        self.b.position_at_end(after)

    def add_atomic(self, address: Value, number: int) -> Value:
        """Adds to the integer at an address for all threads; the value it had before."""
        place = self.b.bitcast(address, ir.PointerType(I64))
        return self.b.atomic_rmw("add", place, self.integer(number), "acq_rel")

    def load_atomic(self, address: Value) -> Value:
        """The integer at an address, after all that other threads wrote before it."""
        place = self.b.bitcast(address, ir.PointerType(I64))
        return self.b.load_atomic(place, "acquire", 8)

    def external(
        self, name: str, result: Any, arguments: Sequence[Any], var_arg: bool = False
    ) -> Any:
        """A function of the C library, or an instruction of LLVM."""
        if name in self.module.globals:
            return self.module.globals[name]
        kind = ir.FunctionType(result, arguments, var_arg=var_arg)
        return ir.Function(self.module, kind, name)

    def text(self, text: str) -> Value:
        """Pointer to a constant string of C."""
        letters = bytearray(text.encode() + b"\0")
        return self._constant(ir.Constant(ir.ArrayType(I8, len(letters)), letters))

    def constants(self, numbers: Sequence[Value]) -> Value:
        """Pointer to constant 64-bit numbers."""
        return self._constant(ir.Constant(ir.ArrayType(I64, len(numbers)), numbers))

    def _constant(self, value: Value) -> Value:
        name = self.module.get_unique_name("constant")
        constant = ir.GlobalVariable(self.module, value.type, name)
        constant.initializer, constant.global_constant = value, True
        constant.linkage = "private"
        return constant.bitcast(POINTER)

    def call_pointer(self, pointer: Value, result: Any, arguments: Sequence[Value]) -> Value:
        """Calls the function at an address."""
        kind = ir.FunctionType(result, [argument.type for argument in arguments])
        return self.b.call(self.b.bitcast(pointer, ir.PointerType(kind)), arguments)


class Variable:
    """A mutable variable of a function under construction."""

    def __init__(self, code: Code, slot: Value) -> None:
        self._code, self._slot = code, slot

    def get(self) -> Value:
        """Its value here."""
        return self._code.b.load(self._slot)

    def set(self, value: Value) -> None:
        """Gives it another value from here on."""
        self._code.b.store(value, self._slot)


def _alignment(kind: Any) -> int:
    return min(4, _size(kind.element)) if isinstance(kind, ir.VectorType) else _size(kind)


def _size(kind: Any) -> int:
    if isinstance(kind, ir.IntType):
        return max(1, kind.width // 8)
    return 4 if isinstance(kind, ir.FloatType) else 8
