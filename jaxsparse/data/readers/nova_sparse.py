"""Sparse NOvA files: one long list of the pixels of all events, as sparse networks are trained on.

``docs/formats.md`` has the layout.
"""

from __future__ import annotations

import os
from pathlib import Path

import h5py
import numpy as np

from jaxsparse.data.event_numbers import event_number
from jaxsparse.data.readers.file_pool import FilePool
from jaxsparse.data.readers.hdf5_checks import checked_dataset
from jaxsparse.data.readers.nova_truth import particles_of, pixel_labels
from jaxsparse.data.readers.protocol import Reader
from jaxsparse.data.schema import Event, View
from jaxsparse.data.source import EventSource
from jaxsparse.data.stored_values import as_stored
from jaxsparse.detectors.nova import (
    NOVA,
    NOVA_AXES,
    NOVA_PIXEL_CLASSES,
    NOVA_SHAPE,
    NOVA_VALUE_UNIT,
    NOVA_VIEWS,
)
from jaxsparse.errors import InputError

INDEX, VALUE, LABEL, OBJECT = "cvnmap_index", "cvnmap_value", "cvnmap_label", "cvnmap_object"
VIEW_PIXELS = NOVA_SHAPE[0] * NOVA_SHAPE[1]
BLOCK_ROWS = 1 << 20


