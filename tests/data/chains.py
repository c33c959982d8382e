"""Chains of transforms on many images at once beside one pixel at a time, in plain Python."""

from __future__ import annotations

import itertools
import math
from typing import Any

import numpy as np
from hypothesis import strategies as st

from jaxsparse.data import transforms
from jaxsparse.data.pixels import Pixels
from jaxsparse.data.schema import TRUTH_COLUMNS, View
from jaxsparse.data.validation import check_view

NONE = {
    "labels": -1,
    "instance": -1,
    "vertex_distance": np.inf,
    "interaction": 0,
    "overlap": 0,
    "share": 0,
    "primary_share": 0,
    "along": np.nan,
    "along_spread": np.nan,
    "time": np.nan,
}

# An image the naive way: cell -> (value, truth by name). The latter has "links" too: by name of a
# view its rows with their shares.
Image = dict[tuple[int, ...], tuple[float, dict[str, Any]]]


def image_of(view: View) -> Image:
    """A view as a dictionary."""
    image: Image = {}
    for row, cell in enumerate(view.coords.tolist()):
        truth = {name: getattr(view, name)[row].item() for name in TRUTH_COLUMNS}
        truth |= {name: values[row].item() for name, values in view.further.items()}
        links = {
            to: {
                int(other): float(share)
                for owner, other, share in zip(one.owner, one.rows, one.shares, strict=True)
                if owner == row
            }
            for to, one in view.links.items()
        }
        image[tuple(cell)] = float(view.values[row]), {**truth, "links": links}
    return image


def assert_images(pixels: Pixels, images: list[Image], shape: tuple[int, ...]) -> None:
    """Every pixel has its value and its truth, and the list keeps to the rules of a file."""
    assert pixels.shape == shape
    for view, image in zip(pixels.views(), images, strict=True):
        check_view(view, num_particles=4, num_classes=5, where="transformed")
        found = image_of(view)
        assert found.keys() == image.keys()
        for cell, (value, truth) in image.items():
            np.testing.assert_allclose(found[cell][0], value, rtol=1e-5)
            for name in (*TRUTH_COLUMNS, *view.further):
                got = found[cell][1][name]
                np.testing.assert_allclose(got, truth[name], rtol=1e-5, err_msg=name)
            for to, links in found[cell][1]["links"].items():
                assert_shares(links, truth["links"].get(to, {}))


def assert_shares(found: dict[int, float], expected: dict[int, float]) -> None:
    """Equal shares of equal rows."""
    assert found.keys() == expected.keys()
    for row, share in expected.items():
        np.testing.assert_allclose(found[row], share, rtol=1e-5, atol=1e-7)


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
            self.images[event] = {cell: (7.0, {**NONE, "links": {}}) for cell in near} | image

    def events(self, kept=None):
        if kept is None:
            kept = np.flatnonzero(self.integers(0, 1, len(self.images)))
        self.pixels = self.pixels.events(kept)
        self.images = [self.images[place] for place in kept]


def coarse(image: Image, factor: int) -> Image:
    """Charge is summed; the part with most names the pixel, the nearest says how near it is."""
    blocks: dict[tuple[int, ...], list[tuple[float, dict[str, Any]]]] = {}
    for cell in sorted(image):
        blocks.setdefault(tuple(x // factor for x in cell), []).append(image[cell])
    made = {}
    for cell, parts in blocks.items():
        truth = dict(max(parts, key=lambda part: part[0])[1])
        if factor > 1:
            truth["vertex_distance"] = min(part[1]["vertex_distance"] for part in parts) / factor
            truth["overlap"] = max(part[1]["overlap"] for part in parts)
            charges = charges_of(parts)
            for name in ("share", "primary_share"):
                truth[name] = sum(
                    charge * part[1][name]
                    for charge, part in zip(charges, parts, strict=True)
                    if part[1]["instance"] == truth["instance"]
                ) / sum(charges)
            places = [
                (c, t["along"], t["along_spread"]) for c, (_, t) in zip(charges, parts, strict=True)
            ]
            truth["along"] = mean([(c, x) for c, x, _ in places])
            truth["along_spread"] = math.sqrt(
                mean([(c, s**2 + (x - truth["along"]) ** 2) for c, x, s in places])
            )
            truth["time"] = mean([(c, t["time"]) for c, (_, t) in zip(charges, parts, strict=True)])
            truth["links"] = linked_charge(parts)
        made[cell] = (sum(part[0] for part in parts), truth)
    return made


def charges_of(parts: list[tuple[float, dict[str, Any]]]) -> list[float]:
    """Charge of every part; 1 each if none has any."""
    charges = [max(value, 0.0) for value, _ in parts]
    return charges if sum(charges) else [1.0] * len(parts)


def mean(weighted: list[tuple[float, float]]) -> float:
    """Of the values that are known; NaN if none is."""
    known = [(weight, value) for weight, value in weighted if not math.isnan(value)]
    total = sum(weight for weight, _ in known)
    return sum(weight * value for weight, value in known) / total if total else math.nan


def linked_charge(parts: list[tuple[float, dict[str, Any]]]) -> dict[str, dict[int, float]]:
    """The charge that parts have in every row, as a share of all their charge."""
    charges = charges_of(parts)
    links: dict[str, dict[int, float]] = {}
    for charge, (_, truth) in zip(charges, parts, strict=True):
        for to, shares in truth["links"].items():
            merged = links.setdefault(to, {})
            for row, share in shares.items():
                merged[row] = merged.get(row, 0.0) + charge * share / sum(charges)
    return links


STEPS = ("mask", "flip", "shift", "crop", "coarsen", "scale", "halo", "events")
