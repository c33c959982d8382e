"""The kernels for the CPU: every shape of tile, every kind of map, many threads, and refusals."""

import dataclasses
import functools
import subprocess
import sys
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxsparse import InputError, geometry, ops, sparse_tensor
from jaxsparse.ops import implementations, native
from jaxsparse.ops.convolve import convolve_rows
from jaxsparse.ops.native import compiler
from jaxsparse.ops.xla import windows
from tests.ops.drawn_maps import CAPACITY, draw, everything, maps, sites_and_geometry
from tests.ops.many_threads import same_bits_in_many_threads


@pytest.fixture(scope="module", autouse=True)
def _kernels():
    if not compiler.lanes():
        pytest.skip("no kernels on this platform: the XLA data flows are tested elsewhere")


@pytest.fixture(scope="module")
def batch():
    return sites_and_geometry()


def general_map(x):
    return ops.strided_connection(x, ops.hypercube(3, 2), 2).kernel_map


def compare(kernel_map, channels, out):
    arguments = (
        draw(1, kernel_map.capacity_in, channels),
        draw(2, kernel_map.taps, channels, out),
        kernel_map,
        draw(3, kernel_map.capacity_out, out),
    )
    pairs = zip(
        everything(*arguments, implementation="native"),
        everything(*arguments, implementation="table"),
        strict=True,
    )
    for one, other in pairs:
        np.testing.assert_allclose(one, other, atol=1e-5 * float(jnp.abs(other).max()))


@pytest.mark.parametrize("kind", ["same", "down", "up"])
@pytest.mark.parametrize(
    ("channels", "out"), [(1, 32), (3, 5), (17, 16), (48, 33), (96, 64), (160, 1)]
)
def test_any_number_of_channels_equals_the_gather_table(batch, kind, channels, out):
    compare(maps(batch[1])[kind], channels, out)


def test_a_general_map_equals_the_gather_table(batch):
    connected = jax.jit(general_map)(batch[0])
    compare(connected, 12, 20)
    compare(connected.transpose(), 12, 20)


@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
def test_no_active_row_gives_zeros(dtype):
    x = sparse_tensor(
        np.zeros((0, 3), np.int32), np.zeros((0, 4)), spatial_shape=(8, 8), batch_size=2, capacity=6
    )
    for kernel_map in maps(geometry(x, levels=2)).values():
        results = everything(
            jnp.full((kernel_map.capacity_in, 4), jnp.nan, dtype),
            draw(1, kernel_map.taps, 4, 8),
            kernel_map,
            jnp.full((kernel_map.capacity_out, 8), jnp.nan, dtype),
            implementation="native",
        )
        for result in results:
            assert not np.asarray(result).any()


@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
def test_calls_from_many_threads_at_once_give_the_bits_of_one(batch, dtype):
    kernel_map = maps(batch[1])["same"]
    features, cotangent = (draw(seed, CAPACITY, 16, dtype=dtype) for seed in (1, 3))
    arguments = (features, draw(2, 9, 16, 16), kernel_map, cotangent)
    run = functools.partial(everything, *arguments, implementation="native")
    same_bits_in_many_threads(run, threads=8, calls=64)


def test_a_rounding_type_rounds_the_factors_and_not_the_sums(batch):
    kernel_map = maps(batch[1])["same"]
    x, w = draw(1, CAPACITY, 8), draw(2, 9, 8, 16)
    rounded = convolve_rows(x, w, kernel_map, compute_dtype=jnp.bfloat16, implementation="native")
    coarse = [part.astype(jnp.bfloat16).astype(jnp.float32) for part in (x, w)]
    exact = convolve_rows(coarse[0], coarse[1], kernel_map, implementation="table")
    np.testing.assert_allclose(rounded, exact, atol=1e-5 * float(jnp.abs(exact).max()))


@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
def test_rows_and_counts_that_no_map_has_are_absent(batch, dtype):
    """A table and a count of the caller's own: nothing outside of the arrays is read or written."""
    kernel_map = maps(batch[1])["same"]
    x, w = draw(1, CAPACITY, 8, dtype=dtype), draw(2, 9, 8, 16)
    expected = convolve_rows(x, w, kernel_map, implementation="native")
    wrong = dataclasses.replace(
        kernel_map,
        table=jnp.where(kernel_map.table < CAPACITY, kernel_map.table, -(2**30)),
        num_rows=jnp.int32(2**30),
    )
    cotangent = draw(3, CAPACITY, 16, dtype=dtype)
    for result in everything(x, w, wrong, cotangent, implementation="native"):
        assert np.isfinite(result).all()
    np.testing.assert_array_equal(convolve_rows(x, w, wrong, implementation="native"), expected)


