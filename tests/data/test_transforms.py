"""Mask and flips."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jaxsparse.data.schema import PIXEL_COLUMNS
from jaxsparse.data.transforms import flip, mask_adc
from jaxsparse.data.validation import check_view
from jaxsparse.errors import InputError

SHAPES = st.sampled_from([(7, 9), (1, 30), (4, 5, 6)])


def assert_same(first, second) -> None:
    for column in PIXEL_COLUMNS:
        np.testing.assert_array_equal(getattr(first, column), getattr(second, column))


def test_the_mask_keeps_both_ends_of_its_range(make_view):
    view = make_view(np.random.default_rng(0), 4)
    view.values[:] = [9.999, 10.0, 300.0, 300.1]
    kept = mask_adc(view, 10.0, 300.0)
    assert kept.values.tolist() == [10.0, 300.0]
    np.testing.assert_array_equal(kept.coords, view.coords[1:3])
    np.testing.assert_array_equal(kept.labels, view.labels[1:3])
    assert kept.shape == view.shape


def test_a_mask_the_wrong_way_round_is_refused(make_view):
    with pytest.raises(InputError, match=r"data\.low is 300\.0 and data\.high is 10\.0"):
        mask_adc(make_view(np.random.default_rng(0), 1), 300.0, 10.0)


@settings(max_examples=40, deadline=None)
@given(shape=SHAPES, pixels=st.integers(0, 20), seed=st.integers(0, 2**31), data=st.data())
def test_a_flip_mirrors_the_dense_image_and_undoes_itself(make_view, shape, pixels, seed, data):
    view = make_view(np.random.default_rng(seed), pixels, shape)
    axis = data.draw(st.integers(0, len(shape) - 1))
    mirrored = flip(view, axis)
    check_view(mirrored, num_particles=4, num_classes=5, where="flip")
    for column in PIXEL_COLUMNS[1:]:
        dense, expected = np.zeros(shape), np.zeros(shape)
        dense[tuple(mirrored.coords.T)] = getattr(mirrored, column)
        expected[tuple(view.coords.T)] = getattr(view, column)
        np.testing.assert_array_equal(dense, np.flip(expected, axis))
    assert_same(flip(mirrored, axis), view)


def test_a_flip_along_an_axis_that_is_not_there_is_refused(make_view):
    with pytest.raises(InputError, match="flip axis 2"):
        flip(make_view(np.random.default_rng(0), 3), 2)
