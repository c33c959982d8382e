"""The window of a crop: inside the image, holding what it should, nothing in it lost or moved."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jaxsparse.data import transforms
from jaxsparse.data.crop import KEEP, choose_windows, window_shape
from jaxsparse.data.pixels import Pixels
from jaxsparse.data.schema import PIXEL_COLUMNS, View
from jaxsparse.data.validation import check_view
from jaxsparse.errors import InputError


def draws(*seeds: int):
    """What windows are drawn from: one seed an event."""
    return lambda number: np.array(
        [np.random.default_rng((seed, number)).random() for seed in seeds]
    )


def choose_window(view: View, shape, *, keep: str, seed: int) -> tuple[int, ...]:
    (start,) = choose_windows(Pixels.of([view]), shape, keep=keep, draw=draws(seed))
    return tuple(start.tolist())


def crop(view: View, shape, *, keep: str, seed: int) -> View:
    window = window_shape(view.shape, shape)
    start = np.array([choose_window(view, window, keep=keep, seed=seed)])
    return transforms.on_view(view, transforms.crop, start, window)


@st.composite
def views_and_windows(draw):
    dim = draw(st.sampled_from([2, 3]))
    shape = tuple(draw(st.integers(1, 24)) for _ in range(dim))
    window = tuple(draw(st.integers(1, 30)) for _ in range(dim))
    pixels = draw(st.integers(0, min(40, int(np.prod(shape)))))
    return shape, window, pixels, draw(st.integers(0, 2**31))


@settings(max_examples=80, deadline=None)
@given(case=views_and_windows(), keep=st.sampled_from(KEEP))
def test_a_crop_is_the_part_of_the_image_in_its_window(make_view, case, keep):
    shape, window, pixels, seed = case
    view = make_view(np.random.default_rng(seed), pixels, shape)
    small = crop(view, window, keep=keep, seed=seed)
    assert small.shape == tuple(map(min, window, shape))
    check_view(small, num_particles=4, num_classes=5, where="crop")
    start = choose_window(view, small.shape, keep=keep, seed=seed)
    assert all(0 <= s <= n - w for s, n, w in zip(start, shape, small.shape, strict=True))

    # Independently: look every pixel of the window up in the image, one at a time.
    rows = {tuple(pixel): row for row, pixel in enumerate(view.coords.tolist())}
    inside = [
        pixel
        for pixel in rows
        if all(s <= x < s + w for x, s, w in zip(pixel, start, small.shape, strict=True))
    ]
    assert len(small) == len(inside)
    for row, pixel in enumerate((small.coords + np.array(start)).tolist()):
        for column in PIXEL_COLUMNS[1:]:
            assert getattr(small, column)[row] == getattr(view, column)[rows[tuple(pixel)]]


@settings(max_examples=60, deadline=None)
@given(case=views_and_windows())
def test_the_vertex_stays_and_an_interaction_that_fits_stays_whole(make_view, case):
    shape, window, pixels, seed = case
    view = make_view(np.random.default_rng(seed), pixels, shape)
    if pixels == 0:
        return
    small = crop(view, window, keep="interaction", seed=seed)
    assert np.min(np.asarray(small.vertex_distance)) == 0
    extent = np.ptp(view.coords[view.interaction], axis=0)
    if (extent < np.array(small.shape)).all():
        assert np.sum(np.asarray(small.interaction)) == view.interaction.sum()


def line(length: int, shape=(50, 200), wire: int = 100) -> View:
    """A straight interaction along the wires from a vertex at ``wire``."""
    coords = np.stack([np.full(length, 20), np.arange(wire, wire + length)], axis=1)
    return View(
        coords.astype(np.int32), np.ones(length, np.float32), shape,
        vertex_distance=np.arange(length, dtype=np.float32), interaction=np.ones(length, bool),
    )  # fmt: skip


def test_as_much_of_a_long_interaction_as_fits_is_kept():
    for seed in range(10):
        small = crop(line(80), (16, 32), keep="interaction", seed=seed)
        # Any window with the vertex (the left end) holds at most 32 of the 80 pixels.
        assert len(small) == 32
        assert np.min(np.asarray(small.vertex_distance)) == 0


def test_the_interaction_lies_anywhere_in_the_window():
    starts = {
        choose_window(line(20), (16, 32), keep="interaction", seed=seed) for seed in range(400)
    }
    assert {first for first, _ in starts} == set(range(5, 21))
    assert {second for _, second in starts} == set(range(88, 101))


def test_a_vertex_far_from_what_was_seen_of_the_interaction_is_kept_alone():
    # A photon: nothing at the vertex but a pixel of a muon, the shower starts 100 wires further.
    coords = np.array([[20, 10], [20, 110], [20, 111]], np.int32)
    view = View(
        coords, np.ones(3, np.float32), (50, 200),
        vertex_distance=np.array([0, 100, 101], np.float32), interaction=np.array([0, 1, 1], bool),
    )  # fmt: skip
    small = crop(view, (16, 32), keep="interaction", seed=0)
    assert np.asarray(small.vertex_distance).tolist() == [0]


@pytest.mark.parametrize("truth", ["none", "cosmics only"])
def test_without_an_interaction_a_site_is_kept(make_view, truth):
    view = make_view(np.random.default_rng(0), 5, (300, 300))
    if truth == "none":
        view = View(view.coords, view.values, view.shape)
    else:
        view = dataclasses.replace(
            view, interaction=np.zeros(5, bool), vertex_distance=np.full(5, np.inf, np.float32)
        )
    counts = [len(crop(view, (16, 16), keep="interaction", seed=seed)) for seed in range(20)]
    assert min(counts) >= 1


def test_the_densest_window_holds_the_cluster():
    rng = np.random.default_rng(0)
    cluster = np.unique(rng.integers([100, 150], [110, 160], (60, 2)), axis=0)
    noise = np.array([[0, 0], [5, 200], [180, 20]])
    coords = np.unique(np.concatenate([cluster, noise]), axis=0).astype(np.int32)
    view = View(coords, np.ones(len(coords), np.float32), (190, 220))
    small = crop(view, (32, 32), keep="densest", seed=0)
    assert len(small) == len(cluster)


def test_an_empty_image_gives_an_empty_crop(make_view):
    empty = make_view(np.random.default_rng(0), 0)
    for keep in KEEP:
        small = crop(empty, (16, 16), keep=keep, seed=0)
        assert len(small) == 0
        assert small.shape == (16, 16)


@settings(max_examples=40, deadline=None)
@given(case=views_and_windows(), keep=st.sampled_from(KEEP), seed=st.integers(0, 2**31))
def test_many_events_get_the_windows_that_each_would_get_alone(make_view, case, keep, seed):
    shape, window, pixels, _ = case
    window = window_shape(shape, window)
    rng = np.random.default_rng(seed)
    views = [make_view(rng, count, shape) for count in (pixels, 0, pixels // 2, pixels)]
    seeds = range(len(views))
    together = choose_windows(Pixels.of(views), window, keep=keep, draw=draws(*seeds))
    alone = [choose_window(v, window, keep=keep, seed=s) for v, s in zip(views, seeds, strict=True)]
    assert [tuple(start) for start in together.tolist()] == alone


@pytest.mark.parametrize("shape", [(0, 16), (16,), (-1, 4), (16, 16, 16)])
def test_windows_that_are_none_are_refused(shape):
    with pytest.raises(InputError, match=r"data\.crop is"):
        crop(line(5), shape, keep="random", seed=0)


def test_an_unknown_keep_is_refused():
    with pytest.raises(InputError, match=r"data\.crop_keep is 'best'"):
        crop(line(5), (8, 8), keep="best", seed=0)
