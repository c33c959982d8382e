"""The pixels of many events in one view, joined: what batches of whole events are made of.

Working on all events of a batch at once keeps Python's cost an event at microseconds; one
:class:`~jaxsparse.data.schema.View` an event would cost a hundred times that.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Sequence
from typing import Protocol

import numpy as np

from jaxsparse.data.schema import View
from jaxsparse.data.validation import cell_numbers


@dataclasses.dataclass(frozen=True)
class Pixels:
    """Images of several events, one after the other.

    Attributes:
      coords: int32 ``[pixels, dim]``; within an event unique and in lexicographic order.
      values: float32 ``[pixels]``.
      lengths: int64 ``[events]``, pixels of every event; 0 is legal.
      shape: of the image.
    """

    coords: np.ndarray
    values: np.ndarray
    lengths: np.ndarray
    shape: tuple[int, ...]

    def __len__(self) -> int:
        """Number of pixels."""
        return len(self.values)

    @property
    def event(self) -> np.ndarray:
        """int64 ``[pixels]``: which event a pixel belongs to."""
        return np.repeat(np.arange(len(self.lengths)), self.lengths)

    def per_event(self, values: np.ndarray) -> np.ndarray:
        """A number of every event at each of its pixels."""
        return np.repeat(values, self.lengths)

    def take(self, rows: np.ndarray) -> Pixels:
        """Only the pixels where the boolean ``rows`` is true; events stay."""
        if rows.all():
            return self
        lengths = np.bincount(self.event[rows], minlength=len(self.lengths))
        return Pixels(self.coords[rows], self.values[rows], lengths, self.shape)

    def events(self, positions: np.ndarray) -> Pixels:
        """Only some events, in the order of increasing ``positions``."""
        chosen = np.zeros(len(self.lengths), bool)
        chosen[positions] = True
        if chosen.all():
            return self
        rows = self.per_event(chosen)
        return Pixels(self.coords[rows], self.values[rows], self.lengths[chosen], self.shape)

    def flip(self, axis: int, events: np.ndarray) -> Pixels:
        """Mirrors the images of the events where the boolean ``events`` is true along ``axis``.

        >>> pixels = Pixels(np.array([[0, 1], [2, 0]]), np.array([5.0, 6.0]), np.array([2]), (3, 2))
        >>> flipped = pixels.flip(0, np.array([True]))
        >>> flipped.coords.tolist(), flipped.values.tolist()
        ([[0, 0], [2, 1]], [6.0, 5.0])
        """
        coords = self.coords.copy()
        rows = self.per_event(events)
        coords[rows, axis] = self.shape[axis] - 1 - coords[rows, axis]
        order = np.argsort(self.event * math.prod(self.shape) + cell_numbers(coords, self.shape))
        return dataclasses.replace(self, coords=coords[order], values=self.values[order])

    def shift(self, steps: np.ndarray) -> Pixels:
        """Moves the images by whole pixels; what leaves the image is lost.

        Args:
          steps: integer ``[events, dim]``.

        >>> pixels = Pixels(np.array([[0, 1], [2, 0]]), np.array([5.0, 6.0]), np.array([2]), (3, 2))
        >>> moved = pixels.shift(np.array([[1, 0]]))
        >>> moved.coords.tolist(), moved.values.tolist(), moved.lengths.tolist()
        ([[1, 1]], [5.0], [1])
        """
        coords = self.coords + np.repeat(steps, self.lengths, axis=0).astype(self.coords.dtype)
        inside = ((coords >= 0) & (coords < np.array(self.shape))).all(axis=1)
        return dataclasses.replace(self, coords=coords).take(inside)

    def coarsen(self, factor: int) -> Pixels:
        """Images whose pixels are the sums of blocks of ``factor`` pixels along every axis.

        The last block of an axis may be cut: a length n becomes ``ceil(n / factor)``.

        >>> pixels = Pixels(np.array([[0, 1], [2, 0]]), np.array([5.0, 6.0]), np.array([2]), (3, 2))
        >>> coarse = pixels.coarsen(2)
        >>> coarse.coords.tolist(), coarse.values.tolist(), coarse.shape
        ([[0, 0], [1, 0]], [5.0, 6.0], (2, 1))
        """
        if factor == 1:
            return self
        shape = tuple(-(-side // factor) for side in self.shape)
        cells = math.prod(shape)
        keys = self.event * cells + cell_numbers(self.coords // factor, shape)
        blocks, block = np.unique(keys, return_inverse=True)
        values = np.bincount(block, weights=self.values, minlength=len(blocks))
        event, cell = np.divmod(blocks, cells)
        coords = np.stack(np.unravel_index(cell, shape), axis=1).astype(np.int32)
        lengths = np.bincount(event, minlength=len(self.lengths)).astype(np.int64)
        return Pixels(coords, values.astype(np.float32), lengths, shape)

    def with_halo(self, radius: int) -> Pixels:
        """Adds the empty pixels within ``radius`` of an active one along every axis, of value 0.

        >>> pixels = Pixels(np.array([[0, 1], [2, 0]]), np.array([5.0, 6.0]), np.array([2]), (3, 2))
        >>> wider = pixels.with_halo(1)
        >>> wider.coords.tolist(), wider.values.tolist()
        ([[0, 0], [0, 1], [1, 0], [1, 1], [2, 0], [2, 1]], [0.0, 5.0, 0.0, 0.0, 6.0, 0.0])
        """
        if radius == 0:
            return self
        cells = math.prod(self.shape)
        first = self.event * cells
        steps = np.stack(np.meshgrid(*[np.arange(-radius, radius + 1)] * len(self.shape)), axis=-1)
        keys = []
        for step in steps.reshape(-1, len(self.shape)):
            coords = self.coords + step
            inside = ((coords >= 0) & (coords < np.array(self.shape))).all(axis=1)
            keys.append(first[inside] + cell_numbers(coords[inside], self.shape))
        places = np.unique(np.concatenate(keys))
        values = np.zeros(len(places), self.values.dtype)
        values[np.searchsorted(places, first + cell_numbers(self.coords, self.shape))] = self.values
        event, cell = np.divmod(places, cells)
        coords = np.stack(np.unravel_index(cell, self.shape), axis=1).astype(np.int32)
        lengths = np.bincount(event, minlength=len(self.lengths)).astype(np.int64)
        return Pixels(coords, values, lengths, self.shape)


class PixelSource(Protocol):
    """What whole events are read from: an :class:`~jaxsparse.data.event_file.EventFile` or alike.

    A source with ``read_block`` is asked for many events at once; the others event by event.
    """

    view_shapes: dict[str, tuple[int, ...]]
    event_classes: tuple[str, ...]

    @property
    def event_labels(self) -> np.ndarray:
        """int32 ``[events]``, number in ``event_classes`` or -1."""

    def __len__(self) -> int: ...

    def read_view(self, index: int, name: str) -> View: ...

    def num_pixels(self, name: str) -> np.ndarray: ...


def read_pixels(source: PixelSource, events: np.ndarray, name: str) -> Pixels:
    """The images of ``events`` (numbers, in any order, repeated if wanted) in the view ``name``."""
    read_block = getattr(source, "read_block", None)
    if read_block is None:
        views = [source.read_view(int(event), name) for event in events]
        return join(views, source.view_shapes[name])
    block = read_block(events, name, ())
    return Pixels(
        block.columns["coords"], block.columns["values"], np.diff(block.offsets), block.shape
    )


def join(views: Sequence[View], shape: Sequence[int]) -> Pixels:
    """The images of some events as one list."""
    coords = [np.zeros((0, len(shape)), np.int32), *[view.coords for view in views]]
    values = [np.zeros(0, np.float32), *[view.values for view in views]]
    lengths = np.array([len(view) for view in views], np.int64)
    return Pixels(np.concatenate(coords), np.concatenate(values), lengths, tuple(shape))
