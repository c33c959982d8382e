"""Sums over active rows: both data flows against float64, their derivatives, and refusals."""

import functools
import os
import subprocess
import sys
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.test_util import check_grads

from jaxsparse import InputError
from jaxsparse.ops import channel_maps
from jaxsparse.ops.column_sums import column_moments
from jaxsparse.ops.native import compiler
from tests.ops.many_threads import same_bits_in_many_threads
from tests.ops.on_rows import batch_norm, masked_moments

ROWS = 700  # several blocks, the last one shorter


@pytest.fixture(params=["native", "xla"])
def implementation(request):
    if request.param == "native" and not compiler.lanes(compiler.NORMALISATION):
        pytest.skip("no kernels on this platform")
    return request.param


def project(u, x, center, active, implementation):
    """The sums alone, past an open gate."""
    lines = jnp.stack([center, *(0 * center + number for number in (1, *channel_maps.OPEN_GATE))])
    return channel_maps.project(u, x, lines, active, implementation)[1]


def draw(seed, *shape) -> Any:
    return np.random.default_rng(seed).normal(1.0, 2.0, size=shape).astype(np.float32)


def padded(array, active):
    """The array with NaN behind its active rows."""
    return np.where(np.arange(len(array))[:, None] < active, array, np.float32(np.nan))


@functools.partial(jax.jit, static_argnames="implementation")
def all_sums(u, x, center, active, implementation):
    return jnp.concatenate(
        [
            column_moments(x, active, implementation),
            project(u, x, center, active, implementation),
        ]
    )


def expected_sums(u, x, center, active):
    """In float64."""
    u, x = (np.asarray(array[:active], np.float64) for array in (u, x))
    distance = x - x.mean(axis=0) if active else x
    sums = (x, distance**2, u, u * (x - center))
    return np.stack([numbers.sum(axis=0) for numbers in sums])


def check_sums(rows, channels, active, implementation, dtype="float32"):
    u, x = (
        np.array(jnp.asarray(draw(seed, rows, channels), dtype), np.float32) for seed in range(2)
    )
    center = draw(3, channels)
    given = [jnp.asarray(padded(array, active), dtype) for array in (u, x)]
    got = all_sums(*given, center, np.int32(active), implementation)
    expected = expected_sums(u, x, center, min(active, rows))
    assert got.dtype == jnp.float32
    np.testing.assert_allclose(got, expected, atol=1e-5 * max(1.0, np.abs(expected).max()))


@pytest.mark.parametrize("channels", [16, 17, 31, 32, 64, 100])
def test_any_number_of_channels_equals_float64(channels, implementation):
    check_sums(ROWS, channels, ROWS - 60, implementation)


@pytest.mark.parametrize("active", [0, 1, 2, 512, 513, ROWS])
def test_any_number_of_active_rows_equals_float64_and_padding_is_not_read(active, implementation):
    check_sums(ROWS, 32, active, implementation)


def test_more_active_rows_than_there_are_read_nothing_outside(implementation):
    operands = (draw(0, ROWS, 32), draw(1, ROWS, 32), draw(2, 32))
    sums = [
        project(*operands, jnp.int32(active), implementation) for active in (ROWS, ROWS + 5, 2**30)
    ]
    np.testing.assert_array_equal(sums[1], sums[0])
    np.testing.assert_array_equal(sums[2], sums[0])


def test_one_row_is_its_own_mean(implementation):
    check_sums(1, 40, 1, implementation)


def test_bfloat16_is_summed_in_float32(implementation):
    check_sums(ROWS, 48, 600, implementation, "bfloat16")


def test_few_channels_take_xla_by_default():
    x = draw(0, 5, 3)
    expected = column_moments(x, jnp.int32(5), "xla")
    np.testing.assert_array_equal(column_moments(x, jnp.int32(5)), expected)


def test_a_small_variance_on_a_large_mean_survives_many_blocks(implementation):
    x = 1000 + 0.01 * draw(0, 5000, 32)
    _, variance, _ = masked_moments(x, jnp.int32(5000), implementation=implementation)
    np.testing.assert_allclose(variance, x.astype(np.float64).var(axis=0), rtol=1e-3)


@pytest.mark.parametrize("outlier", [1e6, 1e8])
@pytest.mark.parametrize("row", [0, 300])
def test_one_hot_row_costs_the_others_no_digits(row, outlier, implementation):
    x = draw(0, 5000, 16)
    x[row] = outlier
    total, squares = column_moments(x, jnp.int32(5000), implementation)
    exact = x.astype(np.float64)
    np.testing.assert_allclose(total, exact.sum(axis=0), rtol=5e-6)
    np.testing.assert_allclose(squares, ((exact - exact.mean(axis=0)) ** 2).sum(axis=0), rtol=3e-5)


def test_derivatives_agree_with_finite_differences_in_both_modes(implementation):
    def sums(x):
        return jnp.sin(column_moments(x, jnp.int32(5), implementation) / 9)

    check_grads(jax.jit(sums), (draw(0, 6, 16) / 2,), 2, atol=3e-2, rtol=3e-2, eps=1e-2)


