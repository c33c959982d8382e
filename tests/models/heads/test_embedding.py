"""Vectors of pixels: what they begin with, and what changes nothing."""

import functools
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import jaxsparse
from jaxsparse.errors import InputError
from jaxsparse.models import EmbeddingHead
from jaxsparse.nn.blocks import BlockSettings
from tests.models.heads.pixel_batches import (
    COUNTS,
    features_of,
    moved_variables,
    rows_of,
    views,
)

HEAD = EmbeddingHead(channels=5, reach=4, hidden=6)
QUIET = BlockSettings(train=False)
WIDTHS = {"vectors": (5,), "stretches": (4,), "seeds": ()}


@functools.cache
def variables():
    return moved_variables(HEAD)


@jax.jit
def _scores(variables, images) -> Any:
    return HEAD.apply(variables, QUIET, features_of(images), images)


def scores_of(images):
    return _scores(variables(), images)


def columns(scores):
    """Of every view all numbers of a pixel."""
    return [
        np.concatenate([vectors, stretches, seeds[:, None]], axis=1)
        for vectors, stretches, seeds in zip(
            scores.vectors, scores.stretches, scores.seeds, strict=True
        )
    ]


def test_every_pixel_has_its_numbers_and_padding_rows_are_zero():
    images = views()
    scores = scores_of(images)
    for name, width in WIDTHS.items():
        for said, image in zip(getattr(scores, name), images, strict=True):
            assert said.shape == (20, *width)
            assert said.dtype == jnp.float32
            assert not np.asarray(said)[int(image.num_active) :].any()


def test_numbers_are_those_of_the_formula():
    images, head = views(), jax.tree.map(lambda a: np.asarray(a, np.float64), variables()["params"])
    for view, (image, found) in enumerate(zip(images, columns(scores_of(images)), strict=True)):
        norm, stored = head[f"norm_view_{view}"], variables()["batch_stats"][f"norm_view_{view}"]
        x = np.asarray(image.features, np.float64) - np.asarray(stored["mean"])
        x = x / np.sqrt(np.asarray(stored["variance"]) + 1e-4) * norm["scale"] + norm["bias"]
        layer = head[f"embedding_view_{view}"]
        hidden = np.maximum(x, 0) @ layer["weights"] + layer["bias"]
        said = np.maximum(hidden, 0) @ head["last"]["kernel"] + head["last"]["bias"]
        said[:, :2] += np.asarray(image.coords)[:, 1:] / 4
        said[:, 5:9] += [1, 0, 0, 1]
        count = int(image.num_active)
        np.testing.assert_allclose(found[:count], said[:count], rtol=1e-4, atol=1e-5)


def test_views_of_two_and_of_three_axes_have_a_last_layer_each():
    """Each says what a head of such views alone says that has its layers."""
    flat = views()
    deep = tuple(
        jaxsparse.sparse_tensor(
            np.insert(np.asarray(x.coords)[:count], 3, 1, axis=1),
            np.asarray(x.features)[:count],
            spatial_shape=(12, 10, 4),
            batch_size=4,
            capacity=20,
        )
        for x in flat
        for count in [int(x.num_active)]
    )
    mixed = (flat[0], deep[1])
    drawn = HEAD.init(jax.random.key(2), QUIET, features_of(mixed), mixed)
    both: Any = HEAD.apply(drawn, QUIET, features_of(mixed), mixed)
    assert [each.shape for each in both.stretches] == [(20, 4), (20, 9)]
    for view, (images, axes) in enumerate([(flat, 2), (deep, 3)]):
        params = {name: own for name, own in drawn["params"].items() if "last" not in name}
        params["last"] = drawn["params"][f"last_{axes}d"]
        alone: Any = HEAD.apply({**drawn, "params": params}, QUIET, features_of(images), images)
        np.testing.assert_array_equal(columns(both)[view], columns(alone)[view])


def test_an_event_that_is_moved_has_its_places_moved_and_nothing_else():
    here, there = (columns(scores_of(views(shift=shift))) for shift in ((0, 0), (5, 3)))
    for one, other, image in zip(here, there, views(), strict=True):
        expected = np.zeros_like(one)
        expected[: int(image.num_active), :2] = np.array([5, 3]) / 4
        np.testing.assert_allclose(other - one, expected, atol=1e-5)


def test_vectors_begin_near_the_places_of_their_pixels():
    begun = HEAD.init(jax.random.key(0), QUIET, features_of(views()), views())
    scores: Any = HEAD.apply(begun, QUIET, features_of(views()), views())
    for vectors, stretches, image in zip(scores.vectors, scores.stretches, views(), strict=True):
        count = int(image.num_active)
        places = np.asarray(image.coords)[:count, 1:] / 4
        np.testing.assert_allclose(vectors[:count, :2], places, atol=0.3)
        np.testing.assert_allclose(stretches[:count], [[1, 0, 0, 1]] * count, atol=0.3)


def test_events_never_mix():
    together = columns(scores_of(views()))
    for event in range(4):
        counts = [[n if e == event else 0 for e, n in enumerate(view)] for view in COUNTS]
        images = views(counts=counts)
        for view, alone in enumerate(columns(scores_of(images))):
            own = rows_of(together[view], views()[view], event)
            np.testing.assert_allclose(own, rows_of(alone, images[view], event), rtol=1e-5)


def test_more_padding_changes_nothing():
    for few, many in zip(columns(scores_of(views(20))), columns(scores_of(views(27))), strict=True):
        np.testing.assert_allclose(few, many[:20], rtol=1e-5, atol=1e-6)
        assert not many[20:].any()


def test_the_order_in_which_pixels_are_given_changes_nothing():
    jax.tree.map(np.testing.assert_array_equal, scores_of(views()), scores_of(views(order=1)))


def test_bfloat16_features_give_float32_numbers_near_those_of_float32():
    images = views()
    rough = tuple(x.replace(features=x.features.astype(jnp.bfloat16)) for x in images)
    settings = BlockSettings(train=False, dtype=jnp.bfloat16)
    scores: Any = HEAD.apply(variables(), settings, features_of(rough), rough)
    assert all(leaf.dtype == jnp.float32 for leaf in jax.tree.leaves(scores))
    for found, expected in zip(columns(scores), columns(scores_of(images)), strict=True):
        np.testing.assert_allclose(found, expected, rtol=0.1, atol=0.1)


def test_a_network_without_a_pixel_in_any_event_is_finite():
    nothing = views(counts=[[0, 0], [0, 0]])

    def total(params):
        scores = _scores({**variables(), "params": params}, nothing)
        return sum(leaf.sum() for leaf in jax.tree.leaves(scores))

    slopes = jax.grad(total)(variables()["params"])
    assert all(np.isfinite(leaf).all() for leaf in jax.tree.leaves(slopes))


def test_the_dense_vocabulary_and_vectors_without_a_place_are_refused_in_one_line():
    settings = BlockSettings(train=False, vocabulary="dense")
    with pytest.raises(InputError, match=r"model\.vocabulary is 'dense': the head embedding works"):
        HEAD.init(jax.random.key(0), settings, features_of(views()), views())
    with pytest.raises(InputError, match=r"embedding\.channels is 1: .* it must be at least 2"):
        EmbeddingHead(channels=1).init(jax.random.key(0), QUIET, features_of(views()), views())