class NovaSparseSource(EventSource):
    """Random-access source of the events of a sparse NOvA file.

    Opening streams once through the index, in blocks, and keeps where every event begins: 16 bytes
    an event. ``event_id`` is the file's number of the event; numbers without any pixel are counted
    in ``absent``. The files say nothing about the class of a whole event.

    Args:
      path: the file.

    Attributes:
      path: as given.
      absent: numbers below the largest that have no pixel.

    Raises:
      InputError: no HDF5, a missing column, another type, columns of different length, pixels
        outside two views of 100 x 80, events not in order, a view without any pixel; reading an
        event: a pixel twice, a label out of range, a value that is none.
    """

    detector = NOVA.name
    view_shapes = dict.fromkeys(NOVA_VIEWS, NOVA_SHAPE)
    axes = dict.fromkeys(NOVA_VIEWS, NOVA_AXES)
    value_units = dict.fromkeys(NOVA_VIEWS, NOVA_VALUE_UNIT)
    class_names = NOVA_PIXEL_CLASSES

    def __init__(self, path: str | os.PathLike[str]):
        self.path = Path(path)
        self.files = [self.path]
        if not self.path.is_file():
            raise InputError(f"{self.path} is not a file: give a sparse NOvA HDF5 file")
        self._pool = FilePool()
        with self._pool.reading(self.path) as file:
            index = checked_dataset(file, INDEX, self.path, kinds="iu", width=2)
            rows = len(index)
            checked_dataset(file, VALUE, self.path, kinds="iuf", rows=rows)
            self._truth = tuple(name for name in (LABEL, OBJECT) if name in file)
            for name in self._truth:
                checked_dataset(file, name, self.path, kinds="iu", rows=rows)
            self.event_ids, self._first = self._scan(index)
        self._first = np.append(self._first, rows)
        last = int(self.event_ids[-1]) if len(self.event_ids) else -1
        self.absent = last + 1 - len(self.event_ids)

    def __len__(self) -> int:
        return len(self.event_ids)

    def __getitem__(self, index: int) -> Event:
        index = event_number(index, len(self), f"{self.path}")
        first, last = int(self._first[index]), int(self._first[index + 1])
        names = (VALUE, *self._truth)
        with self._pool.reading(self.path) as file:
            pixels = file[INDEX][first:last, 1].astype(np.int64)  # in range: _scan has looked
            columns = {name: file[name][first:last].reshape(-1) for name in names}
        number = int(self.event_ids[index])
        where = f"Event {number} of {self.path.name}"
        order = np.argsort(pixels, kind="stable")
        pixels = pixels[order]
        twice = np.flatnonzero(pixels[1:] == pixels[:-1])
        if len(twice):
            raise InputError(f"{where}: pixel {pixels[twice[0]]} occurs twice: drop one of them")
        values = columns[VALUE][order].astype(np.float32)
        if not (np.isfinite(values) & (values >= 0)).all():
            bad = values[~(np.isfinite(values) & (values >= 0))][0]
            raise InputError(
                f"{where}: value {bad} must be finite and not negative: drop the event"
            )
        labels = objects = None
        if LABEL in columns:
            labels = pixel_labels(columns[LABEL][order], where)
        if OBJECT in columns:
            objects = as_stored(columns[OBJECT][order], np.int32, name=OBJECT, where=where, tail=())
        views = {}
        for view, name in enumerate(NOVA_VIEWS):
            own = pixels // VIEW_PIXELS == view
            cells = pixels[own] % VIEW_PIXELS
            views[name] = View(
                coords=np.stack(np.divmod(cells, NOVA_SHAPE[1]), axis=1).astype(np.int32),
                values=values[own],
                shape=NOVA_SHAPE,
                labels=None if labels is None else labels[own],
                instance=None if objects is None else objects[own],
            )
        views, particles = particles_of(views)
        return Event(event_id=number, views=views, particles=particles)

    def notes(self) -> list[str]:
        """What a person should know, in lines."""
        if not self.absent:
            return []
        return [
            f"event numbers up to {self.event_ids[-1]} without a pixel: {self.absent}, not there"
        ]

    def close(self) -> None:
        """Closes the file; the next read opens it again."""
        self._pool.close()

    def _scan(self, index: h5py.Dataset) -> tuple[np.ndarray, np.ndarray]:
        """Numbers and first rows of all events, from one pass in blocks."""
        numbers, firsts = [np.zeros(0, np.int64)], [np.zeros(0, np.int64)]
        seen = np.zeros(len(NOVA_VIEWS), bool)
        previous = -1
        for start in range(0, len(index), BLOCK_ROWS):
            where = f"{self.path}, rows from {start} on"
            events, pixels = as_stored(
                index[start : start + BLOCK_ROWS], np.int64, name=INDEX, where=where, tail=(2,),
                entry="row",
            ).T  # fmt: skip
            outside = (pixels < 0) | (pixels >= len(NOVA_VIEWS) * VIEW_PIXELS)
            if outside.any():
                row = int(np.argmax(outside))
                raise InputError(
                    f"{self.path}: pixel {pixels[row]} of row {start + row} must lie in [0, "
                    f"{len(NOVA_VIEWS) * VIEW_PIXELS}), two views of {NOVA_SHAPE}: convert it anew"
                )
            steps = np.diff(events, prepend=previous)
            if (steps < 0).any():
                row = int(np.argmax(steps < 0))
                raise InputError(
                    f"{self.path}: event {events[row]} of row {start + row} comes after a larger "
                    f"one: sort all columns by {INDEX}[:, 0]"
                )
            begins = np.flatnonzero(steps > 0)
            numbers.append(events[begins])
            firsts.append(start + begins)
            seen |= np.bincount(pixels // VIEW_PIXELS, minlength=len(seen)) > 0
            previous = int(events[-1])
        if len(index) and not seen.all():
            name = NOVA_VIEWS[int(np.argmin(seen))]
            raise InputError(
                f"{self.path} has no pixel in view {name}: a view is missing, give both"
            )
        return np.concatenate(numbers), np.concatenate(firsts)


def _recognise(_: Path, file: h5py.File | None) -> bool:
    return file is not None and INDEX in file


READER = Reader(
    holds=f"sparse NOvA files (HDF5 with {INDEX})",
    recognise=_recognise,
    open=NovaSparseSource,
    compression="none",  # small events by the million
    axes_remedy="the file's flat index is in another order, make it anew",
)
