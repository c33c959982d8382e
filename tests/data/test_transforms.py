"""Transforms of many events at once against one event and one pixel at a time."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jaxsparse.data import transforms
from jaxsparse.data.pixels import Pixels
from jaxsparse.data.schema import TRUTH_COLUMNS
from jaxsparse.errors import InputError
from tests.data.chains import STEPS, Chain, assert_images

SHAPES = st.sampled_from([(7, 9), (1, 20), (4, 5, 6)])


@settings(max_examples=150, deadline=None)
@given(
    shape=SHAPES,
    lengths=st.lists(st.integers(0, 12), min_size=1, max_size=4),
    steps=st.lists(st.sampled_from(STEPS), max_size=5),
    seed=st.integers(0, 2**31),
    data=st.data(),
)
def test_truth_stays_with_its_pixel_through_any_chain(make_view, shape, lengths, steps, seed, data):
    rng = np.random.default_rng(seed)
    pixels = Pixels.of([make_view(rng, length, shape) for length in lengths], shape)
    for name in ("along", "along_spread", "further time"):
        pixels.columns[name][rng.random(len(pixels)) < 0.2] = np.nan
    chain = Chain(data, pixels)
    for step in steps:
        getattr(chain, step)()
        if not chain.images:
            return
    assert_images(chain.pixels, chain.images, chain.shape)


def test_the_mask_keeps_both_ends_of_its_range(make_view):
    view = make_view(np.random.default_rng(0), 4)
    view.values[:] = [9.999, 10.0, 300.0, 300.1]
    kept = transforms.on_view(view, transforms.mask, 10.0, 300.0)
    assert kept.values.tolist() == [10.0, 300.0]
    np.testing.assert_array_equal(kept.coords, view.coords[1:3])
    np.testing.assert_array_equal(kept.labels, view.labels[1:3])
    assert kept.shape == view.shape


def test_a_mask_the_wrong_way_round_is_refused(make_view):
    pixels = Pixels.of([make_view(np.random.default_rng(0), 1)])
    with pytest.raises(InputError, match=r"data\.low is 300\.0 and data\.high is 10\.0"):
        transforms.mask(pixels, 300.0, 10.0)


@settings(max_examples=30, deadline=None)
@given(shape=SHAPES, pixels=st.integers(0, 20), seed=st.integers(0, 2**31), data=st.data())
def test_a_flip_mirrors_the_dense_image_and_undoes_itself(make_view, shape, pixels, seed, data):
    view = make_view(np.random.default_rng(seed), pixels, shape)
    axis = data.draw(st.integers(0, len(shape) - 1))
    flips = np.arange(len(shape))[None] == axis
    mirrored = transforms.on_view(view, transforms.flip, flips)
    for name in ("values", *TRUTH_COLUMNS):
        dense, expected = np.zeros(shape), np.zeros(shape)
        dense[tuple(mirrored.coords.T)] = getattr(mirrored, name)
        expected[tuple(view.coords.T)] = getattr(view, name)
        np.testing.assert_array_equal(dense, np.flip(expected, axis))
    again = transforms.on_view(mirrored, transforms.flip, flips)
    for name in ("coords", "values", *TRUTH_COLUMNS):
        np.testing.assert_array_equal(getattr(again, name), getattr(view, name))


def test_a_flip_along_an_axis_that_is_not_there_is_refused(make_view):
    pixels = Pixels.of([make_view(np.random.default_rng(0), 3)])
    with pytest.raises(InputError, match=r"flips have shape \(1, 3\)"):
        transforms.flip(pixels, np.ones((1, 3), bool))


def test_equal_parts_are_named_by_the_first():
    coords = np.array([[0, 0], [0, 1], [1, 0]], np.int32)
    columns: dict[str, np.ndarray] = {
        "labels": np.array([3, 1, 2], np.int8),
        "rows": np.arange(3, dtype=np.int32),
    }
    pixels = Pixels(coords, np.array([2.0, 5.0, 5.0], np.float32), np.array([3]), (2, 2), columns)
    coarse_one = transforms.coarsen(pixels, 2)
    assert coarse_one.columns["labels"].tolist() == coarse_one.columns["rows"].tolist() == [1]
