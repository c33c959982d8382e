"""Event files of our own that were made by several jobs, as one sample."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from jaxsparse.data.event_file import EventFile
from jaxsparse.data.event_layout import FORMAT_NAME
from jaxsparse.data.event_numbers import event_number
from jaxsparse.data.hdf5_attributes import says
from jaxsparse.data.readers.file_pool import find_files
from jaxsparse.data.readers.protocol import Reader
from jaxsparse.data.schema import Event
from jaxsparse.data.source import EventSource
from jaxsparse.errors import InputError

# What files of one sample have in common: by name for messages, attributes of an EventFile.
COMMON = {
    "detector": "detector",
    "views": "view_shapes",
    "axes": "axes",
    "units of values": "value_units",
    "classes of pixels": "class_names",
    "classes of events": "event_classes",
    "description of the detector": "described",
}


class EventFiles(EventSource):
    """The events of several files, one file after the other, as they are.

    Args:
      paths: a file, a pattern, a folder, or a list of these.

    Attributes:
      attributes: what all files say alike of how they were made.

    Raises:
      InputError: there is no file, one cannot be read, or two are not of one sample: another
        detector, other views, classes or dead wires. Reading raises what
        :class:`~jaxsparse.data.event_file.EventFile` does.
    """

    def __init__(self, paths: str | os.PathLike[str] | list[str]):
        self.files = find_files(paths, "event")
        self._sources = [EventFile(path) for path in self.files]
        first = self._sources[0]
        for other in self._sources[1:]:
            _require_one_sample(first, other)
        self.detector, self.described = first.detector, first.described
        self.view_shapes = first.view_shapes
        self.class_names, self.event_classes = first.class_names, first.event_classes
        self.attributes: dict[str, Any] = {
            name: value
            for name, value in first.attributes.items()
            if all(source.attributes.get(name) == value for source in self._sources)
        }
        self._ends = np.cumsum([len(source) for source in self._sources])

    def __len__(self) -> int:
        return int(self._ends[-1])

    def __getitem__(self, index: int) -> Event:
        index = event_number(index, len(self), f"{len(self.files)} event files")
        file = int(np.searchsorted(self._ends, index, side="right"))
        return self._sources[file][index - int(self._ends[file])]

    @property
    def axes(self) -> dict[str, tuple[str, ...]]:
        return self._sources[0].axes

    @property
    def value_units(self) -> dict[str, str]:
        return self._sources[0].value_units

    @property
    def event_labels(self) -> np.ndarray:
        return np.concatenate([source.event_labels for source in self._sources])

    @property
    def event_energy(self) -> np.ndarray:
        return np.concatenate([source.event_energy for source in self._sources])

    def dead_wires(self, name: str) -> np.ndarray:
        return self._sources[0].dead_wires(name)

    def notes(self) -> list[str]:
        """The number of files, in a line."""
        return [f"{len(self.files)} event files"]

    def close(self) -> None:
        """Closes all files; the next read opens them again."""
        for source in self._sources:
            source.close()


def _require_one_sample(first: EventFile, other: EventFile) -> None:
    for what, name in COMMON.items():
        one, two = getattr(first, name), getattr(other, name)
        if one != two:
            raise InputError(
                f"{other.path} has other {what} than {first.path} ({two} and {one}): give files of "
                "one sample"
            )
    for view in first.view_shapes:
        if not np.array_equal(first.dead_wires(view), other.dead_wires(view)):
            raise InputError(
                f"{other.path} has other dead wires in view {view} than {first.path}: give files "
                "of one sample"
            )


def _recognise(path: Path, file: h5py.File | None) -> bool:
    return file is not None and says(file.attrs, "format", FORMAT_NAME)


READER = Reader(
    holds="event files of jaxsparse (HDF5)",
    recognise=_recognise,
    open=EventFiles,
    many=True,
    axes_remedy="make the files anew with another order of axes",
)
