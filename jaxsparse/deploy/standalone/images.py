"""From the pixels of a caller to what a network takes: numpy, any order of rows."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from jaxsparse.deploy.standalone.error import ModelError
from jaxsparse.deploy.standalone.shapes import may_be_swapped


class Transform(NamedTuple):
    """What lies between the values of pixels and features.

    Attributes:
      low, high: pixels with ``low <= value <= high`` are seen.
      coarsen: blocks of so many pixels along every axis become one, with the sum of their values.
      halo: empty pixels so near to an active one are sites.
      mean, std: features are ``(value - mean) / std``.
    """

    low: float
    high: float
    coarsen: int
    halo: int
    mean: float
    std: float

    def sees(self, values: np.ndarray) -> np.ndarray:
        """bool ``[pixels]``: which lie within the mask."""
        single = values.astype(np.float32)
        return (single >= self.low) & (single <= self.high)


class Sites(NamedTuple):
    """An image as a network takes it.

    Attributes:
      coords: int32 ``[sites, dim]``, in lexicographic order.
      features: float32 ``[sites]``.
      shape: of the image.
      rows: int64 ``[pixels]``: which site a pixel of the caller is part of; -1 outside of the mask.
      charge: float32 ``[sites]``, values that features are made of.
      values: float32, of all pixels of the size that the network sees, in or outside of the mask.
      reach: largest coordinate of the caller's pixels along every axis.
    """

    coords: np.ndarray
    features: np.ndarray
    shape: tuple[int, ...]
    rows: np.ndarray
    charge: np.ndarray
    values: np.ndarray
    reach: tuple[int, ...]

    def level_counts(self, levels: int) -> list[int]:
        """Distinct sites once coordinates are halved again and again."""
        counts = [len(self.coords)]
        for level in range(1, levels):
            shape = [(side - 1 >> level) + 1 for side in self.shape]
            counts.append(len(np.unique(cells(self.coords >> level, shape))))
        return counts

    def of_pixels(self, said: np.ndarray, outside: float = np.nan) -> np.ndarray:
        """What is said of sites for every pixel of the caller, ``outside`` of the mask too."""
        found = np.full((len(self.rows), *said.shape[1:]), outside, said.dtype)
        seen = self.rows >= 0
        found[seen] = said[self.rows[seen]]
        return found

    def padded(self, capacity: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Coordinates with the event's number before them, features, and the number of sites."""
        number, dim = self.coords.shape
        coords = np.full((capacity, 1 + dim), -1, np.int32)
        coords[:number, 0], coords[:number, 1:] = 0, self.coords
        features = np.zeros((capacity, 1), np.float32)
        features[:number, 0] = self.features
        return coords, features, np.array(number, np.int32)


