"""The pixels of many events in one view, joined, with their truth: what batches are made of.

Working on all events of a batch at once keeps Python's cost an event at microseconds; one
:class:`~jaxsparse.data.schema.View` an event would cost a hundred times that.
"""

from __future__ import annotations

import dataclasses
import functools
import itertools
import math
from collections.abc import Sequence
from typing import Any, Protocol

import numpy as np

from jaxsparse.data.cells import cell_numbers
from jaxsparse.data.links import Links, offsets_of
from jaxsparse.data.schema import TRUTH_COLUMNS, View, further_column, further_name
from jaxsparse.errors import InputError

TICKED = 64  # cells a pixel up to which ticking cells off is faster than sorting their numbers
MOST_CELLS = 2**63  # of all images together: what their numbers can count


@dataclasses.dataclass(frozen=True)
class Pixels:
    """Images of several events, one after the other.

    Attributes:
      coords: int32 ``[pixels, dim]``; within an event unique and in lexicographic order.
      values: float32 ``[pixels]``; as features of several views ``[pixels, channels]``.
      lengths: int64 ``[events]``, pixels of every event; 0 is legal.
      shape: of the image.
      columns: what else is known of every pixel, ``[pixels]`` by name: columns of
        :data:`~jaxsparse.data.schema.TRUTH_COLUMNS`, further values
        (:func:`~jaxsparse.data.schema.further_column`), ``rows`` of the event's list in its file,
        values of other views (:mod:`~jaxsparse.data.gathered`), or targets of a network.
      links: by name of a view, in which rows of the event's list in its file the charge of these
        pixels lies. Those of a view to itself say which rows its pixels are made of.

    >>> view = View(np.array([[0, 1], [2, 2]]), np.ones(2, np.float32), (4, 4), labels=np.ones(2))
    >>> pixels = Pixels.of([view, view.take(slice(1))])
    >>> pixels.lengths.tolist(), pixels.event.tolist(), pixels.columns["labels"].tolist()
    ([2, 1], [0, 0, 1], [1.0, 1.0, 1.0])
    >>> [len(view) for view in pixels.views()]
    [2, 1]
    """

    coords: np.ndarray
    values: np.ndarray
    lengths: np.ndarray
    shape: tuple[int, ...]
    columns: dict[str, np.ndarray] = dataclasses.field(default_factory=dict)
    links: dict[str, Links] = dataclasses.field(default_factory=dict)

    def __post_init__(self) -> None:
        # Of their pixels the cells of all events are numbered, in int64.
        if len(self.lengths) * math.prod(map(int, self.shape)) >= MOST_CELLS:
            raise InputError(
                f"{len(self.lengths)} images of shape {self.shape} have 2**63 cells or more: take "
                "fewer events at once, or coordinates in larger units"
            )

    @classmethod
    def of(cls, views: Sequence[View], shape: Sequence[int] | None = None) -> Pixels:
        """The images of some events as one list; without any event ``shape`` must be given."""
        shape = tuple(views[0].shape if shape is None else shape)
        join = np.concatenate
        return cls(
            join([np.zeros((0, len(shape)), np.int32), *[view.coords for view in views]]),
            join([np.zeros(0, np.float32), *[view.values for view in views]]),
            np.array([len(view) for view in views], np.int64),
            shape,
            {
                name: join([getattr(view, name) for view in views])
                for name in TRUTH_COLUMNS
                if views and all(getattr(view, name) is not None for view in views)
            }
            | {
                further_column(name): join([view.further[name] for view in views])
                for name in (views[0].further if views else ())
                if all(name in view.further for view in views)
            },
            {
                name: Links.joined([view.links[name] for view in views])
                for name in (views[0].links if views else ())
                if all(name in view.links for view in views)
            },
        )

    @classmethod
    def joined(cls, parts: Sequence[Pixels]) -> Pixels:
        """Images of some events, and of others behind them."""
        first, join = parts[0], np.concatenate
        return cls(
            join([part.coords for part in parts]),
            join([part.values for part in parts]),
            join([part.lengths for part in parts]),
            first.shape,
            {name: join([part.columns[name] for part in parts]) for name in first.columns},
            {name: Links.joined([part.links[name] for part in parts]) for name in first.links},
        )

    def __len__(self) -> int:
        """Number of pixels."""
        return len(self.values)

    @functools.cached_property
    def event(self) -> np.ndarray:
        """int64 ``[pixels]``: which event a pixel belongs to."""
        return np.repeat(np.arange(len(self.lengths)), self.lengths)

    @property
    def bounds(self) -> np.ndarray:
        """int64 ``[events + 1]``: event i has the pixels ``[bounds[i], bounds[i + 1])``."""
        return offsets_of(self.lengths)

    @property
    def cells(self) -> np.ndarray:
        """int64 ``[pixels]``: numbers of the cells, counted through all events; they increase."""
        return self.event * math.prod(self.shape) + cell_numbers(self.coords, self.shape)

    def per_event(self, values: np.ndarray) -> np.ndarray:
        """A number of every event at each of its pixels."""
        return np.repeat(values, self.lengths)

    def views(self) -> list[View]:
        """One view an event, with the truth, further values and links there are.

        All but links shares this memory.
        """
        truth: dict[str, Any] = {
            name: self.columns[name] for name in TRUTH_COLUMNS if name in self.columns
        }
        further = {name: self.columns[key] for key in self.columns if (name := further_name(key))}
        return [
            View(
                self.coords[first:last], self.values[first:last], self.shape,
                **{name: column[first:last] for name, column in truth.items()},
                further={name: column[first:last] for name, column in further.items()},
                links={name: links.take(slice(first, last)) for name, links in self.links.items()},
            )
            for first, last in itertools.pairwise(self.bounds.tolist())
        ]  # fmt: skip

    def order(self, rows: np.ndarray) -> Pixels:
        """The pixels in another order: ``rows`` are their numbers, each event's in its place."""
        return dataclasses.replace(
            self,
            coords=self.coords.take(rows, axis=0),
            values=self.values.take(rows, axis=0),
            columns={name: column.take(rows) for name, column in self.columns.items()},
            links={name: links.take(rows) for name, links in self.links.items()},
        )

    def take(self, rows: np.ndarray) -> Pixels:
        """Only the pixels where the boolean ``rows`` is true; events stay.

        Raises:
          InputError: ``rows`` has not one boolean a pixel.
        """
        rows = np.asarray(rows)
        if rows.dtype != np.bool_ or rows.shape != (len(self),):
            raise InputError(
                f"rows is {rows.dtype} of shape {rows.shape}: must be one boolean for each of "
                f"the {len(self)} pixels"
            )
        if rows.all():
            return self
        before = np.concatenate([[0], np.cumsum(rows)])
        return dataclasses.replace(
            self.order(np.flatnonzero(rows)), lengths=np.diff(before[self.bounds])
        )

    def events(self, positions: np.ndarray) -> Pixels:
        """Only some events, in the order of increasing ``positions``."""
        chosen = np.zeros(len(self.lengths), bool)
        chosen[positions] = True
        if chosen.all():
            return self
        rows = np.flatnonzero(self.per_event(chosen))
        return dataclasses.replace(self.order(rows), lengths=self.lengths[chosen])

    def linked_to(self, other: Pixels, name: str) -> Links:
        """The links from these pixels to those of another view, whatever was done to either.

        What became one pixel there is one entry; entries whose pixel is gone are left out.

        Args:
          other: the other view of the same events, with links to itself
            (:meth:`~jaxsparse.data.links.Links.own`) from before anything was done to it.
          name: of the other view.

        Returns:
          Links whose rows count through the pixels of all events of ``other``.

        Raises:
          InputError: one of the views has no links to ``name``, or they have other events.

        >>> columns = np.array([[0], [1], [2]]), np.ones(3, np.float32)
        >>> links = Links.of([0, 1], rows=[1, 2], shares=[1.0, 0.5], pixels=3)
        >>> plane = Pixels(*columns, np.array([3]), (3,), links={"voxels": links})
        >>> voxels = Pixels(*columns, np.array([3]), (3,), links={"voxels": Links.own([3])})
        >>> plane.linked_to(voxels.take(np.array([False, True, True])), "voxels").rows.tolist()
        [0, 1]
        """
        if name not in self.links or name not in other.links:
            raise InputError(
                f"links to view {name!r} are not there: read them for both views, such as by "
                f"Pipeline(..., links=({name!r},))"
            )
        if len(self.lengths) != len(other.lengths):
            raise InputError(
                f"there are {len(self.lengths)} events of one view and {len(other.lengths)} of the "
                "other: give views of the same events"
            )
        links, own = self.links[name], other.links[name]
        size = 1 + max(int(table.rows.max(initial=0)) for table in (links, own))
        wanted = self.event[links.owner] * size + links.rows
        # Beyond all rows of all events there is one more, which is none.
        there = np.append(other.event[own.owner] * size + own.rows, len(self.lengths) * size)
        pixel = np.append(own.owner, -1)
        order = np.argsort(there)
        found = order[np.searchsorted(there, wanted, sorter=order)]
        return links.to_rows(np.where(there[found] == wanted, pixel[found], -1))

    def level_counts(self, levels: int) -> np.ndarray:
        """int64 ``[events, levels]``: distinct pixels once coordinates are halved repeatedly.

        >>> coords = np.array([[0, 0], [1, 1], [2, 3], [0, 0]])
        >>> Pixels(coords, np.ones(4), np.array([3, 1]), (4, 4)).level_counts(3).tolist()
        [[3, 2, 1], [1, 1, 1]]
        """
        counts = [self.lengths]
        for level in range(1, levels):
            sides = [(side - 1 >> level) + 1 for side in self.shape]
            size = math.prod(sides)
            keys = self.event * size + cell_numbers(self.coords >> level, sides)
            if len(self.lengths) * size <= TICKED * len(self):
                occupied = np.zeros((len(self.lengths), size), bool)
                occupied.reshape(-1)[keys] = True
                counts.append(occupied.sum(axis=1))
            else:
                owners = np.unique(keys) // size
                counts.append(np.bincount(owners, minlength=len(self.lengths)))
        return np.stack(counts[:levels], axis=1).astype(np.int64)


