"""Writes an event file in one pass with bounded memory; a broken run leaves no file behind."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from jaxsparse.data.event_layout import FORMAT_NAME
from jaxsparse.data.event_tables import EventTables
from jaxsparse.data.event_values import image_shape, stored_event
from jaxsparse.data.partial_hdf5 import PartialHdf5
from jaxsparse.data.schema import SCHEMA_VERSION, Event, View
from jaxsparse.data.stored_values import as_stored
from jaxsparse.detectors import Detector, find, registered, to_json
from jaxsparse.errors import InputError

COMPRESSIONS = ("gzip", "none")


class EventWriter:
    """Context manager that writes events to ``PATH.partial`` and renames it to ``PATH`` at the end.

    Whatever was at ``PATH`` before stays untouched until the new file is whole; after an exception
    the partial file is removed. Memory: one chunk of every column, whatever the number of events.

    Args:
      path: the file to make; its folder is made if missing.
      detector: name of the detector, for example ``"microboone"``.
      described: what the detector is, for the file to carry; what this program registered under its
        name if ``None``.
      views: full image shape by view name, for example ``{"Y": (1008, 3456)}``.
      dead_wires: wire numbers without read-out by view name; missing views have none.
      made_by: how the events were made, anything JSON can say (program, version, seed, options);
        the attribute may be added to until the end.
      class_names: what the label numbers of pixels mean; those of the detector if None.
      event_classes: what the label numbers of whole events mean, () if they have none; those of
        ``described`` if None.
      axes: what the axes of a view count, for example ``("plane", "cell")``: one for all views, or
        by view; as the detector has them where nothing is said.
      value_unit: unit of the values, one for all views or by view; the detector's where nothing is
        said.
      compression: of pixels and particles, one of :data:`COMPRESSIONS`. ``"gzip"`` halves the file
        or better; ``"none"`` is for small events by the million, which are read many times faster
        in random order if nothing has to be unpacked.

    Raises:
      InputError: what is said of the file breaks a rule; on entry if the file cannot be made; on
        ``append`` if an event breaks a rule of :func:`jaxsparse.data.validation.check_view` or a
        value does not fit what is stored (:func:`jaxsparse.data.stored_values.as_stored`), or the
        disk is full.

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
        described: Detector | None = None,
        dead_wires: Mapping[str, np.ndarray] | None = None,
        made_by: Mapping[str, Any] | None = None,
        class_names: Sequence[str] | None = None,
        event_classes: Sequence[str] | None = None,
        axes: Sequence[str] | Mapping[str, Sequence[str]] | None = None,
        value_unit: str | Mapping[str, str] | None = None,
        compression: str = "gzip",
    ):
        if not isinstance(views, Mapping):
            raise InputError(
                f"views is {views!r}: it must be a dictionary of shapes by name, such as "
                '{"Y": (1008, 3456)}'
            )
        if not views:
            raise InputError("views is empty: an event file needs at least one view")
        self.path = Path(path)
        self.detector = _texts("detector", [detector])[0]
        names = _texts("views", views)
        for name in names:
            if name in ("", ".") or "/" in name:
                raise InputError(f"views has {name!r}: it must be a name of HDF5, without slashes")
        self.view_shapes = {
            name: image_shape(shape, f"view {name} of {self.path.name}")
            for name, shape in zip(names, views.values(), strict=True)
        }
        if strange := sorted(map(str, {*(dead_wires or {})} - {*names})):
            raise InputError(
                f"dead_wires has {strange[0]!r}: it must be one of the views {', '.join(names)}"
            )
        self.dead_wires = {
            name: _dead_wires((dead_wires or {}).get(name, ()), shape[-1], f"view {name}")
            for name, shape in self.view_shapes.items()
        }
        self.made_by = dict(made_by or {})
        if not isinstance(described, Detector | None):
            raise InputError(
                f"described is {described!r:.60}: give a jaxsparse.detectors.Detector, or leave it "
                "out"
            )
        self.described = described or registered(self.detector)
        if self.described is not None and self.detector not in self.described.names:
            raise InputError(
                f"detector is {self.detector!r} but described has the name "
                f"{self.described.name!r}: give the description of the same detector"
            )
        if described is not None:
            _check_described(described, self.view_shapes, axes)
        detector_known = self.described or find(self.detector)
        if class_names is None:
            class_names = detector_known.pixel_classes.names
        self.class_names = _names("class_names", class_names)
        if event_classes is None:
            event_classes = self.described.event_classes.names if self.described else ()
        self.event_classes = _names("event_classes", event_classes)
        self.axes, self.value_units = {}, {}
        for name, shape in self.view_shapes.items():
            known = detector_known.view(name, len(shape))
            said = axes.get(name) if isinstance(axes, Mapping) else axes
            self.axes[name] = known.axes if said is None else _texts("axes", said)
            unit = value_unit.get(name) if isinstance(value_unit, Mapping) else value_unit
            self.value_units[name] = _texts("value_unit", [known.unit if unit is None else unit])[0]
        if compression not in COMPRESSIONS:
            raise InputError(
                f"compression is {compression!r}: it must be one of {', '.join(COMPRESSIONS)}"
            )
        self.compression = compression
        self.num_events = 0
        self._output: PartialHdf5 | None = None
        self._tables: EventTables | None = None

    def __enter__(self) -> EventWriter:
        self._made_by()  # refuses what JSON cannot say
        self._tables, self.num_events = None, 0
        self._output = PartialHdf5(self.path, self._begin, libver=("earliest", "v110"))
        return self

    def append(self, event: Event) -> None:
        """Add one event; its views must be exactly those the writer was made for.

        The event is written whole or not at all: one that is refused may be left out and the next
        one given.
        """
        where = f"Event {self.num_events} for {self.path.name}"
        if self._output is None:
            raise InputError(f"{where}: append inside of `with EventWriter(...) as writer:`")
        if isinstance(event, Event):
            self._check_labels(event, where)
        stored = stored_event(
            event,
            view_shapes=self.view_shapes,
            num_classes=len(self.class_names),
            event_classes=self.event_classes,
            where=where,
        )
        if self._tables is not None:
            self._tables.check(stored, where)
        with self._output.writing(f"event {self.num_events}"):
            if self._tables is None:
                self._tables = EventTables(self._output.file, stored, self.compression)
            self._tables.append(stored)
            self.num_events += 1

    def _check_labels(self, event: Event, where: str) -> None:
        """Refuses names in the place of class numbers, and numbers of classes without a name."""
        _refuse_text(event.label, f"{where}: label", self.event_classes)
        for name, view in event.views.items():
            if (labels := getattr(view, "labels", None)) is None:
                continue
            _refuse_text(labels, f"{where}, view {name}: labels", self.class_names)
            if not self.class_names and np.any(np.asarray(labels) >= 0):
                raise InputError(
                    f"{where}, view {name}: pixels have classes but class_names is empty: name them"
                )

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, _: object
    ) -> None:
        assert self._output is not None
        self._output.end(error, self._finish)

    def _finish(self, file: h5py.File) -> None:
        if self._tables is None:  # a file without events still names its views
            empty = {
                name: View(np.zeros((0, len(shape)), np.int32), np.zeros(0, np.float32), shape)
                for name, shape in self.view_shapes.items()
            }
            self._tables = EventTables(file, Event(0, empty), self.compression)
        self._tables.flush()
        file.attrs["made_by"] = self._made_by()
        file.attrs["num_events"] = self.num_events
        file.attrs["complete"] = True  # the last thing written before closing

    def _begin(self, file: h5py.File) -> None:
        file.attrs["format"] = FORMAT_NAME
        file.attrs["schema_version"] = SCHEMA_VERSION
        file.attrs["complete"] = False
        file.attrs["num_events"] = 0
        file.attrs["detector"] = self.detector
        if self.described is not None:
            file.attrs["detector_description"] = to_json(self.described)
        file.attrs["class_names"] = np.array(self.class_names, h5py.string_dtype())
        if self.event_classes:
            file.attrs["event_classes"] = list(self.event_classes)
        file.attrs["view_names"] = list(self.view_shapes)
        file.attrs["made_by"] = self._made_by()
        for name, shape in self.view_shapes.items():
            group = file.create_group(f"views/{name}")
            group.attrs["shape"] = np.array(shape, np.int64)
            group.attrs["axes"] = list(self.axes[name])
            group.attrs["value_unit"] = self.value_units[name]
            group.create_dataset("dead_wires", data=self.dead_wires[name])

    def _made_by(self) -> str:
        try:
            return json.dumps(self.made_by, sort_keys=True, default=str)
        except (TypeError, ValueError, RecursionError) as error:
            raise InputError(f"made_by is nothing that JSON can say ({error}): change it") from None


