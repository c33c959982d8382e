"""All that an event file says beside its pixels, checked when the file is opened."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from jaxsparse.data.column import Column
from jaxsparse.data.event_layout import (
    CORNER_DTYPE,
    EVENT_DEFAULTS,
    EVENT_DTYPES,
    FORMAT_NAME,
    KEY_COLUMNS,
    KEY_DTYPE,
    LINK_COUNT_DTYPE,
    LINK_DTYPES,
    PIXEL_DTYPES,
    SCORES_FORMAT,
)
from jaxsparse.data.hdf5_attributes import read_text, read_texts, read_whole, read_wholes, says
from jaxsparse.data.schema import FURTHER, PARTICLE_DTYPE, SCHEMA_VERSION, TRUTH_COLUMNS
from jaxsparse.detectors import Detector, find, from_json
from jaxsparse.errors import InputError

REMEDY = "make the file again with this version of jaxsparse"


@dataclasses.dataclass
class ViewHeader:
    """What a file says about one view.

    Attributes:
      shape: the full image.
      axes: what they count.
      value_unit: of the values.
      truth: names of the truth columns that there are.
      further: names of the further values.
      offsets: int64 ``[events + 1]``, rows of every event.
      dead_wires: int32, wires without read-out.
      links: int64 ``[events + 1]`` by name of another view, entries of every event.
    """

    shape: tuple[int, ...]
    axes: tuple[str, ...]
    value_unit: str
    truth: tuple[str, ...]
    further: tuple[str, ...]
    offsets: np.ndarray
    dead_wires: np.ndarray
    links: dict[str, np.ndarray]


@dataclasses.dataclass
class EventHeader:
    """What a file says about all events: plain data, may be pickled.

    Attributes:
      detector: its name.
      described: what the file says of it; ``None`` if nothing.
      class_names: of pixels.
      event_classes: of whole events, maybe none.
      made_by: attributes of the writer.
      num_events: number of events.
      particle_offsets: int64 ``[events + 1]``.
      views: by name.
      columns: where the rows of every dataset lie, by its path in the file.
    """

    detector: str
    described: Detector | None
    class_names: tuple[str, ...]
    event_classes: tuple[str, ...]
    made_by: dict[str, Any]
    num_events: int
    particle_offsets: np.ndarray
    views: dict[str, ViewHeader]
    columns: dict[str, Column]


def read_header(path: Path, file: h5py.File) -> EventHeader:
    """Reads and checks everything that is cheap: version, types, ranks and all offsets.

    Raises:
      InputError: a rule of the layout is broken.
      KeyError, TypeError, ValueError, OSError, RuntimeError: it is damaged in another way.
    """
    refuse_scores(path, file)
    if not says(file.attrs, "format", FORMAT_NAME):
        raise InputError(
            f"{path} is not an event file (format {file.attrs.get('format')!r}): convert "
            "it with jaxsparse convert"
        )
    version = read_whole(file.attrs, "schema_version")
    if version != SCHEMA_VERSION:
        raise InputError(
            f"{path} has schema_version {version} but this program reads {SCHEMA_VERSION}: {REMEDY}"
        )
    if not file.attrs.get("complete", False):
        raise InputError(f"{path} is half written: wait until its writer ends, or make it again")
    return _Reader(path, file).header()


def refuse_scores(path: Path, file: h5py.File) -> None:
    """Refuses a file of scores in the place of one of events.

    Raises:
      InputError: it is one.
    """
    if says(file.attrs, "format", SCORES_FORMAT):
        raise InputError(
            f"{path} has scores of events, not events: give the event file that they are of, and "
            "the scores to jaxsparse view as --predictions"
        )


class _Reader:
    """Reads the parts of one file and notes its columns."""

    def __init__(self, path: Path, file: h5py.File):
        self.path, self.file = path, file
        self.num_events = read_whole(file.attrs, "num_events")
        self.columns: dict[str, Column] = {}

    def header(self) -> EventHeader:
        attributes = self.file.attrs
        detector = read_text(attributes, "detector")
        described = self._described(detector)
        class_names = read_texts(attributes, "class_names")
        event_classes = read_texts(attributes, "event_classes", ())
        made_by = dict(json.loads(read_text(attributes, "made_by")))
        for name, dtype in EVENT_DTYPES.items():
            if name not in EVENT_DEFAULTS or f"events/{name}" in self.file:
                self._column(f"events/{name}", dtype, rows=self.num_events)
        for name in KEY_COLUMNS:
            if f"events/{name}" in self.file:
                self._column(f"events/{name}", KEY_DTYPE, rows=self.num_events)
        self._column("particles/table", PARTICLE_DTYPE)
        views = read_texts(attributes, "view_names")
        known = find(detector, described)
        return EventHeader(
            detector=detector,
            described=described,
            class_names=class_names,
            event_classes=event_classes,
            made_by=made_by,
            num_events=self.num_events,
            particle_offsets=self._offsets("particles", ["table"]),
            views={name: self._view(name, known, views) for name in views},
            columns=self.columns,
        )

    def _described(self, detector: str) -> Detector | None:
        """What the file says of its detector."""
        text = read_text(self.file.attrs, "detector_description", "")
        if not text:
            return None
        try:
            described = from_json(text)
        except InputError as error:
            raise InputError(f"{self.path}: {error}, {REMEDY}") from None
        if detector not in described.names:
            raise InputError(
                f"{self.path} is of {detector!r} but describes {described.name!r}: {REMEDY}"
            )
        return described

    def _view(self, name: str, detector: Detector, views: tuple[str, ...]) -> ViewHeader:
        group = f"views/{name}"
        attributes = self.file[group].attrs
        shape = read_wholes(attributes, "shape")
        if not shape or min(shape) < 1 or np.prod(np.array(shape, float)) >= 2.0**62:
            raise InputError(f"{self.path}, view {name}: shape {shape} is no image: {REMEDY}")
        dim = len(shape)
        known = detector.view(name, dim)
        truth = tuple(column for column in TRUTH_COLUMNS if column in self.file[group])
        columns = ["coords", "values", *truth]
        for column in columns:
            tail = (dim,) if column == "coords" else ()
            self._column(f"{group}/{column}", PIXEL_DTYPES[column], tail=tail)
        if f"{group}/corners" in self.file:
            self._column(f"{group}/corners", CORNER_DTYPE, tail=(dim,), rows=self.num_events)
        offsets = self._offsets(group, columns)
        wires = self._dataset(f"{group}/dead_wires", np.dtype(np.int32))[:].astype(np.int32)
        if len(wires) and not (wires.min() >= 0 and wires.max() < shape[-1]):
            raise InputError(
                f"{self.path}, view {name}: dead wires {wires.min()} to {wires.max()} must lie "
                f"in [0, {shape[-1]}): {REMEDY}"
            )
        return ViewHeader(
            shape=shape,
            axes=read_texts(attributes, "axes", known.axes),
            value_unit=read_text(attributes, "value_unit", known.unit),
            truth=truth,
            further=self._further(group, rows=int(offsets[-1])),
            offsets=offsets,
            dead_wires=wires,
            links=self._links(name, views, rows=int(offsets[-1])),
        )

    def _links(self, name: str, views: tuple[str, ...], rows: int) -> dict[str, np.ndarray]:
        links: dict[str, np.ndarray] = {}
        group = f"views/{name}/links"
        for to in self._members(group):
            if to == name or to not in views:
                others = ", ".join(view for view in views if view != name)
                raise InputError(
                    f"{self.path}: {group} has {to!r} but must name another view of the file, "
                    f"{others or 'which has none'}: {REMEDY}"
                )
            self._column(f"{group}/{to}/counts", LINK_COUNT_DTYPE, rows=rows)
            for column, dtype in LINK_DTYPES.items():
                self._column(f"{group}/{to}/{column}", dtype)
            links[to] = self._offsets(f"{group}/{to}", list(LINK_DTYPES))
        return links

    def _further(self, view: str, rows: int) -> tuple[str, ...]:
        names = self._members(f"{view}/further")
        for name in names:
            self._column(f"{view}/further/{name}", FURTHER.stored, rows=rows)
        return names

    def _members(self, group: str) -> tuple[str, ...]:
        """What a group that may be absent has."""
        if group not in self.file:
            return ()
        if not isinstance(self.file[group], h5py.Group):
            raise InputError(f"{self.path}: {group} must be a group: {REMEDY}")
        return tuple(self.file[group])

    def _column(
        self, name: str, dtype: np.dtype, *, tail: tuple[int, ...] = (), rows: int | None = None
    ) -> None:
        self.columns[name] = Column(self._dataset(name, dtype, tail=tail, rows=rows))

    def _dataset(
        self, name: str, dtype: np.dtype, *, tail: tuple[int, ...] = (), rows: int | None = None
    ) -> h5py.Dataset:
        """The dataset, if it is stored in this very file and has the type and rank it should."""
        dataset = self.file.get(name)
        if not isinstance(dataset, h5py.Dataset):
            raise InputError(f"{self.path} has no dataset {name}: {REMEDY}")
        # A link or a virtual dataset could make us read another file of the user's.
        if dataset.file != self.file or dataset.is_virtual or dataset.external:
            raise InputError(f"{self.path}: {name} points outside the file: {REMEDY}")
        native = dataset.dtype.newbyteorder("=")  # the library turns bytes round as it reads
        if native != dtype or dataset.shape[1:] != tail or dataset.ndim != 1 + len(tail):
            raise InputError(
                f"{self.path}: {name} is {dataset.dtype}{list(dataset.shape)} but must be "
                f"{dtype}{['rows', *tail]}: {REMEDY}"
            )
        if rows is not None and len(dataset) != rows:
            raise InputError(
                f"{self.path}: {name} has {len(dataset)} rows but must have {rows}: {REMEDY}"
            )
        return dataset

    def _offsets(self, group: str, columns: list[str]) -> np.ndarray:
        name = f"{group}/offsets"
        stored = self._dataset(name, np.dtype(np.int64), rows=self.num_events + 1)
        offsets = stored[:].astype(np.int64)
        falls = offsets[1:] < offsets[:-1]  # differences of damaged numbers may overflow
        if offsets[0] != 0 or falls.any():
            event = int(np.argmax(falls)) if len(falls) else 0
            raise InputError(
                f"{self.path}: {name} of event {event} goes from {offsets[event]} to "
                f"{offsets[event + 1] if len(falls) else offsets[0]}: offsets must start at 0 and "
                f"never fall, {REMEDY}"
            )
        for column in columns:
            rows = len(self.file[f"{group}/{column}"])
            if offsets[-1] != rows:
                raise InputError(
                    f"{self.path}: {name} end at {offsets[-1]} but {group}/{column} has {rows} "
                    f"rows: {REMEDY}"
                )
        return offsets
