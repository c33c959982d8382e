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


def call(result=(ROWS, OUT), dtype="float32", **changed):
    """Calls the handler of a convolution, with one argument or the result changed."""
    given = {
        "x": jnp.ones((5, IN)),
        "table": jnp.zeros((TAPS, ROWS), jnp.int32),
        "sizes": jnp.array([ROWS, 64], jnp.int32),
        "w": jnp.ones((TAPS, IN, OUT)),
    }
    given = {key: value for key, value in {**given, **changed}.items() if value is not None}
    target = compiler.target(compiler.APPLY)
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


def test_no_memory_for_a_call_is_an_error_of_xla():
    """In a process of its own, whose kernels find no memory."""
    program = """
import ctypes
import llvmlite.binding as llvm

nothing = ctypes.CFUNCTYPE(ctypes.c_void_p, ctypes.c_size_t)(lambda size: None)
llvm.add_symbol("malloc", ctypes.cast(nothing, ctypes.c_void_p).value)

from tests.ops.native.test_arguments import call

try:
    call()
except (RuntimeError, ValueError) as error:
    print(error)
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert "RESOURCE_EXHAUSTED: " in done.stdout, (done.returncode, done.stderr[-2000:])
    assert ": no memory for" in done.stdout
