"""Maps of rows with numbers for every channel: both data flows against float64, and derivatives."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.test_util import check_grads

from jaxsparse import InputError
from jaxsparse.ops.channel_maps import NO_FLOOR, OPEN_GATE, normalise, project, spread
from jaxsparse.ops.native import compiler
from tests.ops.on_rows import batch_norm, batch_norm_inference

ROWS, CHANNELS = 300, 20  # several blocks, the last one shorter; a vector and a part of one
RNG = np.random.default_rng(0)
CENTER, FACTOR, BIAS, SLOPE, OFFSET = RNG.normal(0, 1, (5, CHANNELS)).astype(np.float32)
C: Any = RNG.normal(0, 1, (2, CHANNELS)).astype(np.float32)


@pytest.fixture(params=["native", "xla"])
def implementation(request):
    if request.param == "native" and not compiler.lanes(compiler.NORMALISE):
        pytest.skip("no kernels on this platform")
    return request.param


@pytest.fixture(params=["float32", "bfloat16"])
def dtype(request):
    return request.param


def draw(seed, dtype, active=ROWS, channels=CHANNELS) -> Any:
    """Rows that their type can hold, NaN behind the active ones."""
    rows = np.random.default_rng(seed).normal(0, 2, (ROWS, channels))
    rows[active:] = np.nan
    return jnp.asarray(rows, dtype)


def exact(rows, active):
    return np.asarray(rows[:active], np.float64)


def check(got, expected, dtype, active):
    assert got.dtype == dtype
    got = np.asarray(got, np.float64)
    tolerance = 1e-6 if dtype == "float32" else 2**-8
    np.testing.assert_allclose(got[:active], expected, rtol=tolerance, atol=tolerance)
    assert not got[active:].any()


@pytest.mark.parametrize("active", [0, 1, 255, 256, ROWS])
@pytest.mark.parametrize("floor", [NO_FLOOR, 0.0])
def test_rows_are_normalised_and_cut_in_float64_too(active, floor, dtype, implementation):
    x = draw(1, dtype, active)
    lines = jnp.stack([CENTER, FACTOR, BIAS, jnp.full(CHANNELS, floor)])
    y = normalise(x, lines, jnp.int32(active), implementation)
    expected = np.maximum((exact(x, active) - CENTER) * FACTOR + BIAS, floor)
    check(y, expected, dtype, active)


@pytest.mark.parametrize("active", [0, 1, 255, ROWS])
def test_rows_past_the_gate_are_scaled_and_summed(active, dtype, implementation):
    u, x = draw(1, dtype, active), draw(2, dtype, active)
    lines = jnp.stack([CENTER, FACTOR, SLOPE, OFFSET])
    rows, sums = project(u, x, lines, jnp.int32(active), implementation)
    distance = exact(x, active) - CENTER
    passed = np.where(SLOPE * distance + OFFSET <= 0, 0, exact(u, active))
    check(rows, FACTOR * passed, dtype, active)
    assert sums.dtype == jnp.float32
    expected = [passed.sum(axis=0), (passed * distance).sum(axis=0)]
    np.testing.assert_allclose(sums, expected, atol=1e-5 * max(1, np.abs(expected).max()))


@pytest.mark.parametrize("active", [0, 1, 255, ROWS])
def test_numbers_of_a_channel_are_spread_over_rows(active, dtype, implementation):
    v, x = draw(1, dtype, active), draw(2, dtype, active)
    lines = jnp.stack([CENTER, FACTOR, SLOPE, OFFSET])
    rows = spread(C, v, x, lines, jnp.int32(active), implementation)
    distance = exact(x, active) - CENTER
    values = C[0] + C[1] * distance + FACTOR * exact(v, active)
    check(rows, np.where(SLOPE * distance + OFFSET <= 0, 0, values), dtype, active)


@pytest.mark.parametrize("channels", [16, 17, 64, 65, 100])
def test_any_number_of_channels_gives_the_numbers_of_the_other_data_flow(channels, dtype):
    if not compiler.lanes(compiler.NORMALISE):
        pytest.skip("no kernels on this platform")
    u, x = draw(1, dtype, 200, channels), draw(2, dtype, 200, channels)
    lines = jnp.asarray(np.random.default_rng(3).normal(size=(4, channels)), jnp.float32)

    def all_of(implementation):
        y = normalise(x, lines, jnp.int32(200), implementation)
        rows, sums = project(u, x, lines, jnp.int32(200), implementation)
        return y, rows, sums, spread(sums, u, x, lines, jnp.int32(200), implementation)

    for one, other in zip(all_of("native"), all_of("xla"), strict=True):
        one, other = (np.asarray(array, np.float64) for array in (one, other))
        np.testing.assert_allclose(one, other, rtol=2**-7, atol=1e-5 * np.abs(other).max())


def test_nan_and_infinity_stay_in_their_channel(dtype, implementation):
    x = draw(1, dtype).at[3, 4].set(jnp.nan).at[5, 6].set(jnp.inf)
    gate = [jnp.full(CHANNELS, number, jnp.float32) for number in OPEN_GATE]
    relu = jnp.stack([CENTER, 1 + 0 * FACTOR, BIAS, 0 * BIAS])
    y = np.asarray(normalise(x, relu, jnp.int32(ROWS), implementation), np.float32)
    assert np.argwhere(np.isnan(y)).tolist() == [[3, 4]]
    assert np.argwhere(np.isinf(y)).tolist() == [[5, 6]]
    lines = jnp.stack([CENTER, FACTOR, *gate])
    _, sums = project(x, 0 * x + 1, lines, jnp.int32(ROWS), implementation)
    assert np.flatnonzero(~np.isfinite(np.asarray(sums)).all(axis=0)).tolist() == [4, 6]


def test_project_and_spread_are_transposes_of_each_other(implementation):
    u, v, x = (draw(seed, "float32") for seed in range(3))
    lines = jnp.stack([CENTER, FACTOR, SLOPE, OFFSET])
    active = jnp.int32(ROWS - 30)
    rows, sums = project(u, x, lines, active, implementation)
    spread_rows = spread(C, v, x, lines, active, implementation)
    np.testing.assert_allclose(
        np.vdot(rows, v) + np.vdot(sums, C), np.vdot(u, spread_rows), rtol=1e-4
    )
    back = jax.vjp(lambda u: project(u, x, lines, active, implementation), u)[1]((v, C))[0]
    np.testing.assert_array_equal(back, spread_rows)


def test_derivatives_agree_with_finite_differences_in_both_modes(implementation):
    """By every operand, to second order; gates stay as they are within the differences."""
    lines = jnp.stack([CENTER[:16], FACTOR[:16], 0.1 * SLOPE[:16], 3 + 0 * OFFSET[:16]])
    active = jnp.int32(5)

    def all_of(u, c, x, lines):
        rows, sums = project(u, x, lines, active, implementation)
        wide = spread(c, u, x, lines, active, implementation)
        y = normalise(x, lines.at[3].set(-50.0), active, implementation)
        return jnp.sin(rows), jnp.sin(sums / 9), jnp.sin(wide), jnp.sin(y)

    u, x = (draw(seed, "float32")[:6, :16] / 4 for seed in range(2))
    arguments = (u, C[:, :16], x, lines)
    check_grads(jax.jit(all_of), arguments, 2, atol=3e-2, rtol=3e-2, eps=1e-2)


@pytest.mark.parametrize("implementation", ["auto", "xla"])
def test_batch_norm_with_relu_is_batch_norm_and_then_relu(implementation):
    x, scale, bias, target = draw(1, "float32"), FACTOR, BIAS, draw(2, "float32")
    active = jnp.int32(ROWS - 40)

    def together(x, scale, bias):
        return batch_norm(x, active, scale, bias, relu=True, implementation=implementation)[0]

    def apart(x, scale, bias):
        return jax.nn.relu(batch_norm(x, active, scale, bias, implementation="xla")[0])

    def all_of(function):
        y, back = jax.vjp(function, x, scale, bias)
        tangents = (0.1 * target, bias, scale)
        return y, *back(target), jax.jvp(function, (x, scale, bias), tangents)[1]

    results = [jax.jit(all_of, static_argnums=0)(function) for function in (together, apart)]
    for one, other in zip(*results, strict=True):
        np.testing.assert_allclose(one, other, atol=2e-5 * np.abs(other).max())
    moments = jnp.ones(CHANNELS), 2 * jnp.ones(CHANNELS)
    given = [
        batch_norm_inference(x, active, scale, bias, *moments, relu=relu) for relu in (True, False)
    ]
    np.testing.assert_array_equal(given[0], jax.nn.relu(given[1]))


def test_vmap_takes_each_by_itself(implementation):
    u, x = (jnp.stack([draw(seed, "float32"), draw(seed + 5, "float32")]) for seed in range(2))
    lines = jnp.stack([CENTER, FACTOR, SLOPE, OFFSET])

    def one(u, x):
        rows, sums = project(u, x, lines, jnp.int32(ROWS), implementation)
        return rows, spread(sums, u, x, lines, jnp.int32(ROWS), implementation)

    for index, together in enumerate(jax.vmap(one)(u, x)):
        apart = np.stack([one(u[0], x[0])[index], one(u[1], x[1])[index]])
        np.testing.assert_allclose(together, apart, atol=1e-5 * np.abs(apart).max())


def test_rows_of_two_types_have_no_kernel():
    u, x = draw(1, "bfloat16"), draw(2, "float32")
    lines = jnp.stack([CENTER, FACTOR, SLOPE, OFFSET])
    assert project(u, x, lines, jnp.int32(5))[0].dtype == jnp.bfloat16
    with pytest.raises(InputError, match="native does not serve"):
        project(u, x, lines, jnp.int32(5), "native")