def test_threads_that_need_the_kernels_first_at_once_all_get_them():
    program = """
import concurrent.futures
from jaxsparse.ops.native import compiler
with concurrent.futures.ThreadPoolExecutor(4) as pool:
    print(set(pool.map(lambda _: compiler.lanes(), range(4))))
"""
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", program], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == f"{{{compiler.lanes()}}}"


def test_a_program_that_was_stored_for_kernels_of_another_version_is_compiled_anew(tmp_path):
    program = """
import sys
from pathlib import Path
import jax, jax.numpy as jnp
from jaxsparse.ops.column_sums import column_moments
from jaxsparse.ops.native import compiler

jax.config.update("jax_compilation_cache_dir", sys.argv[1])
jax.config.update("jax_persistent_cache_min_compile_time_secs", 0.0)
jax.config.update("jax_persistent_cache_min_entry_size_bytes", -1)

def sums(x):
    return column_moments(x, jnp.int32(3), implementation="native")

for version in ("of_an_older_package", compiler.ABI_VERSION, compiler.ABI_VERSION):
    compiler.ABI_VERSION = version
    compiler._variants.clear()
    jax.clear_caches()
    jax.jit(sums)(jnp.ones((4, 16)))
    print(len(list(Path(sys.argv[1]).glob("jit_sums-*-cache"))), end=" ")
    if version != "of_an_older_package":
        compiler.make_kernels = dict(compiler._variants).get  # XLA takes every name once
"""
    done = subprocess.run(
        [sys.executable, "-c", program, str(tmp_path)], capture_output=True, text=True, check=True
    )
    assert done.stdout.split() == ["1", "2", "2"]


def test_what_cannot_be_had_is_refused_in_one_line(batch, monkeypatch):
    kernel_map = maps(batch[1])["same"]
    x, w = draw(1, CAPACITY, 4), draw(2, 9, 4, 4)
    program = jax.jit(lambda x: convolve_rows(x, w, kernel_map, implementation="native"))
    for platforms in (("cpu",), ("cuda",)):
        with pytest.raises(InputError, match=r"for export: native does not serve .*or 'auto'"):
            jax.export.export(program, platforms=platforms)(x)
    wide = native.MAX_CHANNELS + 1
    with pytest.raises(
        InputError,
        match=r"native does not serve \(4097 channels, at most 4096\), table serves, windows",
    ):
        convolve_rows(jnp.ones((CAPACITY, wide)), jnp.ones((9, wide, 1)), kernel_map,
                    implementation="native")  # fmt: skip


def test_without_llvmlite_the_default_is_xla_alone(batch, monkeypatch):
    monkeypatch.setitem(sys.modules, "llvmlite", None)
    monkeypatch.setitem(sys.modules, "llvmlite.binding", None)
    assert compiler.make_kernels() is None
    monkeypatch.setattr(compiler, "lanes", lambda *_: 0)
    kernel_map = maps(batch[1])["same"]
    operands = (kernel_map, draw(1, CAPACITY, 4), draw(2, 9, 4, 4), jnp.float32)
    chosen = implementations.choose("convolution", "auto", "cpu", False, operands)
    assert chosen is windows.apply


def test_a_processor_without_fused_multiply_add_or_a_failing_compiler_has_no_kernels(monkeypatch):
    import llvmlite.binding as llvm

    def fail(*_):
        raise RuntimeError("no memory that may be executed")

    monkeypatch.setattr(llvm, "create_mcjit_compiler", fail)
    with pytest.warns(UserWarning, match="may be executed"):
        assert compiler.make_kernels() is None
    monkeypatch.setattr(llvm, "get_host_cpu_features", lambda: {"fma": False})
    assert compiler.make_kernels() is None


@pytest.mark.skipif(not Path("/proc/self/smaps").exists(), reason="Linux counts pages there")
def test_llvm_takes_little_memory_once_the_kernels_are_made():
    """In a process of its own: 100 MB of its library would stay, read and never needed again."""
    program = """
import os, jax
from jaxsparse.ops.native import compiler

def megabytes():
    pages = int(open("/proc/self/statm").read().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") >> 20

before = megabytes()
assert compiler.lanes()
print(megabytes() - before)
"""
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert int(done.stdout) < 60


def test_the_default_for_this_machine_is_native_and_an_exported_program_has_none(batch):
    kernel_map = maps(batch[1])["same"]
    program = jax.jit(lambda x, w: convolve_rows(x, w, kernel_map))
    arguments = (draw(1, CAPACITY, 4), draw(2, 9, 4, 4))
    assert compiler.target(compiler.APPLY) in program.lower(*arguments).as_text()
    exported = jax.export.export(program)(*arguments)
    assert compiler.APPLY not in exported.mlir_module()
    expected = program(*arguments)
    np.testing.assert_allclose(
        exported.call(*arguments), expected, atol=1e-5 * float(jnp.abs(expected).max())
    )