def _check_described(
    described: Detector,
    shapes: Mapping[str, tuple[int, ...]],
    axes: Sequence[str] | Mapping[str, Sequence[str]] | None,
) -> None:
    """Refuses views of which a description says nothing, and nobody else says their axes."""
    for name, shape in shapes.items():
        own = described.views.get(name)
        said = name in axes if isinstance(axes, Mapping) else axes is not None
        if own is None and described.views and not said:
            raise InputError(
                f"views has {name!r} but described has {', '.join(described.views)}: describe that "
                "view too, or say its axes"
            )
        if own is not None and len(own.axes) != len(shape):
            raise InputError(
                f"view {name} has the shape {shape} but described has {len(own.axes)} axes for it, "
                f"{', '.join(own.axes)}: give a name for every axis"
            )


def _texts(name: str, values: Iterable[str]) -> tuple[str, ...]:
    """Texts that an HDF5 attribute can hold."""
    found = [values] if isinstance(values, str) else list(values)
    for text in found:
        if isinstance(values, str) or not isinstance(text, str) or "\0" in text:
            raise InputError(f"{name} has {text!r}: give text without zero bytes, a name each")
        try:
            text.encode()
        except UnicodeEncodeError:
            raise InputError(f"{name} has {text!r}: it must be text in UTF-8") from None
    return tuple(str(text) for text in found)


def _names(name: str, values: Iterable[str]) -> tuple[str, ...]:
    """Texts of which none is there twice."""
    found = _texts(name, values)
    for place, text in enumerate(found):
        if text in found[:place]:
            raise InputError(f"{name} has {text!r} twice: give every class a name of its own")
    return found


def _refuse_text(labels: Any, what: str, names: Sequence[str]) -> None:
    """Says which number a class has where names are given."""
    if isinstance(labels, np.ndarray) and labels.dtype.kind in "biuf":
        return
    given = np.asarray(labels, object).ravel()
    for place, label in enumerate(given):
        if isinstance(label, str):
            pixel = f" of pixel {place}" if np.ndim(labels) else ""
            numbers = ", ".join(f"{number} {name}" for number, name in enumerate(names))
            rule = f"be a class number, {numbers or 'and classes have no names here'}"
            raise InputError(f"{what} {label}{pixel} must {rule}: give the number")


def _dead_wires(wires: Any, size: int, where: str) -> np.ndarray:
    found = as_stored(wires, np.int32, name="dead_wires", where=where, tail=(), entry="entry")
    if len(found) and not (found.min() >= 0 and found.max() < size):
        raise InputError(
            f"{where}: dead_wires {found.min()} to {found.max()} must lie in [0, {size}): give the "
            "numbers of wires of the view"
        )
    return found
