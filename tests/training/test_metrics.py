"""Counts against a plain loop, and the ratios read off them."""

import jax
import jax.numpy as jnp
import numpy as np

from jaxsparse.training.metrics import HeadSums, Sums, accuracy, confusion_counts


def test_counts_are_rows_of_truth_and_columns_of_the_largest_logit() -> None:
    rng = np.random.default_rng(0)
    logits, labels = rng.normal(size=(200, 5)).astype(np.float32), rng.integers(-1, 5, 200)
    expected = np.zeros((5, 5), int)
    for row, label in zip(logits, labels, strict=True):
        if label >= 0:
            expected[label, row.argmax()] += 1
    np.testing.assert_array_equal(jax.jit(confusion_counts)(logits, labels), expected)


def test_padding_is_not_counted() -> None:
    counts = confusion_counts(jnp.zeros((4, 3)), jnp.full(4, -1))
    assert counts.sum() == 0
    assert np.isnan(accuracy(np.asarray(counts)))


def test_sums_add_and_stay_exact_beyond_32_bits() -> None:
    head = HeadSums(jnp.float32(1.5), jnp.full((2, 2), 2**30, jnp.int32), jnp.int32(3))
    step = Sums({"event": head}, jnp.int32(3), jnp.int32(9))
    total = step.fetch() + step.fetch() + step.fetch()
    event = total.head("event")
    assert event.confusion.sum() == 3 * 4 * 2**30
    assert event.loss_per_event == 0.5
    assert event.accuracy == 0.5
    assert Sums.from_json(total.to_json()).to_json() == total.to_json()
