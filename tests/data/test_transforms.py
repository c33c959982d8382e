"""Transforms of many events at once against one event and one pixel at a time."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jaxsparse.data import transforms
from jaxsparse.data.pixels import Pixels
from jaxsparse.data.schema import TRUTH_COLUMNS
from jaxsparse.data.validation import check_view
from jaxsparse.errors import InputError

SHAPES = st.sampled_from([(7, 9), (1, 20), (4, 5, 6)])
NONE = {"labels": -1, "instance": -1, "vertex_distance": np.inf, "interaction": 0, "overlap": 0}

# An image the naive way: cell -> (value, truth by name).
Image = dict[tuple[int, ...], tuple[float, dict[str, float]]]


def image_of(view) -> Image:
    return {
        tuple(cell): (
            float(view.values[row]),
            {name: getattr(view, name)[row].item() for name in TRUTH_COLUMNS},
        )
        for row, cell in enumerate(view.coords.tolist())
    }


def assert_images(pixels: Pixels, images: list[Image], shape: tuple[int, ...]) -> None:
    """Every pixel has its value and its truth, and the list keeps to the rules of a file."""
    assert pixels.shape == shape
    for view, image in zip(pixels.views(), images, strict=True):
        check_view(view, num_particles=4, num_classes=5, where="transformed")
        found = image_of(view)
        assert found.keys() == image.keys()
        for cell, (value, truth) in image.items():
            np.testing.assert_allclose(found[cell][0], value, rtol=1e-5)
            for name, one in truth.items():
                np.testing.assert_allclose(found[cell][1][name], one, rtol=1e-5, err_msg=name)


class Chain:
    """Draws transforms with their options; applies each to the list and to every image."""

    def __init__(self, data, pixels: Pixels):
        self.draw, self.pixels, self.shape = data.draw, pixels, pixels.shape
        self.images = [image_of(view) for view in pixels.views()]

    def integers(self, low, high, *shape):
        size = math.prod(shape)
        numbers = st.lists(st.integers(int(low), int(high)), min_size=size, max_size=size)
        return np.array(self.draw(numbers), np.int64).reshape(shape)

    def moved(self, move) -> None:
        """``move(event, cell)`` is where a pixel goes, or None."""
        self.images = [
            {to: pixel for cell, pixel in image.items() if (to := move(event, cell)) is not None}
            for event, image in enumerate(self.images)
        ]

    def inside(self, cell):
        return cell if all(0 <= x < n for x, n in zip(cell, self.shape, strict=True)) else None

    def mask(self):
        low, high = np.sort(self.integers(0, 330, 2))
        self.pixels = transforms.mask(self.pixels, low, high)
        self.images = [
            {cell: pixel for cell, pixel in image.items() if low <= pixel[0] <= high}
            for image in self.images
        ]

    def flip(self):
        flips = self.integers(0, 1, len(self.images), len(self.shape)).astype(bool)
        self.pixels = transforms.flip(self.pixels, flips)
        self.moved(
            lambda event, cell: tuple(
                n - 1 - x if flip else x
                for x, n, flip in zip(cell, self.shape, flips[event], strict=True)
            )
        )

    def shift(self):
        steps = self.integers(-3, 3, len(self.images), len(self.shape))
        self.pixels = transforms.shift(self.pixels, steps)
        self.moved(lambda event, cell: self.inside(tuple((steps[event] + cell).tolist())))

    def crop(self):
        shape = tuple(int(self.integers(1, side, 1)[0]) for side in self.shape)
        starts = np.array(
            [
                [int(self.integers(0, n - w, 1)[0]) for n, w in zip(self.shape, shape, strict=True)]
                for _ in self.images
            ]
        )
        self.pixels = transforms.crop(self.pixels, starts, shape)
        self.shape = shape
        self.moved(lambda event, cell: self.inside(tuple((cell - starts[event]).tolist())))

    def coarsen(self):
        factor = int(self.integers(1, 3, 1)[0])
        self.pixels = transforms.coarsen(self.pixels, factor)
        self.shape = tuple(-(-side // factor) for side in self.shape)
        self.images = [coarse(image, factor) for image in self.images]

    def scale(self):
        factors = self.integers(1, 3, len(self.images)).astype(np.float32)
        self.pixels = transforms.scale(self.pixels, factors)
        self.images = [
            {cell: (value * factors[event], truth) for cell, (value, truth) in image.items()}
            for event, image in enumerate(self.images)
        ]

    def halo(self):
        radius = int(self.integers(0, 1, 1)[0])
        self.pixels = transforms.halo(self.pixels, radius, 7.0)
        steps = list(itertools.product(range(-radius, radius + 1), repeat=len(self.shape)))
        for event, image in enumerate(self.images):
            near = {
                cell
                for middle, step in itertools.product(image, steps)
                if (cell := self.inside(tuple(x + y for x, y in zip(middle, step, strict=True))))
            }
            self.images[event] = {cell: (7.0, dict(NONE)) for cell in near} | image

    def events(self):
        kept = np.flatnonzero(self.integers(0, 1, len(self.images)))
        self.pixels = self.pixels.events(kept)
        self.images = [self.images[place] for place in kept]


def coarse(image: Image, factor: int) -> Image:
    """Charge is summed; the part with most names the pixel, the nearest says how near it is."""
    blocks: dict[tuple[int, ...], list[tuple[float, dict[str, float]]]] = {}
    for cell in sorted(image):
        blocks.setdefault(tuple(x // factor for x in cell), []).append(image[cell])
    made = {}
    for cell, parts in blocks.items():
        truth = dict(max(parts, key=lambda part: part[0])[1])
        if factor > 1:
            truth["vertex_distance"] = min(part[1]["vertex_distance"] for part in parts) / factor
            truth["overlap"] = max(part[1]["overlap"] for part in parts)
        made[cell] = (sum(part[0] for part in parts), truth)
    return made


STEPS = ("mask", "flip", "shift", "crop", "coarsen", "scale", "halo", "events")


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
