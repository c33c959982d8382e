"""The loss against a float64 oracle, and what padding may not do to it."""

import jax
import jax.numpy as jnp
import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from jaxsparse.training.losses import ClassLoss


def oracle(logits: np.ndarray, labels: np.ndarray, weights: np.ndarray) -> float:
    logits = logits.astype(np.float64)
    total = 0.0
    for row, label, weight in zip(logits, labels, weights, strict=True):
        if label >= 0:
            shifted = row - row.max()
            total -= float(weight) * (shifted[label] - np.log(np.exp(shifted).sum()))
    return total


def loss_of(logits: np.ndarray, labels: np.ndarray, weights: np.ndarray) -> jax.Array:
    return ClassLoss()(jnp.asarray(logits), jnp.asarray(labels), jnp.asarray(weights))


def random_rows(seed: int, sites: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    logits = rng.normal(0, 3, (sites, 5)).astype(np.float32)
    return logits, rng.integers(-1, 5, sites), rng.uniform(0, 0.02, sites).astype(np.float32)


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 2**20), sites=st.sampled_from([1, 7]))
def test_it_is_the_weighted_sum_of_the_cross_entropies(seed: int, sites: int) -> None:
    rows = random_rows(seed, sites)
    np.testing.assert_allclose(loss_of(*rows), oracle(*rows), rtol=1e-5, atol=1e-6)


def test_rows_without_label_count_nothing_whatever_they_hold() -> None:
    logits, labels, weights = random_rows(1, 6)
    labels[[2, 5]] = -1
    expected, gradient = jax.value_and_grad(loss_of)(logits, labels, weights)
    logits[[2, 5]], weights[[2, 5]] = np.inf, np.nan
    loss, dirty = jax.value_and_grad(loss_of)(logits, labels, weights)
    assert loss == expected
    np.testing.assert_array_equal(dirty, gradient)
    assert not np.asarray(gradient)[[2, 5]].any()


def test_losses_of_shards_add_up_to_the_loss_of_the_batch() -> None:
    logits, labels, weights = random_rows(2, 12)
    parts = [
        loss_of(logits[rows], labels[rows], weights[rows])
        for rows in (slice(0, 3), slice(3, 3), slice(3, 12))
    ]
    np.testing.assert_allclose(sum(parts), loss_of(logits, labels, weights), rtol=1e-6)


def test_the_gradient_is_weight_times_softmax_minus_truth() -> None:
    logits, labels, weights = random_rows(3, 8)
    labels[:] = np.arange(8) % 5
    gradient = jax.grad(loss_of)(logits, labels, weights)
    wide = np.exp(logits.astype(np.float64))
    expected = weights[:, None] * (wide / wide.sum(1, keepdims=True) - np.eye(5)[labels])
    np.testing.assert_allclose(gradient, expected, atol=1e-7)


def test_bfloat16_logits_are_summed_in_float32() -> None:
    logits, labels, weights = random_rows(4, 9)
    loss = loss_of(jnp.asarray(logits, jnp.bfloat16), labels, weights)  # type: ignore[arg-type]
    assert loss.dtype == jnp.float32
    rounded = np.asarray(jnp.asarray(logits, jnp.bfloat16), np.float32)
    np.testing.assert_allclose(loss, oracle(rounded, labels, weights), rtol=1e-5)


def test_its_gradient_scatters_nothing() -> None:
    rows = random_rows(5, 4)
    text = jax.jit(jax.grad(loss_of)).lower(*rows).as_text()
    assert "scatter" not in text
    assert "i64" not in text
    assert "f64" not in text
