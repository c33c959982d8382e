"""Losses of whole events against float64 oracles and their limits."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxsparse.training.losses import ClassLoss

RNG = np.random.default_rng(0)
LOGITS: Any = RNG.normal(0, 3, (12, 4)).astype(np.float32)
LABELS: Any = RNG.integers(0, 4, 12)
LABELS[[3, 7]] = -1
COUNTED = LABELS >= 0


def probabilities():
    wide = np.exp(LOGITS.astype(np.float64))
    return wide / wide.sum(axis=1, keepdims=True)


def of_truth():
    return probabilities()[COUNTED, LABELS[COUNTED]]


def test_cross_entropy_is_minus_log_p_of_the_truth() -> None:
    np.testing.assert_allclose(ClassLoss()(LOGITS, LABELS), -np.log(of_truth()).sum(), rtol=1e-5)


@pytest.mark.parametrize("q", [0.3, 0.7])
def test_the_generalized_loss_is_its_formula(q: float) -> None:
    loss = ClassLoss("generalized", q=q)(LOGITS, LABELS)
    np.testing.assert_allclose(loss, ((1 - of_truth() ** q) / q).sum(), rtol=1e-5)


def test_for_q_to_zero_it_is_cross_entropy() -> None:
    loss = ClassLoss("generalized", q=1e-5)(LOGITS, LABELS)
    np.testing.assert_allclose(loss, ClassLoss()(LOGITS, LABELS), rtol=1e-4)


def test_for_q_one_it_is_half_the_absolute_error() -> None:
    error = np.abs(probabilities()[COUNTED] - np.eye(4)[LABELS[COUNTED]]).sum()
    np.testing.assert_allclose(
        ClassLoss("generalized", q=1.0)(LOGITS, LABELS), error / 2, rtol=1e-5
    )


def test_its_gradient_is_that_of_cross_entropy_times_p_to_the_q() -> None:
    """Equation 8 of arXiv 1805.07836: events of small p, where wrong labels are, pull less."""
    plain = jax.grad(ClassLoss())(LOGITS, LABELS)
    gradient = jax.grad(ClassLoss("generalized", q=0.7))(LOGITS, LABELS)
    factor = np.zeros(12)
    factor[COUNTED] = of_truth() ** 0.7
    np.testing.assert_allclose(gradient, factor[:, None] * plain, atol=1e-6)


def test_smoothing_shares_out_part_of_the_truth() -> None:
    log_p = np.log(probabilities()[COUNTED])
    target = 0.9 * np.eye(4)[LABELS[COUNTED]] + 0.1 / 4
    loss = ClassLoss(label_smoothing=0.1)(LOGITS, LABELS)
    np.testing.assert_allclose(loss, -(target * log_p).sum(), rtol=1e-5)


@pytest.mark.parametrize("name", ["cross_entropy", "generalized"])
def test_class_weights_multiply_the_events_of_their_class(name: str) -> None:
    weights = (2.0, 0.0, 1.0, 5.0)
    expected = 0.0
    for label, weight in enumerate(weights):
        only: Any = np.where(label == LABELS, label, -1)
        expected += weight * float(ClassLoss(name)(LOGITS, only))
    loss = ClassLoss(name, class_weights=weights)(LOGITS, LABELS)
    np.testing.assert_allclose(loss, expected, rtol=1e-5)


@pytest.mark.parametrize(
    "loss",
    [ClassLoss(label_smoothing=0.2), ClassLoss("generalized", class_weights=(1.0,) * 4)],
    ids=["smoothed", "generalized"],
)
def test_events_without_class_count_nothing_whatever_they_hold(loss: ClassLoss) -> None:
    dirty = LOGITS.copy()
    dirty[~COUNTED] = np.inf
    expected, gradient = jax.value_and_grad(loss)(LOGITS, LABELS)
    value, dirty_gradient = jax.value_and_grad(loss)(dirty, LABELS)
    assert value == expected
    np.testing.assert_array_equal(dirty_gradient, gradient)
    assert not np.asarray(gradient)[~COUNTED].any()
    assert loss(LOGITS, jnp.full(12, -1)) == 0


def test_a_score_of_zero_probability_keeps_the_gradient_finite() -> None:
    logits, labels = jnp.array([[-200.0, 200.0]]), jnp.array([0])
    for loss in (ClassLoss(), ClassLoss("generalized", q=0.7)):
        value, gradient = jax.value_and_grad(loss)(logits, labels)
        assert np.isfinite(value)
        assert np.isfinite(gradient).all()


def test_its_gradient_scatters_nothing() -> None:
    for loss in (ClassLoss(label_smoothing=0.1), ClassLoss("generalized")):
        text = jax.jit(jax.grad(loss)).lower(LOGITS, jnp.asarray(LABELS)).as_text()
        assert "scatter" not in text
        assert "f64" not in text