def everything(x, scale, bias, target, *, implementation, active=600):
    """Result and gradients of batch norm."""

    def loss(x, scale, bias):
        y = batch_norm(x, active, scale, bias, implementation=implementation)[0]
        return jnp.vdot(y.astype(jnp.float32), target), y

    (_, y), gradients = jax.value_and_grad(loss, argnums=(0, 1, 2), has_aux=True)(x, scale, bias)
    return y, *gradients


def agree(ones, others, tolerance=1e-5):
    for one, other in zip(ones, others, strict=True):
        one, other = (np.asarray(array, np.float32) for array in (one, other))
        np.testing.assert_allclose(one, other, atol=tolerance * np.abs(other).max())


@pytest.mark.parametrize(("dtype", "tolerance"), [("float32", 1e-5), ("bfloat16", 1e-2)])
def test_batch_norm_of_both_implementations_agrees_with_nan_behind(dtype, tolerance):
    x = jnp.asarray(padded(draw(0, ROWS, 40), 600), dtype)
    operands = (x, draw(1, 40), draw(2, 40), draw(3, ROWS, 40))
    run = jax.jit(everything, static_argnames="implementation")
    results = run(*operands, implementation="auto")
    assert results[0].dtype == results[1].dtype == dtype
    agree(results, run(*operands, implementation="xla"), tolerance)
    assert not np.asarray(results[0][600:]).any()
    assert not np.asarray(results[1][600:]).any()


def sums_of_a_large_array():
    arrays = [draw(seed, 6000, 48) for seed in range(2)]
    return functools.partial(all_sums, *arrays, draw(3, 48), np.int32(5555), "auto")


def test_calls_from_many_threads_at_once_give_the_bits_of_one():
    same_bits_in_many_threads(sums_of_a_large_array(), threads=8, calls=64)


def test_three_threads_give_the_bits_of_however_many_there_are_here():
    program = f"""
import sys
sys.path.insert(0, {os.path.dirname(__file__)!r})
import numpy, test_column_sums
print(numpy.asarray(test_column_sums.sums_of_a_large_array()()).tobytes().hex())
"""
    done = subprocess.run(
        [sys.executable, "-c", program],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "NPROC": "3"},  # XLA's threads
    )
    assert done.stdout.strip() == np.asarray(sums_of_a_large_array()()).tobytes().hex()


def test_this_machine_takes_the_kernels_and_an_exported_program_none():
    if not compiler.lanes(compiler.NORMALISATION):
        pytest.skip("no kernels on this platform")
    operands = (draw(0, ROWS, 40), draw(1, 40), draw(2, 40), draw(3, ROWS, 40))
    program = jax.jit(functools.partial(everything, implementation="auto"))
    text = program.lower(*operands).as_text()
    assert compiler.target(compiler.MOMENTS) in text
    assert compiler.target(compiler.NORMALISE[0]) in text
    assert compiler.target(compiler.PROJECT) in text
    assert compiler.target(compiler.SPREAD) in text
    exported = jax.export.export(program)(*operands)
    assert "jaxsparse_" not in exported.mlir_module()
    agree(exported.call(*operands), program(*operands))


def test_what_cannot_be_had_is_refused_in_one_line():
    native = functools.partial(column_moments, implementation="native")
    with pytest.raises(
        InputError, match=r"column moments on cpu: native does not serve \(2 channels, at"
    ):
        native(draw(0, 5, 2), jnp.int32(5))
    with pytest.raises(InputError, match="on cpu for export"):
        jax.export.export(jax.jit(native))(draw(0, 5, 64), jnp.int32(5))
    with pytest.raises(
        InputError, match="implementation is 'fast': of the column moments it must be one"
    ):
        batch_norm(draw(0, 5, 2), jnp.int32(5), draw(1, 2), draw(2, 2), implementation="fast")


def test_types_that_vary_over_a_mesh_take_operations_that_jax_can_differentiate():
    """What no primitive of ours states, ``shard_map`` with its default needs."""
    if len(jax.devices()) < 2:
        pytest.skip("needs two devices")
    mesh = jax.make_mesh((2,), ("devices",), axis_types=(jax.sharding.AxisType.Auto,))
    split, whole = jax.sharding.PartitionSpec("devices"), jax.sharding.PartitionSpec()
    x, scale, bias, target = draw(0, 12, 16), draw(1, 16), draw(2, 16), draw(3, 12, 16)

    def loss(x, scale, target, axis_name=None):
        y = batch_norm(x, jnp.int32(len(x)), scale, bias, axis_name=axis_name)[0]
        part = jnp.vdot(y, target)
        return part if axis_name is None else jax.lax.psum(part, axis_name)

    mapped = jax.shard_map(
        functools.partial(loss, axis_name="devices"),
        mesh=mesh,
        in_specs=(split, whole, split),
        out_specs=whole,
    )
    got = jax.jit(jax.grad(mapped, argnums=(0, 1)))(x, scale, target)
    agree(got, jax.jit(jax.grad(loss, argnums=(0, 1)))(x, scale, target), 1e-4)