class Source(Protocol):
    """Random access to events: an :class:`~jaxsparse.data.event_file.EventFile` or alike.

    ``view_shapes`` by view name, ``class_names`` of pixels, ``event_classes`` of whole events.
    """

    view_shapes: dict[str, tuple[int, ...]]
    event_classes: tuple[str, ...]

    @property
    def event_labels(self) -> np.ndarray:
        """int32 ``[events]``, number in ``event_classes`` or -1."""

    def __len__(self) -> int: ...

    def num_pixels(self, name: str) -> np.ndarray:
        """int64 ``[events]``: pixels of every event in a view, without reading any."""

    def truth_columns(self, name: str) -> tuple[str, ...]:
        """Names of the truth columns that a view has."""

    def further_values(self, name: str) -> tuple[str, ...]:
        """Names of the further values that the pixels of a view have."""

    def read_pixels(
        self, indices: np.ndarray, name: str, columns: Sequence[str] | None = None
    ) -> Pixels:
        """The images of events in a view, with those columns; all that there are if None.

        Columns are of truth, and of further values
        (:func:`~jaxsparse.data.schema.further_column`).
        """

    def linked_views(self, name: str) -> tuple[str, ...]:
        """Names of the views that a view has links to."""

    def read_links(self, indices: np.ndarray, name: str, to: str) -> Links:
        """The links of events from a view to another."""


def source_name(source: Source) -> str:
    """The source's file name for messages."""
    path = getattr(source, "path", None)
    return path.name if path is not None else type(source).__name__
