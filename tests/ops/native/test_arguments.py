"""Handlers of the native kernels refuse what they cannot serve, in one line, and never crash."""

import subprocess
import sys

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxsparse.ops.native import MAX_BLOCK_ROWS, MAX_CHANNELS, compiler

ROWS, IN, OUT, TAPS = 6, 4, 16, 3


@pytest.fixture(scope="module", autouse=True)
def _kernels():
    if not compiler.lanes():
        pytest.skip("no kernels on this platform")


def call(result=(ROWS, OUT), dtype="float32", name=compiler.APPLY, **changed):
    """Calls the handler of a convolution, with one argument or the result changed."""
    given = {
        "x": jnp.ones((5, IN)),
        "table": jnp.zeros((TAPS, ROWS), jnp.int32),
        "sizes": jnp.array([ROWS, 64], jnp.int32),
        "w": jnp.ones((TAPS, IN, OUT)),
    }
    given = {key: value for key, value in {**given, **changed}.items() if value is not None}
    target = compiler.target(name)
    return jax.ffi.ffi_call(target, jax.ShapeDtypeStruct(result, dtype))(*given.values())


@pytest.mark.parametrize(
    ("changed", "rule"),
    [
        ({"w": None}, "number of arguments is 3: must be 4, x, table, sizes, w"),
        ({"x": jnp.ones((5, IN), jnp.bfloat16)}, "the type of x is 16: must be 11, float32"),
        ({"table": jnp.zeros(ROWS, jnp.int32)}, r"rank of table is 1: must be 2, \[taps, out_rows"),
        ({"x": jnp.ones((5, 7))}, r"axis 1 .in. of w is 4: must be 7, as axis 1 .in. of x"),
        ({"result": (7, OUT)}, r"axis 0 .out_rows. of out is 7: must be 6, as axis 1 .* of table"),
        ({"dtype": "bfloat16"}, "the type of out is 16: must be 11, float32"),
        (
            {"w": jnp.ones((TAPS, IN, 2 * MAX_CHANNELS)), "result": (ROWS, 2 * MAX_CHANNELS)},
            r"axis 2 .out. of w is 8192: must be a multiple of \d+, \d+ to 4096",
        ),
        (
            {"sizes": jnp.array([ROWS, MAX_BLOCK_ROWS + 1], jnp.int32)},
            "block, element 1 of sizes, is 1025: must be 1 to 1024",
        ),
    ],
)
def test_a_refusal_names_handler_argument_value_and_rule(changed, rule):
    with pytest.raises((RuntimeError, ValueError), match=rule) as raised:
        call(**changed)
    assert str(raised.value).startswith(f"INVALID_ARGUMENT: {compiler.target(compiler.APPLY)}: "), (
        raised.value
    )
    assert "\n" not in str(raised.value)
    np.testing.assert_array_equal(call(), np.full((ROWS, OUT), TAPS * IN))  # the next call is well


def test_sites_have_no_more_axes_than_numbers_of_children_hold():
    """The child of a site with 70 odd coordinates would be written far outside of the table."""
    shapes = {"coarse": (1, 70), "count": (), "slot": (1,), "children": (4, 1), "cells": (2, 1)}
    results = [jax.ShapeDtypeStruct(shape, jnp.int32) for shape in shapes.values()]
    halve = jax.ffi.ffi_call(compiler.target(compiler.HALVED), results)
    with pytest.raises(
        (RuntimeError, ValueError), match=r"axis 1 .axes. of coords is 70: .* to 31"
    ):
        halve(jnp.ones((1, 70), jnp.int32), jnp.int32(1), jnp.ones(70, jnp.int32))


def test_any_call_of_any_handler_raises_or_is_right():
    """In a process of its own, which a handler that reads what is not there would end."""
    done = subprocess.run(
        [sys.executable, "-m", "tests.ops.native.handler_fuzz", "16"],
        capture_output=True,
        text=True,
    )
    assert (done.returncode, done.stdout) == (0, ""), done.stderr[-2000:]


@pytest.mark.parametrize(("calls", "answer"), [(0, "RESOURCE_EXHAUSTED"), (1, "right")])
def test_without_memory_a_call_is_refused_and_without_more_of_it_one_thread_does_all(calls, answer):
    """In a process of its own, whose kernels find memory so many times."""
    program = f"""
import ctypes
import llvmlite.binding as llvm

libc = ctypes.CDLL(None)
libc.aligned_alloc.restype = ctypes.c_void_p
libc.aligned_alloc.argtypes = [ctypes.c_size_t, ctypes.c_size_t]
left = {calls}

@ctypes.CFUNCTYPE(ctypes.c_void_p, ctypes.c_size_t, ctypes.c_size_t)
def allocate(alignment, size):
    global left
    left -= 1
    return libc.aligned_alloc(alignment, size) if left >= 0 else None

llvm.add_symbol("aligned_alloc", ctypes.cast(allocate, ctypes.c_void_p).value)

import jax.numpy as jnp
import numpy as np
from tests.ops.native import test_arguments
from jaxsparse.ops.native import compiler

name, rows = compiler.APPLY, 6000
given = {{"table": jnp.zeros((3, rows), jnp.int32), "sizes": jnp.array([rows, 64], jnp.int32)}}
if compiler.lanes(compiler.BFLOAT16):  # these need memory to work in
    name, given["x"] = compiler.APPLY_BFLOAT16, jnp.ones((5, 4), jnp.bfloat16)
try:
    out = test_arguments.call((rows, 16), name=name, **given)
    print("right" if (np.asarray(out) == 12).all() else "wrong", left)
except (RuntimeError, ValueError) as error:
    print(error)
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert answer in done.stdout, (done.stdout, done.returncode, done.stderr[-2000:])
    assert calls or "bytes to work in" in done.stdout
