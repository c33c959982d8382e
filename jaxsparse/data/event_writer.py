"""Writes an event file in one pass with bounded memory; a broken run leaves no file behind."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from jaxsparse.data.event_layout import (
    AXES,
    EVENT_CHUNK,
    EVENT_DTYPES,
    FORMAT_NAME,
    KEY_COLUMNS,
    KEY_DTYPE,
    NO_KEY,
    PARTICLE_UNITS,
    PIXEL_CHUNK,
    PIXEL_DTYPES,
    PLAIN_CHUNK,
    TOPOLOGY_BYTES,
    TRUTH_COLUMNS,
    VALUE_UNITS,
)
from jaxsparse.data.partial_file import PartialFile
from jaxsparse.data.schema import CLASS_NAMES, PARTICLE_DTYPE, SCHEMA_VERSION, Event, View
from jaxsparse.data.validation import check_event, check_view
from jaxsparse.errors import InputError

COMPRESSIONS = ("gzip", "none")


class EventWriter:
    """Context manager that writes events to ``PATH.partial`` and renames it to ``PATH`` at the end.

    Whatever was at ``PATH`` before stays untouched until the new file is whole; after an exception
    the partial file is removed. Memory: one chunk of every column, whatever the number of events.

    Args:
      path: the file to make; its folder is made if missing.
      detector: name of the detector, for example ``"microboone"``.
      views: full image shape by view name, for example ``{"Y": (1008, 3456)}``.
      dead_wires: wire numbers without read-out by view name; missing views have none.
      made_by: how the events were made, anything JSON can say (program, version, seed, options);
        the attribute may be added to until the end.
      class_names: what the label numbers of pixels mean.
      event_classes: what the label numbers of whole events mean; empty if they have none.
      axes: what the axes of every view count, for example ``("plane", "cell")``; as for wire planes
        or voxels if None.
      value_unit: unit of the values of every view; as for wire planes or voxels if None.
      compression: of pixels and particles, one of :data:`COMPRESSIONS`. ``"gzip"`` halves the file
        or better; ``"none"`` is for small events by the million, which are read many times faster
        in random order if nothing has to be unpacked.

    Raises:
      InputError: on entry if the file cannot be made; on ``append`` if an event breaks a rule of
        :func:`jaxsparse.data.validation.check_view` or the disk is full.

    >>> import tempfile
    >>> from jaxsparse.data.event_file import EventFile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     with EventWriter(f"{folder}/a.h5", detector="toy", views={"Y": (8, 8)}) as writer:
    ...         pixel = View(np.array([[1, 2]], np.int32), np.array([50.0], np.float32), (8, 8))
    ...         writer.append(Event(event_id=7, views={"Y": pixel}))
    ...     EventFile(f"{folder}/a.h5")[0].event_id
    7
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        *,
        detector: str,
        views: Mapping[str, Sequence[int]],
        dead_wires: Mapping[str, np.ndarray] | None = None,
        made_by: Mapping[str, Any] | None = None,
        class_names: Sequence[str] = CLASS_NAMES,
        event_classes: Sequence[str] = (),
        axes: Sequence[str] | None = None,
        value_unit: str | None = None,
        compression: str = "gzip",
    ):
        if not views:
            raise InputError("views is empty: an event file needs at least one view")
        self.path = Path(path)
        self.detector = detector
        self.view_shapes = {name: tuple(int(n) for n in shape) for name, shape in views.items()}
        self.dead_wires = {
            name: np.asarray((dead_wires or {}).get(name, ()), np.int32) for name in views
        }
        self.made_by = dict(made_by or {})
        self.class_names = tuple(class_names)
        self.event_classes = tuple(event_classes)
        self.axes = None if axes is None else tuple(axes)
        self.value_unit = value_unit
        if compression not in COMPRESSIONS:
            raise InputError(
                f"compression is {compression!r}: it must be one of {', '.join(COMPRESSIONS)}"
            )
        self.compression = compression
        self.num_events = 0

    def __enter__(self) -> EventWriter:
        self._sink = PartialFile(self.path)
        self._file = h5py.File(self._sink, "w", libver=("earliest", "v110"))
        self._write_header(self._file)
        self._events = _Table(self._file.create_group("events"), EVENT_DTYPES, EVENT_CHUNK)
        particles = self._file.create_group("particles")
        self._particles = _Ragged(
            particles, {"table": PARTICLE_DTYPE}, EVENT_CHUNK, compression=self.compression
        )
        particles["table"].attrs["units"] = json.dumps(PARTICLE_UNITS)
        self._views: dict[str, _Ragged] = {}
        self._keys: _Table | None = None
        return self

    def append(self, event: Event) -> None:
        """Add one event; its views must be exactly those the writer was made for."""
        where = f"Event {self.num_events} for {self.path.name}"
        if set(event.views) != set(self.view_shapes):
            raise InputError(
                f"{where} has views {sorted(event.views)} but the file has "
                f"{sorted(self.view_shapes)}: give every view, empty ones too"
            )
        topology = event.topology.encode()
        if len(topology) > TOPOLOGY_BYTES:
            raise InputError(
                f"{where}: topology {event.topology!r} is longer than {TOPOLOGY_BYTES} bytes: "
                "shorten it"
            )
        check_event(event, event_classes=self.event_classes, where=where)
        for name, view in event.views.items():
            if tuple(view.shape) != self.view_shapes[name]:
                raise InputError(
                    f"{where}, view {name}: shape {tuple(view.shape)} but the file has "
                    f"{self.view_shapes[name]}: all events of a file share their views' shapes"
                )
            check_view(
                view, num_particles=len(event.particles), num_classes=len(self.class_names),
                where=f"{where}, view {name}",
            )  # fmt: skip
        keys = self._key_columns(event.keys, where)
        tables = {name: self._view_columns(name, view, where) for name, view in event.views.items()}
        for name, table in tables.items():
            table.append(_pixel_columns(event.views[name]))
        self._particles.append({"table": event.particles})
        keys.append({name: np.array([value]) for name, value in event.keys.items()})
        self._events.append(
            {
                "event_id": np.array([event.event_id]),
                "label": np.array([event.label]),
                "topology": np.array([topology], EVENT_DTYPES["topology"]),
                "energy": np.array([event.energy], EVENT_DTYPES["energy"]),
            }
        )
        self._sink.check()
        self.num_events += 1

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        self._sink.end(self._file, self._finish if kind is None else None)

    def _finish(self) -> None:
        for name in self.view_shapes:  # a file without events still names its views
            self._view_columns(name, None, "").flush()
        self._particles.flush()
        self._events.flush()
        if self._keys is not None:
            self._keys.flush()
        self._file.attrs["made_by"] = json.dumps(self.made_by, sort_keys=True, default=str)
        self._file.attrs["num_events"] = self.num_events
        self._file.attrs["complete"] = True  # the last thing written before closing

    def _write_header(self, file: h5py.File) -> None:
        file.attrs["format"] = FORMAT_NAME
        file.attrs["schema_version"] = SCHEMA_VERSION
        file.attrs["complete"] = False
        file.attrs["num_events"] = 0
        file.attrs["detector"] = self.detector
        file.attrs["class_names"] = np.array(self.class_names, h5py.string_dtype())
        if self.event_classes:
            file.attrs["event_classes"] = list(self.event_classes)
        file.attrs["view_names"] = list(self.view_shapes)
        file.attrs["made_by"] = json.dumps(self.made_by, sort_keys=True, default=str)
        for name, shape in self.view_shapes.items():
            group = file.create_group(f"views/{name}")
            dim = len(shape)
            group.attrs["shape"] = np.array(shape, np.int64)
            axes = self.axes or AXES.get(dim, tuple(f"axis {i}" for i in range(dim)))
            group.attrs["axes"] = list(axes)
            unit = VALUE_UNITS.get(dim, "") if self.value_unit is None else self.value_unit
            group.attrs["value_unit"] = unit
            group.create_dataset("dead_wires", data=self.dead_wires[name])

    def _key_columns(self, keys: Mapping[str, int], where: str) -> _Table:
        """The columns of the events' keys; the first event decides which there are."""
        unknown = sorted(set(keys) - set(KEY_COLUMNS))
        if unknown:
            raise InputError(
                f"{where}: keys has {unknown[0]!r}: it must be one of {', '.join(KEY_COLUMNS)}"
            )
        if self._keys is None:
            names = [name for name in KEY_COLUMNS if name in keys]
            group = self._file["events"]
            self._keys = _Table(group, dict.fromkeys(names, KEY_DTYPE), EVENT_CHUNK)
        if set(keys) != set(self._keys.names):
            raise InputError(
                f"{where}: keys {sorted(keys)} differ from those of the first event, "
                f"{sorted(self._keys.names)}: give the same ones for every event of a file, "
                f"{NO_KEY} where there is none"
            )
        return self._keys

    def _view_columns(self, name: str, view: View | None, where: str) -> _Ragged:
        """The columns of a view; the first event decides whether there is truth."""
        present = (
            set() if view is None else {c for c in TRUTH_COLUMNS if getattr(view, c) is not None}
        )
        if name not in self._views:
            names = ["coords", "values", *(c for c in TRUTH_COLUMNS if c in present)]
            self._views[name] = _Ragged(
                self._file[f"views/{name}"],
                {column: PIXEL_DTYPES[column] for column in names},
                PLAIN_CHUNK if self.compression == "none" else PIXEL_CHUNK,
                widths={"coords": len(self.view_shapes[name])},
                compression=self.compression,
            )
        columns = self._views[name]
        if view is not None and present != set(columns.names) - {"coords", "values"}:
            raise InputError(
                f"{where}, view {name}: truth columns {sorted(present)} differ from those of the "
                "first event: give the same truth columns for every event of a file"
            )
        return columns


