"""Random access to the events of our own HDF5 file (``docs/formats.md``); numpy and h5py only."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np

from jaxsparse.data.column_reader import ColumnReader
from jaxsparse.data.event_header import REMEDY, ViewHeader
from jaxsparse.data.event_layout import (
    CORNER_DTYPE,
    EVENT_DEFAULTS,
    EVENT_DTYPES,
    KEY_COLUMNS,
    KEY_DTYPE,
    LINK_COUNT_DTYPE,
    LINK_DTYPES,
    stored_column,
)
from jaxsparse.data.event_numbers import event_number, event_numbers
from jaxsparse.data.event_opening import file_path, open_header
from jaxsparse.data.event_writer import EventWriter
from jaxsparse.data.links import Links
from jaxsparse.data.pixels import Pixels
from jaxsparse.data.schema import (
    PARTICLE_DTYPE,
    Event,
    View,
    column_rule,
    further_column,
)
from jaxsparse.data.stored_links import counted_links
from jaxsparse.data.validation import check_event, check_links, check_pixels
from jaxsparse.errors import InputError

__all__ = ["EventFile", "EventWriter"]

CACHE_BYTES = 64 * 2**20


class EventFile:
    """The events of one file, by number; a few positioned reads an event and column.

    Opening checks everything cheap: that the file is whole, its version, every dataset's type and
    rank, and all offsets. Reading an event checks its pixels. The object may be pickled or forked,
    and threads may share it: reads do not wait for each other.

    Args:
      path: the file.
      cache_bytes: memory for decoded chunks of compressed columns, in every process that reads.

    Attributes:
      path: as given.
      detector: name of the detector.
      described: what the file says of the detector; ``None`` if nothing.
      class_names: what the label numbers of pixels mean.
      event_classes: what the label numbers of whole events mean; empty if they have no names.
      view_shapes: full image shape by view name.
      axes: by view name, what its axes count.
      value_units: by view name, the unit of its values.
      attributes: ``made_by`` of the writer: program, version, seed, options.

    Raises:
      InputError: the file is missing, cut off, of another version, or breaks a rule of the layout;
        reading raises it for an event that breaks a rule of
        :func:`jaxsparse.data.validation.check_view`, and in another process, or after
        :meth:`close`, if the file has been replaced since.
    """

    def __init__(self, path: str | os.PathLike[str], *, cache_bytes: int = CACHE_BYTES):
        self.path = file_path(path)
        self._header, identity = open_header(self.path)
        self._columns = ColumnReader(self.path, self._header.columns, identity, cache_bytes)
        self.detector = self._header.detector
        self.described = self._header.described
        self.class_names = self._header.class_names
        self.event_classes = self._header.event_classes
        self.attributes: dict[str, Any] = self._header.made_by
        views = self._header.views
        self.view_shapes = {name: view.shape for name, view in views.items()}
        self.axes = {name: view.axes for name, view in views.items()}
        self.value_units = {name: view.value_unit for name, view in views.items()}

    def __len__(self) -> int:
        return self._header.num_events

    def __getitem__(self, index: int) -> Event:
        """Event number ``index`` with all its views."""
        index = event_number(index, len(self), f"{self.path}")
        table = {name: self._event_column(name, index, index + 1)[0] for name in EVENT_DTYPES}
        first, last = self._header.particle_offsets[index : index + 2]
        event = Event(
            event_id=int(table["event_id"]),
            views={name: self.read_view(index, name) for name in self.view_shapes},
            particles=self._columns.rows(
                "particles/table", PARTICLE_DTYPE, [(int(first), int(last))]
            ),
            label=int(table["label"]),
            topology=_text(table["topology"]),
            energy=float(table["energy"]),
            keys={name: int(self._key(name, index, index + 1)[0]) for name in self._key_names},
        )
        where = f"Event {index} of {self.path.name}"
        check_event(event, event_classes=self.event_classes, where=where)
        return event

    def __iter__(self) -> Iterator[Event]:
        return (self[index] for index in range(len(self)))

    def __repr__(self) -> str:
        return f"EventFile({str(self.path)!r}, {len(self)} events, views {list(self.view_shapes)})"

    def read_view(self, index: int, name: str) -> View:
        """One view of one event with its links, without reading the others."""
        return self.read_many([index], name)[0]

    def read_many(
        self, indices: Sequence[int] | np.ndarray, name: str, columns: Sequence[str] | None = None
    ) -> list[View]:
        """One view of many events, in the order of ``indices``: much faster than one by one.

        Args:
          indices: event numbers, in any order, negative ones from the end; a number may occur
            twice. A mask of all events stands for those where it is true.
          name: of the view.
          columns: of truth and of further values
            (:func:`~jaxsparse.data.schema.further_column`) to read, ``()`` for none; all that the
            file has if None.

        Returns:
          A view an event, with the links and corners that the file has; they share memory with one
          another.
        """
        pixels = self.read_pixels(indices, name, columns)
        links = {to: self.read_links(indices, name, to) for to in self.linked_views(name)}
        views = dataclasses.replace(pixels, links=links).views()
        corners = self.read_corners(indices, name)
        if corners is None:
            return views
        return [
            dataclasses.replace(view, corner=tuple(corner))
            for view, corner in zip(views, corners.tolist(), strict=True)
        ]

    def read_pixels(
        self, indices: Sequence[int] | np.ndarray, name: str, columns: Sequence[str] | None = None
    ) -> Pixels:
        """As :meth:`read_many`, uncut: all pixels in one array a column, without links."""
        header = self._view(name)
        events = self._checked(indices)
        known = (*header.truth, *map(further_column, header.further))
        wanted = known if columns is None else tuple(columns)
        for column in wanted:
            if column not in known:
                raise InputError(
                    f"column {column!r} is not in view {name} of {self.path}: it has "
                    f"{', '.join(known) or 'no truth'}"
                )
        first, last = header.offsets[events], header.offsets[events + 1]
        runs = _runs(first, last)
        found = {
            column: self._columns.rows(f"views/{name}/{path}", dtype, runs)
            for column in ("coords", "values", *wanted)
            for path, dtype in [stored_column(column)]
        }

        def where(place: int) -> str:
            return f"Event {events[place]} of {self.path.name}, view {name}"

        lengths = last - first
        for column in wanted:
            if column_rule(column).dtype == np.bool_:
                _check_flags(found[column], column, lengths, where)
                found[column] = found[column].view(np.bool_)
        pixels = Pixels(found.pop("coords"), found.pop("values"), lengths, header.shape, found)
        particles = self._header.particle_offsets
        check_pixels(
            pixels,
            num_particles=particles[events + 1] - particles[events],
            num_classes=len(self.class_names),
            name=where,
        )
        return pixels

    def read_names(self, indices: Sequence[int] | np.ndarray) -> dict[str, np.ndarray]:
        """int64 ``[events]`` by column: ``event_id`` and :attr:`event_keys` of many events."""
        events = self._checked(indices)
        runs = _runs(events, events + 1)
        return {
            name: self._columns.rows(f"events/{name}", KEY_DTYPE, runs)
            for name in ("event_id", *self._key_names)
        }

    def truth_columns(self, name: str) -> tuple[str, ...]:
        """Names of the truth columns that the file has of a view."""
        return self._view(name).truth

    def further_values(self, name: str) -> tuple[str, ...]:
        """Names of the further values that the pixels of a view have in the file."""
        return self._view(name).further

    def linked_views(self, name: str) -> tuple[str, ...]:
        """Names of the views that the pixels of a view are linked to."""
        return tuple(self._view(name).links)

    def read_links(self, indices: Sequence[int] | np.ndarray, name: str, to: str) -> Links:
        """The links of many events from a view to another, in the order of ``indices``.

        Returns:
          Links of all their pixels, event after event; rows count within an event's view ``to``.
        """
        header = self._view(name)
        if to not in header.links:
            raise InputError(
                f"view {name} of {self.path} has no links to {to!r}: it has links to "
                f"{', '.join(header.links) or 'none'}"
            )
        events = self._checked(indices)

        def where(place: int) -> str:
            return f"Event {events[place]} of {self.path.name}, view {name}, links to {to}"

        def owned(offsets: np.ndarray) -> tuple[np.ndarray, list[tuple[int, int]]]:
            first, last = offsets[events], offsets[events + 1]
            return last - first, _runs(first, last)

        group = f"views/{name}/links/{to}"
        pixels, pixel_runs = owned(header.offsets)
        entries, entry_runs = owned(header.links[to])
        counts = self._columns.rows(f"{group}/counts", LINK_COUNT_DTYPE, pixel_runs)
        columns = {
            column: self._columns.rows(f"{group}/{column}", dtype, entry_runs)
            for column, dtype in LINK_DTYPES.items()
        }
        links = counted_links(counts, **columns, pixels=pixels, entries=entries, where=where)
        check_links(links, pixels=pixels, rows=owned(self._view(to).offsets)[0], name=where)
        return links

    def read_corners(self, indices: Sequence[int] | np.ndarray, name: str) -> np.ndarray | None:
        """Where pixel (0, ..., 0) of a view lies in the whole detector, by event of ``indices``.

        Returns:
          int32 ``[events, dim]``; ``None`` where the file does not say.
        """
        self._view(name)
        column = f"views/{name}/corners"
        if column not in self._columns:
            return None
        events = self._checked(indices)
        return self._columns.rows(column, CORNER_DTYPE, _runs(events, events + 1))

    def read_particles(self, indices: Sequence[int] | np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Particle tables of many events, in the order of ``indices``, without their pixels.

        Returns:
          The tables one after the other (``PARTICLE_DTYPE``; ``parent`` and ``instance`` count
          within an event), and int64 ``[events]``, rows of every event.
        """
        events = self._checked(indices)
        first, last = (self._header.particle_offsets[events + step] for step in (0, 1))
        return self._columns.rows(
            "particles/table", PARTICLE_DTYPE, _runs(first, last)
        ), last - first

    def check_events(self, indices: Sequence[int] | np.ndarray) -> None:
        """Raises unless the classes and energies of some events are legal, as reading them does.

        Raises:
          InputError: names the first event that breaks a rule of
            :func:`jaxsparse.data.validation.check_event`.
        """
        for number in self._checked(indices).tolist():
            label, energy = (
                self._event_column(name, number, number + 1)[0] for name in ("label", "energy")
            )
            event = Event(number, {}, label=int(label), energy=float(energy))
            where = f"Event {number} of {self.path.name}"
            check_event(event, event_classes=self.event_classes, where=where)

    @property
    def event_labels(self) -> np.ndarray:
        """int32 ``[events]``: class number of every event, -1 for none."""
        labels = self._event_column("label", 0, len(self))
        if self.event_classes and len(labels):
            bad = (labels < -1) | (labels >= len(self.event_classes))
            if bad.any():
                event = int(np.argmax(bad))
                raise InputError(
                    f"Event {event} of {self.path.name}: label {labels[event]} must be an event "
                    f"class in [0, {len(self.event_classes)}) or -1: {REMEDY}"
                )
        return labels

    @property
    def event_energy(self) -> np.ndarray:
        """float32 ``[events]``: true energy of the neutrino, GeV; NaN where there is none."""
        return self._event_column("energy", 0, len(self))

    @property
    def event_ids(self) -> np.ndarray:
        """int64 ``[events]``: numbers of the events in their source."""
        return self._event_column("event_id", 0, len(self))

    @property
    def event_keys(self) -> dict[str, np.ndarray]:
        """int64 ``[events]`` by column: what names the events in their experiment's tables.

        Those of ``run``, ``subrun``, ``evt``, ... that the source knew; empty for other files.
        """
        return {name: self._key(name, 0, len(self)) for name in self._key_names}

    @property
    def topologies(self) -> list[str]:
        """What every event is, in words."""
        return [_text(text) for text in self._event_column("topology", 0, len(self))]

    def dead_wires(self, name: str) -> np.ndarray:
        """int32: numbers of the wires of a view that were not read out."""
        return self._view(name).dead_wires.copy()

    def num_pixels(self, name: str) -> np.ndarray:
        """int64 ``[events]``: pixels of every event in a view, without reading any."""
        return np.diff(self._view(name).offsets)

    def close(self) -> None:
        """Give the file handle and the cache back; the next read opens it again."""
        self._columns.close()

    def _event_column(self, name: str, first: int, last: int) -> np.ndarray:
        if f"events/{name}" not in self._columns:
            return np.full(last - first, EVENT_DEFAULTS[name], EVENT_DTYPES[name])
        return self._columns.rows(f"events/{name}", EVENT_DTYPES[name], [(first, last)])

    @property
    def _key_names(self) -> list[str]:
        return [name for name in KEY_COLUMNS if f"events/{name}" in self._columns]

    def _key(self, name: str, first: int, last: int) -> np.ndarray:
        return self._columns.rows(f"events/{name}", KEY_DTYPE, [(first, last)])

    def _checked(self, indices: Sequence[int] | np.ndarray) -> np.ndarray:
        return event_numbers(indices, len(self), f"{self.path}")

    def _view(self, name: str) -> ViewHeader:
        if name not in self._header.views:
            raise InputError(
                f"view {name!r} is not in {self.path}: it has {', '.join(self.view_shapes)}, set "
                "data.views"
            )
        return self._header.views[name]


def _runs(first: np.ndarray, last: np.ndarray) -> list[tuple[int, int]]:
    """First and last rows, neighbours in the file joined to be read at once.

    >>> _runs(np.array([5, 9, 0]), np.array([9, 11, 2]))
    [(5, 11), (0, 2)]
    """
    runs: list[tuple[int, int]] = []
    for start, stop in zip(first.tolist(), last.tolist(), strict=True):
        if runs and runs[-1][1] == start:
            runs[-1] = runs[-1][0], stop
        else:
            runs.append((start, stop))
    return runs


def _check_flags(
    flags: np.ndarray, column: str, lengths: np.ndarray, where: Callable[[int], str]
) -> None:
    if len(flags) and flags.max() > 1:
        place = int(np.repeat(np.arange(len(lengths)), lengths)[np.argmax(flags > 1)])
        raise InputError(
            f"{where(place)}: {column} {flags.max()} must be 0 or 1: make the file again"
        )


def _text(stored: bytes) -> str:
    return bytes(stored).decode(errors="replace")
