"""Random access to the events of our own HDF5 file (``docs/formats.md``); numpy and h5py only."""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from jaxsparse.data.event_layout import (
    EVENT_DEFAULTS,
    EVENT_DTYPES,
    FORMAT_NAME,
    PARTIAL_SUFFIX,
    PIXEL_DTYPES,
    TRUTH_COLUMNS,
)
from jaxsparse.data.event_writer import EventWriter
from jaxsparse.data.schema import PARTICLE_DTYPE, SCHEMA_VERSION, Event, View
from jaxsparse.data.validation import check_event, check_view
from jaxsparse.errors import InputError

__all__ = ["EventFile", "EventWriter"]

REMEDY = "make the file again with this version of jaxsparse"


class EventFile:
    """The events of one file, by number; two slice reads an event and column.

    Opening checks everything cheap: that the file is whole, its version, every dataset's type and
    rank, and all offsets. Reading an event checks its pixels. The handle is opened lazily in every
    process that uses it, so the object may be pickled or forked; threads may share it.

    Attributes:
      path: as given.
      detector: name of the detector.
      class_names: what the label numbers of pixels mean.
      event_classes: what the label numbers of whole events mean; empty if they have no names.
      view_shapes: full image shape by view name.
      axes: by view name, what its axes count.
      value_units: by view name, the unit of its values.
      attributes: ``made_by`` of the writer: program, version, seed, options.

    Raises:
      InputError: the file is missing, cut off, of another version, or breaks a rule of the layout;
        reading raises it for an event that breaks a rule of
        :func:`jaxsparse.data.validation.check_view`.
    """

    def __init__(self, path: str | os.PathLike[str]):
        self.path = Path(path)
        self._lock = threading.Lock()
        self._handle: tuple[int, h5py.File] | None = None
        # Looking a dataset up by name costs as much as reading an event's rows of it.
        self._columns: dict[str, h5py.Dataset] = {}
        if self.path.is_dir():
            raise InputError(f"{self.path} is a folder: give an event file")
        if not self.path.exists():
            partial = self.path.with_name(self.path.name + PARTIAL_SUFFIX)
            hint = (
                f"only {partial.name} is there, a run that has not ended: wait or make it again"
                if partial.exists()
                else "check the path, or make it with python -m jaxsparse.data.simulate"
            )
            raise InputError(f"{self.path} does not exist: {hint}")
        file = self._open()
        try:
            self._read_header(file)
        except (OSError, RuntimeError, KeyError, TypeError, ValueError) as error:
            self.close()
            if isinstance(error, InputError):
                raise
            raise InputError(f"{self.path} is damaged ({_one_line(error)}): {REMEDY}") from None

    def __len__(self) -> int:
        return self._num_events

    def __getitem__(self, index: int) -> Event:
        """Event number ``index`` with all its views."""
        index = self._checked(index)
        file = self._open()
        table = {name: self._event_column(name, index, index + 1)[0] for name in EVENT_DTYPES}
        first, last = self._particle_offsets[index : index + 2]
        event = Event(
            event_id=int(table["event_id"]),
            views={name: self.read_view(index, name) for name in self.view_shapes},
            particles=self._slice(file, "particles/table", first, last),
            label=int(table["label"]),
            topology=_text(table["topology"]),
            energy=float(table["energy"]),
        )
        where = f"Event {index} of {self.path.name}"
        check_event(event, event_classes=self.event_classes, where=where)
        return event

    def __iter__(self) -> Iterator[Event]:
        return (self[index] for index in range(len(self)))

    def __repr__(self) -> str:
        return f"EventFile({str(self.path)!r}, {len(self)} events, views {list(self.view_shapes)})"

    def read_view(self, index: int, name: str) -> View:
        """One view of one event, without reading the others."""
        index = self._checked(index)
        self._check_view_name(name)
        file = self._open()
        first, last = self._view_offsets[name][index : index + 2]
        shape = self.view_shapes[name]
        columns = {
            column: self._slice(file, f"views/{name}/{column}", first, last)
            for column in ("coords", "values", *self._truth[name])
        }
        where = f"Event {index} of {self.path.name}, view {name}"
        if "interaction" in columns:
            flags = columns["interaction"]
            if (flags > 1).any():
                raise InputError(
                    f"{where}: interaction {flags.max()} must be 0 or 1: make the file again"
                )
            columns["interaction"] = flags.astype(np.bool_)
        view = View(shape=shape, **columns)
        particles = self._particle_offsets[index + 1] - self._particle_offsets[index]
        check_view(
            view, num_particles=int(particles), num_classes=len(self.class_names), where=where
        )
        return view

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
    def topologies(self) -> list[str]:
        """What every event is, in words."""
        return [_text(text) for text in self._event_column("topology", 0, len(self))]

    def dead_wires(self, name: str) -> np.ndarray:
        """int32: numbers of the wires of a view that were not read out."""
        self._check_view_name(name)
        return self._dead_wires[name].copy()

    def num_pixels(self, name: str) -> np.ndarray:
        """int64 ``[events]``: pixels of every event in a view, without reading any."""
        self._check_view_name(name)
        return np.diff(self._view_offsets[name])

    def close(self) -> None:
        """Give the file handle back; the next read opens it again."""
        with self._lock:
            if self._handle and self._handle[0] == os.getpid():
                self._handle[1].close()
            self._handle = None
            self._columns.clear()

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_handle": None, "_columns": {}, "_lock": None}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state, _lock=threading.Lock())

    def _open(self) -> h5py.File:
        with self._lock:
            if self._handle is None or self._handle[0] != os.getpid():
                self._columns.clear()  # they belong to the handle of the process before a fork
                try:
                    self._handle = os.getpid(), h5py.File(self.path, "r")
                except OSError as error:
                    what = "cut off" if "truncated" in str(error) else "no readable HDF5 file"
                    raise InputError(
                        f"{self.path} is {what} ({_one_line(error)}): copy it or make it again"
                    ) from None
            return self._handle[1]

    def _read_header(self, file: h5py.File) -> None:
        if file.attrs.get("format") != FORMAT_NAME:
            raise InputError(
                f"{self.path} is not an event file (format {file.attrs.get('format')!r}): convert "
                "it with python -m jaxsparse.data.convert"
            )
        version = file.attrs.get("schema_version")
        if version != SCHEMA_VERSION:
            raise InputError(
                f"{self.path} has schema_version {version} but this program reads "
                f"{SCHEMA_VERSION}: {REMEDY}"
            )
        if not file.attrs.get("complete", False):
            raise InputError(f"{self.path} is half written: its writer did not end, {REMEDY}")

        self.detector = str(file.attrs["detector"])
        self.class_names = tuple(str(name) for name in file.attrs["class_names"])
        self.event_classes = tuple(str(name) for name in file.attrs.get("event_classes", ()))
        self.attributes: dict[str, Any] = dict(json.loads(file.attrs["made_by"]))
        self._num_events = int(file.attrs["num_events"])
        self._absent = {name for name in EVENT_DEFAULTS if f"events/{name}" not in file}
        for name, dtype in EVENT_DTYPES.items():
            if name not in self._absent:
                self._dataset(file, f"events/{name}", dtype, rows=self._num_events)
        self._dataset(file, "particles/table", PARTICLE_DTYPE)
        self._particle_offsets = self._read_offsets(file, "particles", ["table"])

        self.view_shapes: dict[str, tuple[int, ...]] = {}
        self.axes: dict[str, tuple[str, ...]] = {}
        self.value_units: dict[str, str] = {}
        self._view_offsets, self._dead_wires = {}, {}
        self._truth: dict[str, tuple[str, ...]] = {}
        for name in (str(name) for name in file.attrs["view_names"]):
            group = f"views/{name}"
            shape = tuple(int(size) for size in file[group].attrs["shape"])
            if not shape or min(shape) < 1 or np.prod(np.array(shape, float)) >= 2.0**62:
                raise InputError(f"{self.path}, view {name}: shape {shape} is no image: {REMEDY}")
            self.view_shapes[name] = shape
            self.axes[name] = tuple(str(axis) for axis in file[group].attrs["axes"])
            self.value_units[name] = str(file[group].attrs["value_unit"])
            self._truth[name] = tuple(c for c in TRUTH_COLUMNS if c in file[group])
            columns = ["coords", "values", *self._truth[name]]
            for column in columns:
                tail = (len(shape),) if column == "coords" else ()
                self._dataset(file, f"{group}/{column}", PIXEL_DTYPES[column], tail=tail)
            self._view_offsets[name] = self._read_offsets(file, group, columns)
            wires = self._dataset(file, f"{group}/dead_wires", np.dtype(np.int32))[:]
            if len(wires) and not (wires.min() >= 0 and wires.max() < shape[-1]):
                raise InputError(
                    f"{self.path}, view {name}: dead wires {wires.min()} to {wires.max()} must lie "
                    f"in [0, {shape[-1]}): {REMEDY}"
                )
            self._dead_wires[name] = wires

    def _dataset(
        self,
        file: h5py.File,
        name: str,
        dtype: np.dtype,
        *,
        tail: tuple[int, ...] = (),
        rows: int | None = None,
    ) -> h5py.Dataset:
        """The dataset, if it is stored in this very file and has the type and rank it should."""
        dataset = file.get(name)
        if not isinstance(dataset, h5py.Dataset):
            raise InputError(f"{self.path} has no dataset {name}: {REMEDY}")
        # A link or a virtual dataset could make us read another file of the user's.
        if dataset.file != file or dataset.is_virtual or dataset.external:
            raise InputError(f"{self.path}: {name} points outside the file: {REMEDY}")
        if dataset.dtype != dtype or dataset.shape[1:] != tail or dataset.ndim != 1 + len(tail):
            raise InputError(
                f"{self.path}: {name} is {dataset.dtype}{list(dataset.shape)} but must be "
                f"{dtype}{['rows', *tail]}: {REMEDY}"
            )
        if rows is not None and len(dataset) != rows:
            raise InputError(
                f"{self.path}: {name} has {len(dataset)} rows but must have {rows}: {REMEDY}"
            )
        return dataset

    def _read_offsets(self, file: h5py.File, group: str, columns: list[str]) -> np.ndarray:
        name = f"{group}/offsets"
        offsets = self._dataset(file, name, np.dtype(np.int64), rows=self._num_events + 1)[:]
        steps = np.diff(offsets)
        if offsets[0] != 0 or (steps < 0).any():
            event = int(np.argmax(steps < 0))
            raise InputError(
                f"{self.path}: {name} of event {event} goes from {offsets[event]} to "
                f"{offsets[event + 1] if len(steps) else offsets[0]}: offsets must start at 0 and "
                f"never fall, {REMEDY}"
            )
        for column in columns:
            rows = len(file[f"{group}/{column}"])
            if offsets[-1] != rows:
                raise InputError(
                    f"{self.path}: {name} end at {offsets[-1]} but {group}/{column} has {rows} "
                    f"rows: {REMEDY}"
                )
        return offsets

    def _event_column(self, name: str, first: int, last: int) -> np.ndarray:
        if name in self._absent:
            return np.full(last - first, EVENT_DEFAULTS[name], EVENT_DTYPES[name])
        return self._slice(self._open(), f"events/{name}", first, last)

    def _slice(self, file: h5py.File, name: str, first: int, last: int) -> np.ndarray:
        try:
            column = self._columns.get(name)
            if column is None:
                column = self._columns[name] = file[name]
            return column[int(first) : int(last)]
        except (OSError, RuntimeError) as error:
            raise InputError(
                f"{self.path}: rows {first} to {last} of {name} cannot be read "
                f"({_one_line(error)}): copy the file or make it again"
            ) from None

    def _checked(self, index: int) -> int:
        number = int(index)
        if not -len(self) <= number < len(self):
            raise IndexError(f"event {number} of {self.path}, which has {len(self)}")
        return number % len(self)

    def _check_view_name(self, name: str) -> None:
        if name not in self.view_shapes:
            raise InputError(
                f"view {name!r} is not in {self.path}: it has {', '.join(self.view_shapes)}, set "
                "data.view"
            )


def _text(stored: bytes) -> str:
    return bytes(stored).decode(errors="replace")


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split())
