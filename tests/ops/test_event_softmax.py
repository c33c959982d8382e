"""A softmax over all sites of an event in several views, against numpy, one event at a time."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.test_util import check_grads
from scipy.special import logsumexp, softmax

from jaxsparse import sparse_tensor
from jaxsparse.ops.event_reduction import EventRows
from jaxsparse.ops.event_softmax import event_log_sum_exp, event_softmax


def views(capacity=None, seed=0):
    """Scores of two views of four events: one seen in one view only, one in none."""
    rng = np.random.default_rng(seed)
    tensors = []
    for counts in ([3, 0, 0, 20], [2, 5, 0, 1]):
        coords = [(event, place) for event, count in enumerate(counts) for place in range(count)]
        scores = rng.normal(scale=30, size=(len(coords), 2)).astype(np.float32)
        tensors.append(
            sparse_tensor(coords, scores, spatial_shape=(32,), batch_size=4, capacity=capacity)
        )
    return [x.features for x in tensors], [EventRows.of(x) for x in tensors]


def of_event(scores, rows, event):
    return np.concatenate(
        [
            np.asarray(s, np.float64)[np.asarray(r.event) == event]
            for s, r in zip(scores, rows, strict=True)
        ]
    )


@pytest.mark.parametrize("capacity", [None, 40])
def test_weights_are_the_softmax_over_the_sites_of_both_views(capacity):
    scores, rows = views(capacity)
    weights, total = event_softmax(scores, rows), event_log_sum_exp(scores, rows)
    for event in range(4):
        own = of_event(scores, rows, event)
        expected = softmax(own, axis=0) if len(own) else own
        np.testing.assert_allclose(of_event(weights, rows, event), expected, rtol=1e-5, atol=1e-7)
        logarithm = logsumexp(own, axis=0) if len(own) else np.zeros(2)
        np.testing.assert_allclose(total[event], logarithm, rtol=1e-6)
    for each, own in zip(weights, rows, strict=True):
        assert (np.asarray(each)[np.asarray(own.event) == 4] == 0).all()  # padding


def test_more_padding_changes_no_weight():
    few, many = (event_softmax(*views(capacity)) for capacity in (None, 64))
    for a, b in zip(few, many, strict=True):
        np.testing.assert_array_equal(a, b[: len(a)])
        assert not b[len(a) :].any()


def test_a_sum_over_some_sites_leaves_the_others_out():
    scores, rows = views()
    chosen = [jnp.asarray(each > 0) for each in scores]
    total = event_log_sum_exp(scores, rows, chosen)
    for event in range(4):
        own = of_event(scores, rows, event)
        for channel in range(2):
            kept = own[own[:, channel] > 0, channel]
            expected = logsumexp(kept) if len(kept) else 0.0
            np.testing.assert_allclose(total[event, channel], expected, rtol=1e-5)


def test_gradients_are_those_of_finite_differences_and_finite_without_any_site():
    scores, rows = views(40)
    small = [each / 30 for each in scores]
    check_grads(lambda *s: event_log_sum_exp(s, rows), small, order=1, modes=["rev"], eps=1e-2)
    check_grads(lambda *s: event_softmax(s, rows), small, order=1, modes=["rev"], eps=1e-2)
    huge = [each * 1e4 for each in scores]
    slopes = jax.grad(lambda s: sum(jnp.sum(w**2) for w in event_softmax(s, rows)))(huge)
    assert all(np.isfinite(slope).all() for slope in slopes)
