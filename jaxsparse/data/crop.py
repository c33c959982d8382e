"""Cuts a window out of an image so that what matters stays in it; 2-D and 3-D alike."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from jaxsparse.data.schema import View
from jaxsparse.errors import InputError

KEEP = ("interaction", "random", "densest")
GRID = 8  # "densest" tries windows at steps of an eighth of their side


def crop(view: View, shape: Sequence[int], *, keep: str, rng: np.random.Generator) -> View:
    """The pixels in one window of ``shape``, with coordinates counted from its corner.

    Which window (:func:`choose_window`) ``keep`` says:

    - ``"interaction"``: at random among those that hold the vertex and as much of the interaction
      as fits; an image without interaction is cut as by ``"random"``.
    - ``"random"``: at random among those that hold one pixel drawn at random.
    - ``"densest"``: the one with most pixels, on a grid of steps of an eighth of the window.

    Args:
      view: image; an axis shorter than the window is kept whole.
      shape: sides of the window in pixels, one an axis.
      keep: see above.
      rng: draws the window.

    Returns:
      A view of shape ``min(shape, view.shape)``; rows stay in lexicographic order.

    Raises:
      InputError: a side that is not positive, a wrong number of sides, an unknown ``keep``.

    >>> coords = np.array([[3, 90], [60, 2]], np.int32)
    >>> view = View(coords, np.ones(2, np.float32), (64, 100), interaction=np.array([True, False]))
    >>> small = crop(view, (16, 16), keep="interaction", rng=np.random.default_rng(0))
    >>> small.shape, len(small)
    ((16, 16), 1)
    """
    window = window_shape(view.shape, shape)
    return cut(view, choose_window(view, window, keep=keep, rng=rng), window)


def window_shape(image: Sequence[int], shape: Sequence[int]) -> tuple[int, ...]:
    """Sides of the window that is really cut: ``shape``, or the image where that is smaller."""
    if len(shape) != len(image) or min(shape, default=0) < 1:
        raise InputError(
            f"data.crop is {tuple(shape)}: it needs one positive side for each axis of the image "
            f"{tuple(image)}, or () for the whole image"
        )
    return tuple(min(int(side), int(size)) for side, size in zip(shape, image, strict=True))


def cut(view: View, start: Sequence[int], shape: Sequence[int]) -> View:
    """The pixels with ``start <= coords < start + shape``, counted from ``start``."""
    moved = view.coords - np.asarray(start, np.int32)
    inside = np.all((moved >= 0) & (moved < np.asarray(shape, np.int32)), axis=1)
    return view.take(inside, coords=moved[inside], shape=tuple(int(side) for side in shape))


def choose_window(
    view: View, shape: Sequence[int], *, keep: str, rng: np.random.Generator
) -> tuple[int, ...]:
    """First corner of the window that :func:`crop` cuts; ``shape`` must fit in the image."""
    if keep not in KEEP:
        raise InputError(f"data.crop_keep is {keep!r}: it must be one of {', '.join(KEEP)}")
    if len(view) == 0:
        return (0,) * len(view.shape)
    if keep == "densest":
        return _densest_window(view, shape)
    if keep == "interaction" and view.interaction is not None and view.interaction.any():
        return _interaction_window(view, shape, rng)
    site = view.coords[rng.integers(len(view))]
    return tuple(
        _draw(site[axis], site[axis], side, view.shape[axis], rng)
        for axis, side in enumerate(shape)
    )


def _interaction_window(
    view: View, shape: Sequence[int], rng: np.random.Generator
) -> tuple[int, ...]:
    """Axis by axis: random where the interaction fits, else where most of it is inside.

    A later axis counts only the pixels that the windows of the earlier axes kept.
    """
    assert view.interaction is not None
    pixels = view.coords[view.interaction]
    vertex = _vertex_pixel(view)
    start = []
    for axis, side in enumerate(shape):
        positions, size = pixels[:, axis], view.shape[axis]
        first, last = positions.min(), positions.max()
        if vertex is not None:
            first, last = min(first, vertex[axis]), max(last, vertex[axis])
        if last - first < side:
            corner = _draw(first, last, side, size, rng)
        else:
            corner = _fullest(positions, side, size, None if vertex is None else vertex[axis], rng)
        start.append(corner)
        pixels = pixels[(positions >= corner) & (positions < corner + side)]
        if len(pixels) == 0:  # only the vertex is left: follow it along the other axes
            assert vertex is not None
            pixels = vertex[None]
    return tuple(start)


def _vertex_pixel(view: View) -> np.ndarray | None:
    """The pixel nearest to an interaction vertex, None if no vertex is seen in this view."""
    if view.vertex_distance is None or not np.isfinite(view.vertex_distance).any():
        return None
    return view.coords[np.argmin(view.vertex_distance)]


def _draw(first: int, last: int, side: int, size: int, rng: np.random.Generator) -> int:
    """A corner, uniform among the windows inside the image that hold ``[first, last]``."""
    low = max(0, int(last) - side + 1)
    high = min(int(first), size - side)
    return int(rng.integers(low, high + 1))


def _fullest(
    positions: np.ndarray, side: int, size: int, vertex: int | None, rng: np.random.Generator
) -> int:
    """A corner, uniform among those whose window holds the vertex and, to 1 %, the most pixels."""
    below = np.concatenate([[0], np.cumsum(np.bincount(positions, minlength=size))])
    low, high = 0, size - side
    if vertex is not None:
        low, high = max(low, int(vertex) - side + 1), min(high, int(vertex))
    corners = np.arange(low, high + 1)
    inside = below[corners + side] - below[corners]
    return int(rng.choice(corners[inside >= 0.99 * inside.max()]))


def _densest_window(view: View, shape: Sequence[int]) -> tuple[int, ...]:
    steps = [max(1, side // GRID) for side in shape]
    grid = [-(-size // step) for size, step in zip(view.shape, steps, strict=True)]
    cells = np.ravel_multi_index(tuple((view.coords // np.array(steps)).T), grid)
    counts = np.bincount(cells, minlength=int(np.prod(grid))).reshape(grid)
    for axis, (side, step) in enumerate(zip(shape, steps, strict=True)):
        below = np.insert(np.cumsum(counts, axis=axis), 0, 0, axis=axis)
        width = min(side // step, grid[axis])
        upper = np.take(below, np.arange(width, grid[axis] + 1), axis=axis)
        counts = upper - np.take(below, np.arange(grid[axis] + 1 - width), axis=axis)
    corner = np.unravel_index(np.argmax(counts), counts.shape)
    return tuple(
        min(int(cell) * step, size - side)
        for cell, step, size, side in zip(corner, steps, view.shape, shape, strict=True)
    )