def sites_of(
    name: str, shape: Sequence[int], coords: Any, values: Any, transform: Transform
) -> Sites:
    """The sites of an image.

    Args:
      name: of the view, for messages.
      shape: that coordinates must lie in.
      coords: whole numbers ``[pixels, dim]``, every pixel once.
      values: finite numbers ``[pixels]``.
      transform: what becomes of them.

    Raises:
      ModelError: other arrays, or an image that is larger.

    >>> transform = Transform(low=1, high=9, coarsen=1, halo=0, mean=0, std=2)
    >>> sites = sites_of("Y", (8, 8), [[5, 1], [0, 3], [0, 2]], [6, 0.5, 4], transform)
    >>> sites.coords.tolist(), sites.features.tolist(), sites.rows.tolist()
    ([[0, 2], [5, 1]], [2.0, 3.0], [1, -1, 0])
    """
    coords, values = _checked(name, shape, coords, values)
    reach = tuple(coords.max(axis=0, initial=0).tolist())
    _, given, _ = _coarsened(coords, values, shape, transform.coarsen)
    seen = transform.sees(values)
    coords, values, block = _coarsened(coords[seen], values[seen], shape, transform.coarsen)
    shape = tuple(-(-side // transform.coarsen) for side in shape)
    mean = np.float32(transform.mean)
    coords, values, place = _widened(coords, values, shape, transform.halo, mean)
    rows = np.full(len(seen), -1, np.int64)
    rows[seen] = place[block]
    features = (values - mean) / np.float32(transform.std)
    return Sites(coords, features, shape, rows, values, given, reach)


def cells(coords: np.ndarray, shape: Sequence[int]) -> np.ndarray:
    """int64 ``[pixels]``: numbers of the cells, increasing in lexicographic order.

    >>> cells(np.array([[0, 3], [2, 1]]), (4, 10)).tolist()
    [3, 21]
    """
    strides = [math.prod(shape[axis + 1 :]) for axis in range(len(shape))]
    return coords.astype(np.int64) @ np.array(strides, np.int64)


def _checked(
    name: str, shape: Sequence[int], coords: Any, values: Any
) -> tuple[np.ndarray, np.ndarray]:
    """Coordinates int64, values float32."""
    if np.ma.is_masked(coords) or np.ma.is_masked(values):
        raise ModelError(f"view {name}: a masked array, leave the masked pixels out")
    try:
        coords, values = np.asarray(coords), np.asarray(values)
    except ValueError:
        raise ModelError(f"view {name}: coords and values must be arrays of numbers") from None
    if not coords.size:
        coords = np.zeros((0, len(shape)), np.int64)
    if values.ndim != 1 or coords.shape != (len(values), len(shape)):
        raise ModelError(
            f"view {name}: coords are {list(coords.shape)} and values {list(values.shape)}, they "
            f"must be [pixels, {len(shape)}] and [pixels]"
        )
    largest = np.finfo(np.float32).max
    if values.dtype.kind not in "iuf" or not ((values >= 0) & (values <= largest)).all():
        raise ModelError(
            f"view {name}: values must be finite numbers and not negative, leave other pixels out"
        )
    whole = coords.dtype.kind in "iu" or (
        coords.dtype.kind == "f" and np.isfinite(coords).all() and not (coords % 1).any()
    )
    if not whole or (coords < 0).any():
        raise ModelError(f"view {name}: coords must be whole numbers, counted from 0")
    if (coords >= np.array(shape)).any():
        reach = coords.max(axis=0).tolist()
        swapped = "are the axes swapped? Else " if may_be_swapped(reach, shape) else ""
        raise ModelError(
            f"view {name}: coords go up to {reach} but the model takes images of {list(shape)}, "
            f"counted from 0: {swapped}export it with a larger --shape"
        )
    coords = coords.astype(np.int64)
    if len(np.unique(cells(coords, shape))) != len(coords):
        raise ModelError(f"view {name}: coords have a pixel twice, give every pixel once")
    return coords, values.astype(np.float32)


def _coarsened(
    coords: np.ndarray, values: np.ndarray, shape: Sequence[int], factor: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Blocks in order, the sums of their values, and which block every pixel is part of."""
    shape = [-(-side // factor) for side in shape]
    numbers, block = np.unique(cells(coords // factor, shape), return_inverse=True)
    sums = np.bincount(block, weights=values, minlength=len(numbers))
    return _places(numbers, shape), sums.astype(np.float32), block


def _widened(
    coords: np.ndarray, values: np.ndarray, shape: Sequence[int], radius: int, empty: np.float32
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """With the empty pixels within a radius, in order, and where each pixel is among them."""
    if not radius:
        return coords, values, np.arange(len(coords))
    near = []
    for step in itertools.product(range(-radius, radius + 1), repeat=len(shape)):
        moved = coords + np.array(step)
        inside = ((moved >= 0) & (moved < np.array(shape))).all(axis=1)
        near.append(cells(moved[inside], shape))
    numbers = np.unique(np.concatenate(near))
    place = np.searchsorted(numbers, cells(coords, shape))
    wide = np.full(len(numbers), empty, np.float32)
    wide[place] = values
    return _places(numbers, shape), wide, place


def _places(numbers: np.ndarray, shape: Sequence[int]) -> np.ndarray:
    """int32 ``[pixels, dim]``: the coordinates of cells."""
    return np.stack(np.unravel_index(numbers, tuple(shape)), axis=1).astype(np.int32)
