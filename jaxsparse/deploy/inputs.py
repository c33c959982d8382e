"""Files that a network is to look at, as one sequence of events: one file is open at a time."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from jaxsparse.data.byte_digest import byte_digest
from jaxsparse.data.event_file import EventFile
from jaxsparse.data.other_views import other_views
from jaxsparse.data.schema import Event
from jaxsparse.data.source import EventSource
from jaxsparse.errors import InputError, one_line, reason

Source = EventFile | EventSource


@dataclasses.dataclass(frozen=True)
class Input:
    """A file of events, or what its format has in place of one.

    Attributes:
      name: for messages and results.
      open: makes its source; gets the names of the views that are needed, which a source of
        deposits can choose. Raises InputError.
    """

    name: str
    open: Callable[[tuple[str, ...]], Source]


class Inputs:
    """Events of files by one number.

    All files are opened once at the beginning, so that one that is of no use is known before
    anything is computed.

    Args:
      inputs: the files; at least one.
      views: that the network sees.
      dim: axes of its images.
      factor: of all values.

    Attributes:
      names: of the files.
      counts: int64 ``[files]``, events of each.
      digests: of their bytes.
      paths: of everything that is read.

    Raises:
      InputError: one cannot be opened, or lacks a view.
    """

    def __init__(
        self, inputs: Sequence[Input], views: tuple[str, ...], dim: int, factor: float = 1.0
    ):
        self._inputs, self._views, self._factor = list(inputs), views, np.float32(factor)
        self._identities: list[list[tuple[int, ...]]] = []
        counts: list[int] = []
        self.digests: list[str] = []
        self.paths: list[Path] = []
        for number, entry in enumerate(self._inputs):
            source = entry.open(views)
            _check(entry.name, source, views, dim)
            counts.append(len(source))
            self.digests.append(byte_digest(_files_of(source)))
            self.paths += _files_of(source)
            self._identities.append(_identities(source))
            self._opened = number, source
        self.names = [entry.name for entry in self._inputs]
        self.counts = np.array(counts, np.int64)
        self._ends = np.cumsum(self.counts)

    def __len__(self) -> int:
        return int(self._ends[-1])

    def place(self, number: int) -> tuple[int, int]:
        """The file of an event, and its number there."""
        file = int(np.searchsorted(self._ends, number, side="right"))
        return file, int(number - self._ends[file] + self.counts[file])

    def batches(self, events: range, size: int) -> Iterator[tuple[range, int]]:
        """Some events in batches, which begin anew with every file.

        Args:
          events: that begin where a batch does.
          size: most events of a batch.

        Yields:
          The numbers of its events, and the size of its file's batches: a file of fewer events than
          ``size`` is a single one. So networks see the batches that they see in an evaluation.
        """
        number = events.start
        while number < events.stop:
            file, event = self.place(number)
            slots = min(size, int(self.counts[file]))
            end = min(number + slots, number - event + int(self.counts[file]), events.stop)
            yield range(number, end), slots
            number = end

    def name_of(self, number: int) -> str:
        """An event in words."""
        file, event = self.place(number)
        return f"Event {event} of {Path(self.names[file]).name}"

    def read(self, numbers: Sequence[int]) -> tuple[dict[int, Event], dict[int, str]]:
        """Some events of one file.

        Returns:
          Those that can be read, and what is wrong with the others, by number.

        Raises:
          InputError: the file is not what it was at the beginning.
        """
        file, first = self.place(numbers[0])
        source = self._source(file)
        places = np.arange(first, first + len(numbers))
        try:
            found = map(self._scaled, _events(source, places, self._views))
            return dict(zip(numbers, found, strict=True)), {}
        except InputError as error:
            self._check_unchanged(file, source)
            if len(numbers) == 1:
                name = self.name_of(numbers[0])
                known = str(error).startswith((f"{name},", f"{name}:"))
                return {}, {numbers[0]: one_line(error if known else f"{name}: {error}")}
        half = len(numbers) // 2
        good, bad = self.read(numbers[:half])
        more, worse = self.read(numbers[half:])
        return good | more, bad | worse

    def _scaled(self, event: Event) -> Event:
        with np.errstate(over="ignore"):  # said below
            views = {
                name: dataclasses.replace(view, values=view.values * self._factor)
                for name, view in event.views.items()
            }
        for name, view in views.items():
            if not np.isfinite(view.values).all():
                raise InputError(
                    f"view {name} has values that are infinite or NaN, times {self._factor:g}: "
                    "they must be numbers"
                )
        return dataclasses.replace(event, views=views)

    def _source(self, file: int) -> Source:
        number, source = self._opened
        if number != file:
            if isinstance(source, EventFile):
                source.close()
            source = self._inputs[file].open(self._views)
            self._check_unchanged(file, source)
            self._opened = file, source
        return source

    def _check_unchanged(self, file: int, source: Source) -> None:
        if _identities(source) != self._identities[file]:
            raise InputError(
                f"{self.names[file]} has changed since the beginning: give the command again once "
                "nobody writes to it"
            )


def _events(source: Source, numbers: np.ndarray, views: Sequence[str]) -> list[Event]:
    """Events with some views; of our own files with nothing else, which costs a fifth."""
    if not isinstance(source, EventFile):
        found = [source[int(number)] for number in numbers]
        return [
            dataclasses.replace(event, views={name: event.views[name] for name in views})
            for event in found
        ]
    images = {name: source.read_pixels(numbers, name, ()).views() for name in views}
    names = source.read_names(numbers)
    ids = names.pop("event_id").tolist()
    keys = {name: column.tolist() for name, column in names.items()}
    return [
        Event(
            event_id,
            {name: each[place] for name, each in images.items()},
            keys={name: column[place] for name, column in keys.items()},
        )
        for place, event_id in enumerate(ids)
    ]


def _files_of(source: Source) -> list[Path]:
    """What is read."""
    return [source.path] if isinstance(source, EventFile) else list(source.files)


def _check(name: str, source: Source, views: Iterable[str], dim: int) -> None:
    """Refuses a file that lacks what the network sees."""
    there: Any = source.view_shapes
    for view in views:
        if view not in there:
            raise InputError(other_views(f"{name} (detector {source.detector})", there, views))
        if len(there[view]) != dim:
            raise InputError(
                f"{name} has images {tuple(there[view])} in view {view} but the network sees "
                f"images of {dim} axes: give files of the detector that it was trained for"
            )


def _identities(source: Source) -> list[tuple[int, ...]]:
    """Of the files as they are on the disk."""
    try:
        found = [os.stat(path) for path in _files_of(source)]
    except OSError as error:
        raise InputError(
            f"{error.filename} cannot be read any more ({reason(error)}): give the command again "
            "once it is there"
        ) from None
    return [(stat.st_dev, stat.st_ino, stat.st_size, stat.st_mtime_ns) for stat in found]
