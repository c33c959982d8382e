"""Which window to cut out of an image so that what matters stays in it; 2-D and 3-D alike."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence

import numpy as np

from jaxsparse.data.pixels import Pixels
from jaxsparse.errors import InputError

KEEP = ("interaction", "random", "densest")
COLUMNS = ("interaction", "vertex_distance")  # truth that "interaction" looks at, where there is
GRID = 8  # "densest" tries windows at steps of an eighth of their side
NEARLY_ALL = 0.99  # of the most pixels that a window can hold

# number of a draw -> float64 [events] in [0, 1)
Draw = Callable[[int], np.ndarray]


def window_shape(image: Sequence[int], shape: Sequence[int]) -> tuple[int, ...]:
    """Sides of the window that is really cut: ``shape``, or the image where that is smaller.

    Raises:
      InputError: a side that is not positive, a wrong number of sides.
    """
    if len(shape) != len(image) or min(shape, default=0) < 1:
        raise InputError(
            f"data.crop is {tuple(shape)}: it needs one positive side for each axis of the image "
            f"{tuple(image)}, or () for the whole image"
        )
    return tuple(min(int(side), int(size)) for side, size in zip(shape, image, strict=True))


def choose_windows(
    pixels: Pixels,
    shape: Sequence[int],
    *,
    keep: str,
    draw: Draw,
    first: np.ndarray | None = None,
) -> np.ndarray:
    """First corners of the windows, int64 ``[events, dim]``.

    - ``"interaction"``: at random among those that hold the vertex and as much of the interaction
      as fits; an image without interaction is cut as by ``"random"``.
    - ``"random"``: at random among those that hold one pixel drawn at random.
    - ``"densest"``: the one with most pixels, on a grid of steps of an eighth of the window.

    Args:
      pixels: images of some events.
      shape: sides of the window in pixels, none longer than the image's.
      keep: see above.
      draw: where all that is random comes from.
      first: int64 ``[events]``, corners along the first axis where they are settled: then only the
        pixels between them count.

    Raises:
      InputError: an unknown ``keep``.

    >>> coords = np.array([[3, 90], [60, 2]], np.int32)
    >>> columns = {"interaction": np.array([True, False])}
    >>> pixels = Pixels(coords, np.ones(2), np.array([2]), (64, 100), columns)
    >>> choose_windows(pixels, (16, 16), keep="interaction", draw=lambda number: np.zeros(1))
    array([[ 0, 75]])
    """
    if keep not in KEEP:
        raise InputError(f"data.crop_keep is {keep!r}: it must be one of {', '.join(KEEP)}")
    if first is not None:
        position = pixels.coords[:, 0] - pixels.per_event(first)
        pixels = pixels.take((position >= 0) & (position < shape[0]))
    starts = _starts(pixels, shape, keep, draw)
    if first is not None:
        starts[:, 0] = first
    return starts


def _starts(pixels: Pixels, shape: Sequence[int], keep: str, draw: Draw) -> np.ndarray:
    if keep == "densest":
        rows = [_densest_window(view.coords, pixels.shape, shape) for view in pixels.views()]
        return np.array(rows, np.int64).reshape(-1, len(shape))
    some = pixels.lengths > 0
    starts = np.zeros((len(some), len(shape)), np.int64)
    chosen = pixels.bounds[:-1] + (draw(0) * pixels.lengths).astype(np.int64)
    sites = pixels.coords[chosen[some]]
    for axis, side in enumerate(shape):
        uniform = draw(axis + 1)[some]
        starts[some, axis] = _holding(
            sites[:, axis], sites[:, axis], side, pixels.shape[axis], uniform
        )
    if keep == "interaction" and "interaction" in pixels.columns:
        wanted = _Wanted.of(pixels)
        if len(wanted.events):
            starts[wanted.events] = _interaction_windows(wanted, pixels.shape, shape, draw)
    return starts


@dataclasses.dataclass(frozen=True)
class _Wanted:
    """What windows shall hold, of the events that have an interaction.

    Attributes:
      events: int64, their places among all.
      coords: of the pixels of the interactions, event after event.
      owner: of every such pixel, its place in ``events``.
      vertex: ``[events, dim]``, the pixel nearest to an interaction vertex.
      has_vertex: boolean ``[events]``, whether there is one in this view.
    """

    events: np.ndarray
    coords: np.ndarray
    owner: np.ndarray
    vertex: np.ndarray
    has_vertex: np.ndarray

    @classmethod
    def of(cls, pixels: Pixels) -> _Wanted:
        rows = np.flatnonzero(pixels.columns["interaction"])
        events, owner = np.unique(pixels.event[rows], return_inverse=True)
        vertex = np.zeros((len(events), len(pixels.shape)), np.int64)
        has_vertex = np.zeros(len(events), bool)
        distance = pixels.columns.get("vertex_distance")
        if distance is not None and len(events):
            bounds = pixels.bounds
            nearest = [
                first + int(np.argmin(distance[first:last]))
                for first, last in zip(bounds[events], bounds[events + 1], strict=True)
            ]
            vertex = pixels.coords[nearest].astype(np.int64)
            has_vertex = np.isfinite(distance[nearest])
        return cls(events, pixels.coords[rows], owner, vertex, has_vertex)

    def within(self, axis: int, corners: np.ndarray, side: int) -> _Wanted:
        """Without the pixels outside; an event that has none left is after its vertex alone."""
        position = self.coords[:, axis] - corners[self.owner]
        stay = (position >= 0) & (position < side)
        left = np.bincount(self.owner[stay], minlength=len(self.events))
        lost = np.flatnonzero(left == 0)
        owner = np.concatenate([self.owner[stay], lost])
        coords = np.concatenate([self.coords[stay], self.vertex[lost]])
        order = np.argsort(owner, kind="stable") if len(lost) else slice(None)
        return dataclasses.replace(self, coords=coords[order], owner=owner[order])


def _interaction_windows(
    wanted: _Wanted, image: Sequence[int], shape: Sequence[int], draw: Draw
) -> np.ndarray:
    """Axis by axis: random where the interaction fits, else where most of it is inside.

    A later axis counts only the pixels that the windows of the earlier axes kept.
    """
    starts = np.zeros_like(wanted.vertex)
    for axis, (side, size) in enumerate(zip(shape, image, strict=True)):
        uniform = draw(axis + 1)[wanted.events]
        positions, vertex = wanted.coords[:, axis], wanted.vertex[:, axis]
        begins = np.searchsorted(wanted.owner, np.arange(len(wanted.events)))
        first = np.minimum.reduceat(positions, begins)
        last = np.maximum.reduceat(positions, begins)
        first = np.where(wanted.has_vertex, np.minimum(first, vertex), first)
        last = np.where(wanted.has_vertex, np.maximum(last, vertex), last)
        corners = _holding(first, last, side, size, uniform)
        for event in np.flatnonzero(last - first >= side):  # few: it is longer than the window
            own = positions[begins[event] :][wanted.owner[begins[event] :] == event]
            at = int(vertex[event]) if wanted.has_vertex[event] else None
            corners[event] = _fullest(own, side, size, at, uniform[event])
        starts[:, axis] = corners
        wanted = wanted.within(axis, corners, side)
    return starts


def _holding(
    first: np.ndarray, last: np.ndarray, side: int, size: int, uniform: np.ndarray
) -> np.ndarray:
    """Corners, uniform among the windows inside the image that hold ``[first, last]``."""
    low = np.maximum(0, last.astype(np.int64) - side + 1)
    high = np.minimum(first.astype(np.int64), size - side)
    return low + (uniform * (high - low + 1)).astype(np.int64)


def _fullest(
    positions: np.ndarray, side: int, size: int, vertex: int | None, uniform: float
) -> int:
    """A corner, uniform among those whose window holds the vertex and, to 1 %, the most pixels."""
    below = np.concatenate([[0], np.cumsum(np.bincount(positions, minlength=size))])
    low, high = 0, size - side
    if vertex is not None:
        low, high = max(low, vertex - side + 1), min(high, vertex)
    corners = np.arange(low, high + 1)
    held = below[corners + side] - below[corners]
    best = corners[held >= NEARLY_ALL * held.max()]
    return int(best[int(uniform * len(best))])


def _densest_window(
    coords: np.ndarray, image: Sequence[int], shape: Sequence[int]
) -> tuple[int, ...]:
    if not len(coords):
        return (0,) * len(image)
    steps = [max(1, side // GRID) for side in shape]
    grid = [-(-size // step) for size, step in zip(image, steps, strict=True)]
    cells = np.ravel_multi_index(tuple((coords // np.array(steps)).T), grid)
    counts = np.bincount(cells, minlength=int(np.prod(grid))).reshape(grid)
    for axis, (side, step) in enumerate(zip(shape, steps, strict=True)):
        below = np.insert(np.cumsum(counts, axis=axis), 0, 0, axis=axis)
        width = min(side // step, grid[axis])
        upper = np.take(below, np.arange(width, grid[axis] + 1), axis=axis)
        counts = upper - np.take(below, np.arange(grid[axis] + 1 - width), axis=axis)
    corner = np.unravel_index(np.argmax(counts), counts.shape)
    return tuple(
        min(int(cell) * step, size - side)
        for cell, step, size, side in zip(corner, steps, image, shape, strict=True)
    )
