"""Masked batch norm: exact moments across devices, sound gradients, empty shards."""

import functools
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.test_util import check_grads

from jaxsparse.ops import reference
from tests.ops.on_rows import batch_norm, batch_norm_inference, masked_moments

ROWS, CHANNELS, ACTIVE = 12, 3, 7
RNG = np.random.default_rng(0)
X: Any = RNG.normal(size=(ROWS, CHANNELS)).astype(np.float32) + 5
SCALE: Any = np.array([1.0, 2.0, 3.0], np.float32)
BIAS: Any = np.array([0.0, 1.0, 2.0], np.float32)
TARGET = RNG.normal(size=(ROWS, CHANNELS)).astype(np.float32)


def loss(x, scale, bias, count, target=TARGET, axis_name=None):
    y = batch_norm(x, count, scale, bias, axis_name=axis_name)[0]
    return jnp.sum(jnp.tanh(y) * target)


@pytest.mark.parametrize(("dtype", "tolerance"), [("float32", 1e-5), ("bfloat16", 0.1)])
def test_active_rows_are_normalised_and_padding_is_zero(dtype, tolerance):
    x = jnp.asarray(X, dtype).at[ACTIVE:].set(jnp.nan)
    features, mean, variance, count = jax.jit(batch_norm)(x, ACTIVE, SCALE, BIAS)
    expected = reference.batch_norm(X[:ACTIVE], SCALE, BIAS)
    assert features.dtype == dtype
    got = np.asarray(features, np.float32)
    np.testing.assert_allclose(got[:ACTIVE], expected, atol=tolerance)
    assert not got[ACTIVE:].any()
    if dtype == "float32":
        np.testing.assert_allclose(mean, X[:ACTIVE].mean(0), rtol=1e-5)
        np.testing.assert_allclose(variance, X[:ACTIVE].var(0), rtol=1e-4)
    assert float(count) == ACTIVE


def test_a_small_variance_on_a_large_mean_survives():
    x = (1000 + 0.01 * RNG.normal(size=(400, 1))).astype(np.float32)
    _, variance, _ = masked_moments(jnp.asarray(x), jnp.int32(400))
    np.testing.assert_allclose(variance, x.astype(np.float64).var(0), rtol=1e-2)


def test_a_small_distance_from_a_large_mean_survives():
    steps = np.arange(-8.0, 9.0)[:, None] / 128  # added to either mean, float32 holds them
    one, zero = np.ones(1), np.zeros(1)

    def given(mean):
        x = jnp.asarray(mean + steps, jnp.float32)
        moments = jnp.full(1, mean), jnp.asarray(steps.var(0), jnp.float32)
        return batch_norm_inference(x, len(x), one, zero, *moments, epsilon=0.0)

    x = jnp.asarray(1e3 + steps, jnp.float32)
    own = batch_norm(x, len(x), one, zero, epsilon=0.0)[0]
    for features in (own, given(1e3), given(1e5)):
        np.testing.assert_allclose(features, steps / steps.std(), atol=1e-5)


def test_gradients_agree_with_finite_differences_in_both_modes():
    active = functools.partial(loss, count=ACTIVE)
    check_grads(
        jax.jit(active), (X, SCALE, BIAS), 2, modes=("fwd", "rev"), atol=3e-2, rtol=3e-2, eps=1e-2
    )
    gradient = jax.grad(active)(X, SCALE, BIAS)
    assert not np.asarray(gradient[ACTIVE:]).any()


@pytest.mark.parametrize("count", [0, 1])
def test_nothing_and_a_single_site_are_finite(count):
    result = batch_norm(X, count, SCALE, BIAS)
    gradient = jax.grad(loss, argnums=(0, 1, 2))(X, SCALE, BIAS, count)
    assert all(np.isfinite(leaf).all() for leaf in jax.tree.leaves((result, gradient)))
    assert float(result[3]) == count


def test_inference_uses_the_given_moments():
    y = batch_norm_inference(X, jnp.int32(ACTIVE), SCALE, BIAS, jnp.full(3, 2.0), jnp.full(3, 4.0))
    expected = SCALE * (X[:ACTIVE] - 2) / np.sqrt(4 + 1e-5) + BIAS
    np.testing.assert_allclose(y[:ACTIVE], expected, rtol=1e-5)
    assert not np.asarray(y[ACTIVE:]).any()


@pytest.mark.parametrize("counts", [(3, 0, 1, 3), (0, 0, 0, 0), (7, 0, 0, 0)])
def test_devices_with_uneven_shards_equal_one_device(counts):
    total = sum(counts)
    starts = np.cumsum([0, *counts])
    x, target = np.zeros((2, 4, 7, CHANNELS), np.float32)
    for device, count in enumerate(counts):
        rows = slice(starts[device], starts[device] + count)
        x[device, :count], target[device, :count] = X[rows], TARGET[rows]

    def step(x, scale, bias, count, target):
        value, gradient = jax.value_and_grad(loss, argnums=(0, 1, 2))(
            x, scale, bias, count, target, "devices"
        )
        mean = masked_moments(x, count, axis_name="devices")[0]
        return gradient[0], jax.lax.psum((value, gradient[1:]), "devices"), mean

    mapped = jax.pmap(
        step, axis_name="devices", in_axes=(0, None, None, 0, 0), out_axes=(0, None, None)
    )
    by_row, (value, by_parameter), mean = mapped(x, SCALE, BIAS, np.array(counts), target)
    expected = jax.value_and_grad(loss, argnums=(0, 1, 2))(X, SCALE, BIAS, total)
    np.testing.assert_allclose(value, expected[0], atol=1e-4)
    for one, other in zip(by_parameter, expected[1][1:], strict=True):
        np.testing.assert_allclose(one, other, atol=1e-4)
    gathered = np.concatenate([by_row[d, :count] for d, count in enumerate(counts)])
    np.testing.assert_allclose(gathered, expected[1][0][:total], atol=1e-4)
    if total:
        np.testing.assert_allclose(mean, X[:total].mean(0), rtol=1e-5)
