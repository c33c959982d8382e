"""The tile registers: what their instructions compute, and who is asked for them."""

import ctypes
import dataclasses

import numpy as np
import pytest

llvm = pytest.importorskip("llvmlite.binding")

from llvmlite import ir  # noqa: E402

from jaxsparse.ops.native import amx, compiler, variants  # noqa: E402
from jaxsparse.ops.native.code import POINTER, VOID, Code  # noqa: E402
from tests.ops.native import emulated_registers  # noqa: E402
from tests.ops.native.emulated_registers import EmulatedRegisters  # noqa: E402

AMX_FEATURES = dict.fromkeys(("fma", *variants.AMX.needs), True)


@pytest.fixture(params=[amx.TileRegisters, EmulatedRegisters])
def registers(request):
    has_them = variants.choose([variants.AMX], llvm.get_host_cpu_features())
    if request.param is amx.TileRegisters and not has_them:
        pytest.skip("the processor has no tile registers")
    emulated_registers.forget_counts()
    return request.param


def run(write, *arrays):
    """Compiles and calls a function of the addresses of arrays."""
    if not compiler.lanes():
        pytest.skip("no kernels on this platform")
    module = ir.Module()
    module.triple = llvm.get_process_triple()
    code = Code(module, "function", VOID, [POINTER] * len(arrays))
    write(code, *code.arguments)
    code.leave()
    code.finish()
    machine = compiler._target_machine(llvm, llvm.get_host_cpu_features())
    object_code = compiler._object_code(llvm, module, machine)
    (address,) = compiler._loaded(llvm, machine, object_code, ["function"])
    pointers = [ctypes.c_void_p] * len(arrays)
    ctypes.CFUNCTYPE(None, *pointers)(address)(*(array.ctypes.data for array in arrays))


def multiply(registers, a, b, sums):
    """``sums + a . b`` of arrays with more rows behind theirs, as bits of bfloat16 and float32."""

    def write(code, a_data, b_data, sums_data):
        own = registers(code)
        for register, data, array in ((7, sums_data, sums), (1, a_data, a), (2, b_data, b)):
            own.load(register, data, code.integer(array.strides[0]))
        own.multiply_add(7, 1, 2)
        own.store(7, sums_data, code.integer(sums.strides[0]))
        own.clear(7)
        own.store(7, code.at(sums_data, 16 * sums.strides[0]), code.integer(sums.strides[0]))

    run(write, a, b, sums)


def flushed(numbers):
    """Rounded to float32, and zero where that is denormal."""
    numbers = np.asarray(numbers, np.float32)
    return np.where(np.abs(numbers) < 2.0**-126, np.float32(0), numbers)


def widened(bits):
    return flushed((bits.astype(np.uint32) << 16).view(np.float32)).astype(np.float64)


def test_tiles_are_multiplied_to_the_bits_of_the_manual(registers):
    """Sums of the first and of the second of all pairs, each rounded at every step."""
    rng = np.random.default_rng(0)
    a, b = (
        (rng.normal(size=(17, 40)).astype(np.float32).view(np.uint32) >> 16).astype(np.uint16)
        for _ in range(2)
    )
    a[2, 5], b[3, 8], a[4, :] = 0x0001, 0x807F, 0x0080  # two denormal numbers, and small ones
    sums = rng.normal(size=(33, 24)).astype(np.float32)
    sums[4, :16], sums[5, 3] = 2.0**-126, 1e-40
    before = sums.copy()
    multiply(registers, a, b, sums)
    one, two = widened(a[:16, :32]), widened(b[:16, :32])
    halves = np.zeros((2, 16, 16), np.float32)
    for k in range(16):
        for half in range(2):  # exact in float64, rounded once
            product = one[:, None, 2 * k + half] * two[None, k, half::2]
            halves[half] = flushed(product + halves[half])
    expected = flushed(flushed(before[:16, :16]) + flushed(halves[0] + halves[1]))
    np.testing.assert_array_equal(sums[:16, :16], expected)
    np.testing.assert_array_equal(sums[16:32, :16], 0)
    np.testing.assert_array_equal(sums[:, 16:], before[:, 16:])
    np.testing.assert_array_equal(sums[32], before[32])
    assert emulated_registers.counts() == (0, 0)


def test_the_emulation_counts_what_a_processor_refuses():
    def too_late(code, data):
        own = EmulatedRegisters(code)
        own._do("tilerelease")
        own.load(0, data, code.integer(64))

    def two_that_are_one(code, data):
        EmulatedRegisters(code).multiply_add(0, 1, 1)

    def never_released(code, data):
        EmulatedRegisters(code)
        code._last.clear()

    results = []
    for write in (too_late, two_that_are_one, never_released):
        emulated_registers.forget_counts()
        run(write, np.zeros(1024, np.uint8))
        results.append(emulated_registers.counts())
    emulated_registers.forget_counts()
    assert [refused > 0 for _, refused in results] == [True, True, False]
    assert [unreleased for unreleased, _ in results] == [0, 0, 1]


def test_a_processor_or_a_system_without_tiles_has_the_next_variant():
    def asked():
        raise AssertionError("nothing is asked for what the processor lacks")

    def serves(permitted, **features):
        first, *others = variants.BFLOAT16
        choice = [dataclasses.replace(first, permitted=permitted), *others]
        return getattr(variants.choose(choice, AMX_FEATURES | features), "name", None)

    assert serves(lambda: True) == "AMX with bfloat16"
    assert serves(lambda: False) == "AVX-512 with bfloat16"
    assert serves(asked, **{"amx-bf16": False}) == "AVX-512 with bfloat16"
    assert variants.choose(variants.BFLOAT16, {"avx512f": True, "fma": True}) is None


@pytest.mark.parametrize(("answer", "permitted"), [(0, True), (-1, False)])
def test_linux_is_asked_for_the_registers_of_the_process(monkeypatch, answer, permitted):
    """``arch_prctl(ARCH_REQ_XCOMP_PERM, XFEATURE_XTILEDATA)``, by the numbers of Linux' headers."""
    asked = []

    class Library:
        def syscall(self, *numbers):
            asked.append([number.value for number in numbers])
            return answer

    monkeypatch.setattr(amx.sys, "platform", "linux")
    monkeypatch.setattr(amx.ctypes, "CDLL", lambda _: Library())
    assert amx.permitted.__wrapped__() is permitted
    assert asked == [[158, 0x1023, 18]]
    monkeypatch.setattr(amx.sys, "platform", "freebsd")
    assert not amx.permitted.__wrapped__()
    assert len(asked) == 1
