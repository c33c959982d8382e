"""What happens to images between file and network: mask, crop, flip, shift, drop, coarsen, halo.

Pure functions from :class:`Pixels` to :class:`Pixels`, numpy only, many events at once, for images
of any number of axes. Truth and links stay with their pixel, rows stay in lexicographic order.
``docs/transforms.md`` shows each with a picture.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from jaxsparse.data.cells import cell_numbers
from jaxsparse.data.gathered import GATHERED, is_gathered, is_gathered_value
from jaxsparse.data.merging import merged_columns
from jaxsparse.data.pixels import Pixels
from jaxsparse.data.schema import PixelColumn, View, column_rule
from jaxsparse.errors import InputError

# ``rows``: where a pixel stands in the file's list of its event and view.
ROWS = PixelColumn(np.dtype(np.int32), -1, "largest")


def _column(name: str) -> PixelColumn:
    if name == "rows":
        return ROWS
    return GATHERED if is_gathered(name) else column_rule(name)


def on_view(view: View, transform: Callable[..., Pixels], *options: Any) -> View:
    """One of the transforms of this module on a single image.

    >>> view = View(np.array([[0], [1]]), np.array([9.9, 10]), (3,))
    >>> on_view(view, mask, 10, 300).coords.tolist()
    [[1]]
    """
    return transform(Pixels.of([view]), *options).views()[0]


def mask(pixels: Pixels, low: float, high: float) -> Pixels:
    """Keep the pixels with ``low <= value <= high`` (both ends kept).

    Of SparseSSNet's 10 to 300 ADC: below is noise, above are shorts and artefacts.

    Raises:
      InputError: ``low`` is above ``high``.

    >>> pixels = Pixels(np.array([[0], [1], [2]]), np.array([9.9, 10, 301]), np.array([3]), (3,))
    >>> mask(pixels, 10.0, 300.0).coords.tolist()
    [[1]]
    """
    if not low <= high:
        raise InputError(f"data.low is {low} and data.high is {high}: they must be low <= high")
    return pixels.take((pixels.values >= low) & (pixels.values <= high))


def inside(pixels: Pixels, starts: np.ndarray, shape: Sequence[int]) -> Pixels:
    """The pixels in a window of every event, where they were in an image of the same shape.

    Args:
      pixels: images.
      starts: int64 ``[events, dim]``, first corners.
      shape: of the windows.
    """
    moved = pixels.coords - _at_each_pixel(starts, pixels)
    return pixels.take(_within(moved, shape))


def crop(pixels: Pixels, starts: np.ndarray, shape: Sequence[int]) -> Pixels:
    """The pixels in a window of every event, with coordinates counted from its first corner.

    :func:`jaxsparse.data.crop.choose_windows` says which windows.

    >>> pixels = Pixels(np.array([[3, 90], [60, 2]]), np.array([5.0, 6.0]), np.array([2]), (64, 99))
    >>> small = crop(pixels, np.array([[50, 0]]), (16, 16))
    >>> small.coords.tolist(), small.values.tolist(), small.lengths.tolist(), small.shape
    ([[10, 2]], [6.0], [1], (16, 16))
    """
    moved = pixels.coords - _at_each_pixel(starts, pixels)
    shape = tuple(int(side) for side in shape)
    stay = _within(moved, shape)
    return dataclasses.replace(pixels, coords=moved, shape=shape).take(stay)


def flip(pixels: Pixels, flips: np.ndarray) -> Pixels:
    """Mirrors images along some axes: coordinate c becomes ``shape[axis] - 1 - c``.

    What physics says about it (``docs/transforms.md`` gives the numbers): turning the detector by
    180 degrees about the drift axis is a symmetry of the interactions and reverses the wires of all
    three planes, so a wire flip is exact for one plane up to the direction of gravity and beam.
    A time flip is a mirror of the drift axis: exact but for attenuation and diffusion along the
    drift, which change charge and width by less than they vary between particles.

    Args:
      pixels: images.
      flips: boolean ``[events, dim]``.

    >>> pixels = Pixels(np.array([[0, 1], [2, 0]]), np.array([5.0, 6.0]), np.array([2]), (3, 2))
    >>> flipped = flip(pixels, np.array([[True, False]]))
    >>> flipped.coords.tolist(), flipped.values.tolist()
    ([[0, 0], [2, 1]], [6.0, 5.0])
    """
    if flips.shape != (len(pixels.lengths), len(pixels.shape)):
        raise InputError(
            f"flips have shape {flips.shape}: there are {len(pixels.lengths)} events with images "
            f"of {len(pixels.shape)} axes, give one boolean for each"
        )
    if not flips.any():
        return pixels
    coords = pixels.coords.copy()
    for axis in np.flatnonzero(flips.any(axis=0)):
        column = coords[:, axis]
        mirrored = pixels.shape[axis] - 1 - column
        coords[:, axis] = np.where(pixels.per_event(flips[:, axis]), mirrored, column)
    turned = dataclasses.replace(pixels, coords=coords)
    return turned.order(np.argsort(turned.cells))


def shift(pixels: Pixels, steps: np.ndarray) -> Pixels:
    """Moves images by whole pixels; what leaves the image is lost.

    Args:
      pixels: images.
      steps: integer ``[events, dim]``.

    >>> pixels = Pixels(np.array([[0, 1], [2, 0]]), np.array([5.0, 6.0]), np.array([2]), (3, 2))
    >>> moved = shift(pixels, np.array([[1, 0]]))
    >>> moved.coords.tolist(), moved.values.tolist(), moved.lengths.tolist()
    ([[1, 1]], [5.0], [1])
    """
    coords = pixels.coords + _at_each_pixel(steps, pixels)
    return dataclasses.replace(pixels, coords=coords).take(_within(coords, pixels.shape))


def scale(pixels: Pixels, factors: np.ndarray) -> Pixels:
    """Multiplies all values of every event by its factor, float32 ``[events]``; no further ones."""
    factor = pixels.per_event(factors)
    columns = {
        name: column * factor if is_gathered_value(name) else column
        for name, column in pixels.columns.items()
    }
    return dataclasses.replace(pixels, values=pixels.values * factor, columns=columns)


def coarsen(pixels: Pixels, factor: int) -> Pixels:
    """Images whose pixels are the sums of blocks of ``factor`` pixels along every axis.

    The last block of an axis may be cut: a length n becomes ``ceil(n / factor)``. Class, instance
    and interaction of a block are those of its part with most charge (of equal ones the first);
    it is as near to the vertex as its nearest part, in pixels of the new size, and has the
    overlap of the part with most. Its share is what its parts are known to have of its instance:
    what the instance left in parts that another one names is not known.
    :data:`~jaxsparse.data.schema.TRUTH_COLUMNS` says so. Links lead
    where those of its parts do (:meth:`~jaxsparse.data.links.Links.merged`).

    >>> pixels = Pixels(np.array([[0, 1], [2, 0]]), np.array([5.0, 6.0]), np.array([2]), (3, 2))
    >>> coarse = coarsen(pixels, 2)
    >>> coarse.coords.tolist(), coarse.values.tolist(), coarse.shape
    ([[0, 0], [1, 0]], [5.0, 6.0], (2, 1))
    """
    if factor == 1:
        return pixels
    shape = tuple(-(-side // factor) for side in pixels.shape)
    size = math.prod(shape)
    keys = pixels.event * size + cell_numbers(pixels.coords // factor, shape)
    blocks, block = np.unique(keys, return_inverse=True)
    values = np.bincount(block, weights=pixels.values, minlength=len(blocks))
    event, cell = np.divmod(blocks, size)
    rules = {name: _column(name).merged for name in pixels.columns}
    return Pixels(
        _places(cell, shape),
        values.astype(np.float32),
        np.bincount(event, minlength=len(pixels.lengths)).astype(np.int64),
        shape,
        merged_columns(pixels.columns, pixels.values, rules, block, len(blocks), factor),
        {to: links.merged(block, pixels.values, len(blocks)) for to, links in pixels.links.items()},
    )


def halo(pixels: Pixels, radius: int, value: float = 0.0) -> Pixels:
    """Adds the empty pixels within ``radius`` of an active one along every axis.

    They have no class, no instance, no other truth and no links.

    Args:
      pixels: images.
      radius: in pixels; 0 adds none.
      value: of the pixels that are added.

    >>> pixels = Pixels(np.array([[0, 1], [2, 0]]), np.array([5.0, 6.0]), np.array([2]), (3, 2))
    >>> wider = halo(pixels, 1)
    >>> wider.coords.tolist(), wider.values.tolist()
    ([[0, 0], [0, 1], [1, 0], [1, 1], [2, 0], [2, 1]], [0.0, 5.0, 0.0, 0.0, 6.0, 0.0])
    """
    if radius == 0:
        return pixels
    shape, size = pixels.shape, math.prod(pixels.shape)
    steps = np.stack(np.meshgrid(*[np.arange(-radius, radius + 1)] * len(shape)), axis=-1)
    keys = []
    for step in steps.reshape(-1, len(shape)):
        coords = pixels.coords + step.astype(pixels.coords.dtype)
        stay = _within(coords, shape)
        keys.append(pixels.event[stay] * size + cell_numbers(coords[stay], shape))
    cells = np.unique(np.concatenate(keys))
    own = np.searchsorted(cells, pixels.cells)

    def spread(column: np.ndarray, other: float) -> np.ndarray:
        wide = np.full(len(cells), other, column.dtype)
        wide[own] = column
        return wide

    event, cell = np.divmod(cells, size)
    return Pixels(
        _places(cell, shape),
        spread(pixels.values, value),
        np.bincount(event, minlength=len(pixels.lengths)).astype(np.int64),
        shape,
        {name: spread(column, _column(name).none) for name, column in pixels.columns.items()},
        {to: links.spread(own, len(cells)) for to, links in pixels.links.items()},
    )


def _at_each_pixel(vectors: np.ndarray, pixels: Pixels) -> np.ndarray:
    """``[pixels, dim]``: the vector of its event at every pixel, of the type of coordinates."""
    return vectors.astype(pixels.coords.dtype).repeat(pixels.lengths, axis=0)


def _within(coords: np.ndarray, shape: Sequence[int]) -> np.ndarray:
    """boolean ``[pixels]``: which lie in an image; one axis after the other is the fastest."""
    stay = np.ones(len(coords), bool)
    for column, side in zip(coords.T, shape, strict=True):
        stay &= (column >= 0) & (column < side)
    return stay


def _places(cells: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    """int32 ``[pixels, dim]``: coordinates of cells by their C-order number."""
    return np.stack(np.unravel_index(cells, shape), axis=1).astype(np.int32)
