"""Queries that become the particles of an event: what they may see, and what changes nothing."""

import functools
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxsparse.errors import InputError
from jaxsparse.models import InstanceHead
from jaxsparse.nn.blocks import BlockSettings
from tests.models.heads.pixel_batches import (
    COUNTS,
    features_of,
    moved_variables,
    rows_of,
    views,
)

HEAD = InstanceHead(num_classes=3, queries=5, channels=8, layers=2)
QUIET = BlockSettings(train=False)


@functools.cache
def variables():
    return moved_variables(HEAD)


@jax.jit
def _scores(variables, images) -> Any:
    return HEAD.apply(variables, QUIET, features_of(images), images)


def scores_of(images):
    return _scores(variables(), images)


def test_every_pixel_and_every_query_has_its_scores_and_padding_none():
    images = views()
    scores = scores_of(images)
    assert scores.used.shape == (4, 5)
    assert scores.classes.shape == (4, 5, 3)
    assert scores.earlier == ()
    for each, image in zip(scores.pixels, images, strict=True):
        assert each.shape == (20, 5)
        assert each.dtype == jnp.float32
        assert not np.asarray(each)[int(image.num_active) :].any()


def test_events_never_mix():
    together = scores_of(views())
    for event in range(4):
        counts = [[n if e == event else 0 for e, n in enumerate(view)] for view in COUNTS]
        alone = scores_of(views(counts=counts))
        for view, image in enumerate(views()):
            own = rows_of(alone.pixels[view], views(counts=counts)[view], event)
            np.testing.assert_allclose(
                rows_of(together.pixels[view], image, event), own, rtol=1e-5, atol=1e-5
            )
        np.testing.assert_allclose(together.used[event], alone.used[event], rtol=1e-5, atol=1e-5)
        np.testing.assert_allclose(
            together.classes[event], alone.classes[event], rtol=1e-5, atol=1e-5
        )


def test_queries_see_the_pixels_of_both_views():
    other = list(views())
    other[1] = other[1].replace(features=other[1].features * 2)
    before, after = scores_of(views()), scores_of(tuple(other))
    for event, (first, second) in enumerate(zip(*COUNTS, strict=True)):
        changed = np.abs(np.asarray(before.used - after.used)[event]).max() > 1e-4
        assert changed == (second > 0)
        if first:
            pairs = [rows_of(each.pixels[0], views()[0], event) for each in (before, after)]
            assert (np.abs(pairs[0] - pairs[1]).max() > 1e-4) == (second > 0)


def test_more_padding_changes_nothing():
    few, many = scores_of(views(20)), scores_of(views(27))
    np.testing.assert_allclose(few.used, many.used, rtol=1e-5, atol=1e-6)
    for a, b in zip(few.pixels, many.pixels, strict=True):
        np.testing.assert_allclose(a, b[:20], rtol=1e-5, atol=1e-5)
        assert not np.asarray(b)[20:].any()


def test_the_order_in_which_pixels_are_given_changes_nothing():
    jax.tree.map(np.testing.assert_array_equal, scores_of(views()), scores_of(views(order=1)))


def test_places_are_counted_from_the_middle_of_the_event():
    here, there = scores_of(views()), scores_of(views(shift=(6, 5)))
    for a, b in zip(here.pixels, there.pixels, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-4)
    mirrored = views()
    mirrored = tuple(x.replace(features=x.features[::-1]) for x in mirrored)
    assert np.abs(np.asarray(scores_of(mirrored).used - here.used)).max() > 1e-4


def test_in_training_every_layer_answers_and_views_may_share_the_layers():
    settings = BlockSettings(train=True)
    own = HEAD.init(jax.random.key(0), QUIET, features_of(views()), views())
    scores, _ = HEAD.apply(
        own, settings, features_of(views()), views(), mutable=["batch_stats"]
    )  # fmt: skip
    assert len(scores.earlier) == HEAD.layers
    assert all(each.used.shape == scores.used.shape for each in scores.earlier)
    shared = HEAD.init(jax.random.key(0), QUIET, features_of(views(), shared=True), views())
    names = {name for name in own["params"] if "_view_" in name}
    assert names == {
        f"{name}_view_{view}" for name in ("norm", "embedding", "places") for view in range(2)
    }
    assert not {name for name in shared["params"] if "_view_" in name}


def test_bfloat16_features_give_float32_scores_near_those_of_float32():
    images = views()
    rough = tuple(x.replace(features=x.features.astype(jnp.bfloat16)) for x in images)
    settings = BlockSettings(train=False, dtype=jnp.bfloat16)
    scores: Any = HEAD.apply(variables(), settings, features_of(rough), rough)
    assert scores.used.dtype == jnp.float32
    np.testing.assert_allclose(scores.used, scores_of(images).used, rtol=0.1, atol=0.1)


def test_the_dense_vocabulary_is_refused_in_one_line():
    settings = BlockSettings(train=False, vocabulary="dense")
    with pytest.raises(InputError, match=r"model\.vocabulary is 'dense': the head instance works"):
        HEAD.init(jax.random.key(0), settings, features_of(views()), views())


def test_channels_must_share_out_among_the_attentions():
    with pytest.raises(InputError, match="channels is 6: it must be a positive multiple of 4"):
        InstanceHead(channels=6)


def test_a_network_without_a_pixel_in_any_event_is_finite():
    counts = [[0, 0], [0, 0]]
    nothing = views(counts=counts)

    def total(params):
        return _scores({**variables(), "params": params}, nothing).used.sum()

    slopes = jax.grad(total)(variables()["params"])
    assert all(np.isfinite(leaf).all() for leaf in jax.tree.leaves(slopes))
