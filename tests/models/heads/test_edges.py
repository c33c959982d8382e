"""Scores of pairs of pixels: what they may see, and what changes nothing."""

import dataclasses
import functools
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.special import softmax

from jaxsparse.errors import InputError
from jaxsparse.models import EdgeHead
from jaxsparse.models.heads.edges import agreements, offsets
from jaxsparse.nn.blocks import BlockSettings
from tests.models.heads.pixel_batches import (
    COUNTS,
    features_of,
    moved_variables,
    rows_of,
    views,
)

HEAD = EdgeHead(directions=4, reach=6, channels=8)
QUIET = BlockSettings(train=False)


def seen_in(images, **fields):
    """Features of pixels, which are the scores of classes too."""
    scores = tuple(x.features.astype(jnp.float32) for x in images)
    return dataclasses.replace(features_of(images, **fields), class_scores=scores)


@functools.cache
def variables():
    return moved_variables(HEAD, seen_in)


@jax.jit
def _scores(variables, images) -> Any:
    return HEAD.apply(variables, QUIET, seen_in(images), images)


def scores_of(images):
    return _scores(variables(), images)


def test_every_pair_has_a_score_and_what_is_none_has_zero():
    images = views()
    scores = scores_of(images)
    for others, same, image in zip(scores.others, scores.same, images, strict=True):
        assert same.shape == others.shape == (20, 4)
        assert same.dtype == jnp.float32
        there = np.asarray(others) < 20
        assert there.any()
        assert not there[int(image.num_active) :].any()
        assert (np.asarray(same)[there] != 0).all()
        assert not np.asarray(same)[~there].any()


def test_scores_are_those_of_the_formula():
    images, head = views(), jax.tree.map(lambda a: np.asarray(a, np.float64), variables()["params"])
    scores = scores_of(images)

    def layer(name, x):
        weights = head[name].get("kernel", head[name].get("weights"))
        return x @ weights + head[name].get("bias", 0)

    for view, image in enumerate(images):
        norm, stored = head[f"norm_view_{view}"], variables()["batch_stats"][f"norm_view_{view}"]
        x = np.asarray(image.features, np.float64) - np.asarray(stored["mean"])
        x = x / np.sqrt(np.asarray(stored["variance"]) + 1e-4) * norm["scale"] + norm["bias"]
        pixels = layer(f"embedding_view_{view}", np.maximum(x, 0))
        shares = softmax(np.asarray(image.features, np.float64), axis=1)
        others = np.asarray(scores.others[view])
        for one, direction in np.argwhere(others < 20):
            other = others[one, direction]
            step = (np.asarray(image.coords)[other] - np.asarray(image.coords)[one])[1:]
            length = np.sqrt((step**2).sum())
            place = [*step / 6, length / 6, *step / length, np.log2(length)]
            between = np.array([*place, *(shares[one] * shares[other])])
            seen = layer("one", pixels[one]) + layer("other", pixels[other])
            hidden = layer("hidden", np.maximum(seen + layer("pair", between), 0))
            expected = layer("same", np.maximum(hidden, 0))[0]
            np.testing.assert_allclose(scores.same[view][one, direction], expected, rtol=1e-4)


def test_events_never_mix():
    together = scores_of(views())
    for event in range(4):
        counts = [[n if e == event else 0 for e, n in enumerate(view)] for view in COUNTS]
        alone = scores_of(views(counts=counts))
        for view, image in enumerate(views()):
            own = rows_of(alone.same[view], views(counts=counts)[view], event)
            np.testing.assert_allclose(rows_of(together.same[view], image, event), own, rtol=1e-5)


def test_more_padding_changes_nothing():
    few, many = scores_of(views(20)), scores_of(views(27))
    for view, image in enumerate(views()):
        count = int(image.num_active)
        np.testing.assert_allclose(few.same[view], many.same[view][:20], rtol=1e-5, atol=1e-6)
        here, there = (np.asarray(each.others[view])[:count] for each in (few, many))
        np.testing.assert_array_equal(np.where(here < 20, here, 27), there)


def test_the_order_in_which_pixels_are_given_changes_nothing():
    jax.tree.map(np.testing.assert_array_equal, scores_of(views()), scores_of(views(order=1)))


def test_bfloat16_features_give_float32_scores_near_those_of_float32():
    images = views()
    rough = tuple(x.replace(features=x.features.astype(jnp.bfloat16)) for x in images)
    settings = BlockSettings(train=False, dtype=jnp.bfloat16)
    scores: Any = HEAD.apply(variables(), settings, seen_in(rough), rough)
    for each, expected in zip(scores.same, scores_of(images).same, strict=True):
        assert each.dtype == jnp.float32
        np.testing.assert_allclose(each, expected, rtol=0.1, atol=0.1)


def test_views_may_share_the_layers_of_their_pixels():
    own = HEAD.init(jax.random.key(0), QUIET, seen_in(views()), views())["params"]
    shared = HEAD.init(jax.random.key(0), QUIET, seen_in(views(), shared=True), views())
    names = {f"{name}_view_{view}" for name in ("norm", "embedding") for view in range(2)}
    assert {name for name in own if "_view_" in name} == names
    assert not {name for name in shared["params"] if "_view_" in name}


def test_what_is_not_there_has_no_place_and_no_class():
    image, nobody = views()[0], jnp.full((20, 4), 20)
    assert not np.asarray(offsets(image, nobody, 6)).any()
    assert not np.asarray(agreements(image.features, nobody)).any()


def test_classes_take_no_gradient_and_may_be_missing():
    images = views()

    def total(scores):
        features = dataclasses.replace(features_of(images), class_scores=scores)
        said: Any = HEAD.apply(variables(), QUIET, features, images)
        return sum(each.sum() for each in said.same)

    slopes = jax.grad(total)(tuple(x.features for x in images))
    assert not any(np.any(slope) for slope in slopes)
    alone = HEAD.init(jax.random.key(0), QUIET, features_of(images), images)["params"]
    assert alone["pair"]["kernel"].shape == (6, 8)


def test_a_network_without_a_pixel_in_any_event_is_finite():
    nothing = views(counts=[[0, 0], [0, 0]])

    def total(params):
        return sum(each.sum() for each in _scores({**variables(), "params": params}, nothing).same)

    slopes = jax.grad(total)(variables()["params"])
    assert all(np.isfinite(leaf).all() for leaf in jax.tree.leaves(slopes))


def test_the_dense_vocabulary_and_odd_directions_are_refused_in_one_line():
    settings = BlockSettings(train=False, vocabulary="dense")
    with pytest.raises(InputError, match=r"model\.vocabulary is 'dense': the head edges works"):
        HEAD.init(jax.random.key(0), settings, seen_in(views()), views())
    with pytest.raises(InputError, match="directions is 5: it must be a positive even number"):
        EdgeHead(directions=5)
