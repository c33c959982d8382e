"""Lists of pixels of many events: joined, cut, taken from, and counted level by level."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jaxsparse.data import pixels as module
from jaxsparse.data.pixels import Pixels
from jaxsparse.data.schema import PIXEL_COLUMNS, View
from jaxsparse.errors import InputError


def test_images_are_joined_and_cut_without_a_loss(make_view):
    rng = np.random.default_rng(0)
    views = [make_view(rng, pixels) for pixels in (3, 0, 7)]
    for before, after in zip(views, Pixels.of(views).views(), strict=True):
        for name in PIXEL_COLUMNS:
            np.testing.assert_array_equal(getattr(after, name), getattr(before, name))
    assert len(Pixels.of([], (4, 5))) == 0


def test_a_column_that_one_image_lacks_is_left_out(make_view):
    view = make_view(np.random.default_rng(0), 3)
    bare = View(view.coords, view.values, view.shape, labels=view.labels)
    assert set(Pixels.of([view, bare]).columns) == {"labels"}


@pytest.mark.parametrize("rows", [np.array([1, 2]), np.ones(3), [True, True], slice(2)])
def test_pixels_are_taken_by_a_mask_of_all_of_them_only(make_view, rows):
    pixels = Pixels.of([make_view(np.random.default_rng(0), 3)])
    with pytest.raises(InputError, match="must be one boolean for each of the 3 pixels"):
        pixels.take(rows)


@settings(max_examples=60, deadline=None)
@given(
    shape=st.sampled_from([(7, 9), (33, 2), (4, 5, 6), (1, 1)]),
    lengths=st.lists(st.integers(0, 12), min_size=1, max_size=4),
    seed=st.integers(0, 2**31),
    ticked=st.sampled_from([0, 10**6]),
)
def test_sites_of_a_level_are_the_distinct_halved_pixels(make_view, shape, lengths, seed, ticked):
    rng = np.random.default_rng(seed)
    lengths = [min(length, int(np.prod(shape))) for length in lengths]
    views = [make_view(rng, length, shape) for length in lengths]
    before, module.TICKED = module.TICKED, ticked  # both ways to count
    try:
        counts = Pixels.of(views).level_counts(4)
    finally:
        module.TICKED = before
    for view, row in zip(views, counts.tolist(), strict=True):
        expected = [len({tuple(c >> level) for c in view.coords}) for level in range(4)]
        assert row == expected


def test_more_cells_than_can_be_numbered_are_refused():
    """With numbers that had wrapped, pixels went from one event to another."""
    shape, coords = (2**20, 2**20, 2**20), np.zeros((20, 3), np.int32)
    with pytest.raises(InputError, match=r"20 images of shape .* have 2\*\*63 cells or more"):
        Pixels(coords, np.ones(20, np.float32), np.ones(20, np.int64), shape)
    pixels = Pixels(coords[:7], np.ones(7, np.float32), np.ones(7, np.int64), shape)
    assert len(np.unique(pixels.cells)) == 7
