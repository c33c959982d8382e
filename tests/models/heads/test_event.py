"""From sites to scores: every pooling in both vocabularies, against numpy."""

from typing import Any

import jax
import numpy as np
import pytest

import jaxsparse
from jaxsparse.errors import InputError
from jaxsparse.models import EventHead, Features
from jaxsparse.nn.blocks import BlockSettings
from jaxsparse.nn.dense_tensor import to_dense_tensor

POOLED = {
    "average": lambda rows: rows.mean(axis=0),
    "max": lambda rows: rows.max(axis=0),
    "sum": lambda rows: rows.sum(axis=0),
    "log_sum": lambda rows: np.arcsinh(rows.sum(axis=0)),
}


def pooled_of(x):
    return Features({}, event=(x,))


def batch():
    """Two events of 5 and 3 sites, and one without any between them."""
    rng = np.random.default_rng(0)
    events = np.repeat([0, 2], [5, 3])
    places = np.concatenate([rng.choice(24, 5, replace=False), rng.choice(24, 3, replace=False)])
    coords = np.stack([events, places // 6, places % 6], axis=1)
    features = 40 * rng.normal(size=(8, 2)).astype(np.float32)
    x = jaxsparse.sparse_tensor(coords, features, spatial_shape=(4, 6), batch_size=3, capacity=11)
    return x, [features[events == event] for event in range(3)]


@pytest.mark.parametrize("vocabulary", ["sparse", "dense"])
@pytest.mark.parametrize("pooling", [*POOLED, "average+log_sum", "max+sum+average"])
def test_scores_are_a_matrix_times_what_was_pooled(pooling, vocabulary):
    x, events = batch()
    settings = BlockSettings(train=False, vocabulary=vocabulary)
    head = EventHead(3, pooling)
    inputs = x if vocabulary == "sparse" else to_dense_tensor(x, masked=True)
    scores, variables = head.init_with_output(jax.random.key(0), settings, pooled_of(inputs), ())
    layer = variables["params"]["scores"]
    parts = pooling.split("+")
    assert layer["weights"].shape == (2 * len(parts), 3)
    for event, rows in enumerate(events):
        pooled = [POOLED[part](rows) if len(rows) else np.zeros(2) for part in parts]
        expected = np.concatenate(pooled) @ np.asarray(layer["weights"]) + layer["bias"]
        np.testing.assert_allclose(scores[event], expected, rtol=1e-4, atol=1e-4)


def test_the_logarithm_of_a_sum_has_a_gradient_everywhere():
    x, _ = batch()
    settings = BlockSettings(train=False)
    head = EventHead(3, "log_sum")
    variables = head.init(jax.random.key(0), settings, pooled_of(x), ())

    def first(features):
        scores: Any = head.apply(variables, settings, pooled_of(x.replace(features=features)), ())
        return scores[0, 0]

    for scale in (0.0, 1.0, 1e6):
        gradient = np.asarray(jax.grad(first)(scale * x.features))
        assert np.isfinite(gradient).all()
        assert gradient[:5].all()
        assert not gradient[5:].any()


@pytest.mark.parametrize("vocabulary", ["sparse", "dense"])
def test_pooled_features_are_normalised_over_the_events_that_have_a_site(vocabulary):
    x, events = batch()
    inputs = x if vocabulary == "sparse" else to_dense_tensor(x, masked=True)
    head, settings = EventHead(3, "sum", True), BlockSettings(train=True, vocabulary=vocabulary)
    variables = head.init(jax.random.key(0), settings, pooled_of(inputs), ())
    scores, state = head.apply(variables, settings, pooled_of(inputs), (), mutable=["batch_stats"])
    sums = np.array([events[0].sum(axis=0), events[2].sum(axis=0)], np.float64)
    spread = np.sqrt(sums.var(axis=0) + 1e-4)
    layer = variables["params"]["scores"]
    expected = (sums - sums.mean(axis=0)) / spread @ np.asarray(layer["weights"]) + layer["bias"]
    np.testing.assert_allclose(scores[np.array([0, 2])], expected, rtol=1e-4, atol=1e-4)
    np.testing.assert_allclose(scores[1], layer["bias"], atol=1e-6)  # the event without a site
    moved = state["batch_stats"]["norm"]["mean"]
    np.testing.assert_allclose(moved, 0.1 * sums.mean(axis=0), rtol=1e-4)


@pytest.mark.parametrize("pooling", ["mean", "", "max+", "max+max", 3])
def test_another_pooling_is_named(pooling):
    message = "pooling is .*: it must be one of average, max, sum, log_sum, or several joined by +"
    with pytest.raises(InputError, match=message):
        EventHead(3, pooling)


def test_several_tensors_are_pooled_each_by_itself():
    x, events = batch()
    head, settings = EventHead(3, "sum+max"), BlockSettings(train=False)
    both = Features({}, event=(x, x.replace(features=-2 * x.features)))
    scores, variables = head.init_with_output(jax.random.key(0), settings, both, ())
    layer = variables["params"]["scores"]
    for event, rows in enumerate(events):
        parts = [part for tensor in (rows, -2 * rows) for part in pooled(tensor)]
        expected = np.concatenate(parts) @ np.asarray(layer["weights"]) + layer["bias"]
        np.testing.assert_allclose(scores[event], expected, rtol=1e-4, atol=1e-4)


def pooled(rows):
    return [POOLED[part](rows) if len(rows) else np.zeros(2) for part in ("sum", "max")]