def _pixel_columns(view: View) -> dict[str, np.ndarray]:
    return {name: column for name in PIXEL_DTYPES if (column := getattr(view, name)) is not None}


class _Table:
    """Columns that grow together; rows go to the file by whole chunks."""

    def __init__(
        self,
        group: h5py.Group,
        dtypes: Mapping[str, np.dtype],
        chunk: int,
        widths: Mapping[str, int] | None = None,
        compression: str = "gzip",
    ):
        self.names = tuple(dtypes)
        self._dtypes = dict(dtypes)
        self._chunk = chunk
        self._rows = 0
        self._datasets, self._pending = {}, {}
        packing: dict[str, Any] = {}
        if compression == "gzip":
            packing = {"compression": "gzip", "compression_opts": 1, "shuffle": True}
        for name, dtype in dtypes.items():
            tail = (widths[name],) if widths and name in widths else ()
            self._datasets[name] = group.create_dataset(
                name, (0, *tail), dtype, maxshape=(None, *tail), chunks=(chunk, *tail), **packing
            )
            self._pending[name] = [np.empty((0, *tail), dtype)]

    def append(self, columns: Mapping[str, np.ndarray]) -> None:
        for name in self.names:
            column = np.asarray(columns[name])
            self._pending[name].append(column.astype(self._dtypes[name]))
        self._rows += len(columns[self.names[0]]) if self.names else 0
        if self._rows >= self._chunk:
            self._write(self._rows - self._rows % self._chunk)

    def flush(self) -> None:
        self._write(self._rows)

    def _write(self, rows: int) -> None:
        for name, dataset in self._datasets.items():
            pending = np.concatenate(self._pending[name])
            start = len(dataset)
            dataset.resize(start + rows, axis=0)
            dataset[start:] = pending[:rows]
            self._pending[name] = [pending[rows:].copy()]
        self._rows -= rows


class _Ragged(_Table):
    """A table with ``offsets``: event i owns rows ``[offsets[i], offsets[i + 1])``."""

    def __init__(
        self,
        group: h5py.Group,
        dtypes: Mapping[str, np.dtype],
        chunk: int,
        widths: Mapping[str, int] | None = None,
        compression: str = "gzip",
    ):
        super().__init__(group, dtypes, chunk, widths, compression)
        self._offsets = _Table(group, {"offsets": np.dtype(np.int64)}, EVENT_CHUNK)
        self._total = 0
        self._offsets.append({"offsets": np.zeros(1, np.int64)})

    def append(self, columns: Mapping[str, np.ndarray]) -> None:
        super().append(columns)
        self._total += len(columns[self.names[0]])
        self._offsets.append({"offsets": np.array([self._total])})

    def flush(self) -> None:
        super().flush()
        self._offsets.flush()
