"""NOvA's h5caf files: dense pixel maps of whole events, joined with their truth by event key.

``docs/formats.md`` has the layout. Files hold a group a table; the maps are never loaded as a
whole, an event is one row read when it is asked for.
"""

from __future__ import annotations

import dataclasses
import os
from collections import Counter
from pathlib import Path

import h5py
import numpy as np

from jaxsparse.data.event_layout import KEY_DTYPE, NO_KEY
from jaxsparse.data.event_numbers import event_number
from jaxsparse.data.readers.file_pool import FilePool, find_files
from jaxsparse.data.readers.hdf5_checks import checked_dataset, read_flat
from jaxsparse.data.readers.key_join import join
from jaxsparse.data.readers.nova_truth import (
    COSMIC,
    INTERACTIONS,
    NO_CODE,
    UNKNOWN_CODE,
    event_classes_of,
    particles_of,
    pixel_labels,
)
from jaxsparse.data.readers.protocol import Option, Reader
from jaxsparse.data.schema import Event, View
from jaxsparse.data.source import EventSource
from jaxsparse.data.stored_values import as_stored
from jaxsparse.detectors.nova import (
    NOVA,
    NOVA_AXES,
    NOVA_EVENT_CLASSES,
    NOVA_PIXEL_CLASSES,
    NOVA_SHAPE,
    NOVA_VALUE_UNIT,
    NOVA_VIEWS,
)
from jaxsparse.errors import InputError

MAPS, TRUTH = "rec.training.cvnmaps", "rec.training.trainingdata"
KEYS = ("run", "subrun", "evt", "subevt")
MORE_KEYS = ("cycle", "batch")  # tell simulated samples of one run apart; not in every file
SIZES = {"view": len(NOVA_VIEWS), "plane": NOVA_SHAPE[0], "cell": NOVA_SHAPE[1]}
AXES = ",".join(SIZES)  # the usual order
PIXELS = int(np.prod(list(SIZES.values())))
NAMED = 20  # codes without a class that a report names one by one: a wrong column has a million


@dataclasses.dataclass
class JoinReport:
    """What did not fit together, over all files.

    Attributes:
      images, truths: rows of the two tables.
      without_truth: images without a row of truth: kept, without class.
      truth_alone: keys with truth but without an image.
      repeated_images: images whose key came before in the file: the first is kept.
      repeated_truths: rows of truth whose key came before in the file: the first counts.
      files_without_truth: files without a table of truth, such as real data.
      no_class: counts of events by interaction code, as stored, that the code gives no class.
      no_number: events whose interaction code is NaN or infinite.
      strangers: files whose two tables have rows, but not one key in common.
    """

    images: int = 0
    truths: int = 0
    without_truth: int = 0
    truth_alone: int = 0
    repeated_images: int = 0
    repeated_truths: int = 0
    files_without_truth: int = 0
    no_class: Counter[int] = dataclasses.field(default_factory=Counter)
    no_number: int = 0
    strangers: list[Path] = dataclasses.field(default_factory=list)

    def lines(self) -> list[str]:
        """What a person should know; empty if all fits."""
        said = {
            "images without truth": (self.without_truth, "kept without class"),
            "truth without image": (self.truth_alone, "not there"),
            "images whose key came before": (self.repeated_images, "left out"),
            "rows of truth whose key came before": (self.repeated_truths, "the first counts"),
            f"files without table {TRUTH}": (self.files_without_truth, "kept without classes"),
            "events whose interaction code is no number": (self.no_number, "kept without class"),
        }
        lines = [f"{text}: {count}, {fate}" for text, (count, fate) in said.items() if count]
        codes = sorted(self.no_class.items(), key=lambda entry: (-entry[1], entry[0]))
        for code, count in sorted(codes[:NAMED]):
            name = INTERACTIONS[code][1] if code in INTERACTIONS else "unknown"
            lines.append(f"events of interaction code {code} ({name}): {count}, kept without class")
        if more := codes[NAMED:]:
            count = sum(count for _, count in more)
            lines.append(
                f"events of {len(more)} other interaction codes (unknown): {count}, kept without "
                "class"
            )
        if self.strangers:
            others = f" nor of {len(self.strangers) - 1} more" if self.strangers[1:] else ""
            lines.append(
                f"WARNING   no image of {self.strangers[0]}{others} has the key of a row of "
                f"{TRUTH}, though it has some: no class is known there, take both tables from one "
                "production"
            )
        return lines


@dataclasses.dataclass(frozen=True)
class _File:
    """The events of one file: the first of them overall, their rows, codes and energies."""

    path: Path
    start: int
    rows: np.ndarray
    codes: np.ndarray
    energies: np.ndarray


class NovaCafSource(EventSource):
    """Random-access source of the events of NOvA h5caf files.

    Images and truth are joined by (run, subrun, evt, subevt) and, where both tables of a file have
    them, cycle and batch; within a file, because swapped samples repeat the keys of the nominal
    one. An event is every image with a new key, in the order of the files and their rows, and
    ``event_id`` its number in that order. Objects of the instance map become rows of the particle
    table, the same in both views. In memory are 14 bytes an event, and the keys of one file.

    ``keys`` of an event are those columns as the file has them, -1 for one that only other files
    have, and ``file``, the number of its file in :attr:`files`.

    Args:
      paths: a file, a pattern, a folder, or a list of these.
      axes: order of the axes of a stored image, a permutation of ``"view,plane,cell"``.

    Attributes:
      report: what did not fit together.
      files: paths, in order.
      stored_axes: as given.

    Raises:
      InputError: no file, no HDF5, a missing table or column, another type or size (a missing view,
        columns of different length), unknown axes; reading an event: a pixel label out of range.
    """

    detector = NOVA.name
    view_shapes = dict.fromkeys(NOVA_VIEWS, NOVA_SHAPE)
    axes = dict.fromkeys(NOVA_VIEWS, NOVA_AXES)
    value_units = dict.fromkeys(NOVA_VIEWS, NOVA_VALUE_UNIT)
    class_names = NOVA_PIXEL_CLASSES
    event_classes = NOVA_EVENT_CLASSES

    def __init__(
        self,
        paths: str | os.PathLike[str] | list[str],
        *,
        axes: str = AXES,
    ):
        self.stored_axes = ",".join(axes_order(axes)[1])
        self._order = axes_order(axes)
        self._pool = FilePool()
        self.report = JoinReport()
        self._files: list[_File] = []
        self._truth_columns: tuple[str, ...] | None = None
        self._key_names: tuple[str, ...] = KEYS
        total = 0
        for path in find_files(paths, "NOvA h5caf"):
            with self._pool.reading(path) as file:
                entry = self._index(path, file, total)
            self._files.append(entry)
            total += len(entry.rows)
        self._keys: tuple[int, dict[str, np.ndarray]] = (-1, {})  # of the file that was read last
        self._starts = np.array([entry.start for entry in self._files] + [total])
        self.files = [entry.path for entry in self._files]

    def __len__(self) -> int:
        return int(self._starts[-1])

    def __getitem__(self, index: int) -> Event:
        entry, place = self._find(index)
        index = entry.start + place
        row = int(entry.rows[place])
        with self._pool.reading(entry.path) as file:
            maps = {
                name: file[f"{MAPS}/{name}"][row].reshape([SIZES[axis] for axis in self._order[1]])
                for name in ("cvnmap", *(self._truth_columns or ()))
            }
        where = f"Event {index} (row {row} of {entry.path.name})"
        views = {}
        for number, name in enumerate(NOVA_VIEWS):
            images = {key: image.transpose(self._order[0])[number] for key, image in maps.items()}
            views[name] = _view(images, f"{where}, view {name}")
        views, particles = particles_of(views)
        code = int(entry.codes[place])
        return Event(
            event_id=index,
            views=views,
            particles=particles,
            label=int(event_classes_of(np.array([code]))[0]),
            topology=INTERACTIONS[code][1] if code in INTERACTIONS else "",
            energy=float(entry.energies[place]),
            keys=self.keys(index),
        )

    @property
    def event_labels(self) -> np.ndarray:
        """int32 ``[events]``: class of every event, -1 for none."""
        return event_classes_of(np.concatenate([entry.codes for entry in self._files]))

    @property
    def event_energy(self) -> np.ndarray:
        """float32 ``[events]``: true energy of the neutrino, GeV; NaN where there is none."""
        return np.concatenate([entry.energies for entry in self._files])

    def keys(self, index: int) -> dict[str, int]:
        """Number of an event's file, and what names the event in its tables, by column."""
        entry, place = self._find(index)
        number = int(np.searchsorted(self._starts, entry.start, side="right")) - 1
        kept = self._keys
        if kept[0] != number:
            with self._pool.reading(entry.path) as file:
                kept = self._keys = number, self._key_columns(file, entry)
        columns = kept[1]
        return {"file": number, **{name: int(columns[name][place]) for name in self._key_names}}

    def notes(self) -> list[str]:
        """What did not fit together, in lines."""
        return self.report.lines()

    def close(self) -> None:
        """Closes the files; the next read opens them again."""
        self._pool.close()

    def _key_columns(self, file: h5py.File, entry: _File) -> dict[str, np.ndarray]:
        """The keys of all events of a file."""
        absent = np.full(len(entry.rows), NO_KEY)
        return {
            name: _key_column(file, f"{MAPS}/{name}", entry.path)[entry.rows]
            if f"{MAPS}/{name}" in file
            else absent
            for name in self._key_names
        }

    def _find(self, index: int) -> tuple[_File, int]:
        index = event_number(index, len(self), f"{self.files[0]}")
        entry = self._files[int(np.searchsorted(self._starts, index, side="right")) - 1]
        return entry, index - entry.start

    def _index(self, path: Path, file: h5py.File, start: int) -> _File:
        """Checks a file's tables and joins them."""
        if MAPS not in file:
            raise InputError(f"{path} has no table {MAPS}: give a NOvA h5caf file")
        maps = _image_column(file, "cvnmap", path)
        images = len(maps)
        present = tuple(name for name in ("cvnlabmap", "cvnobjmap") if f"{MAPS}/{name}" in file)
        for name in present:
            _image_column(file, name, path, rows=images)
        if self._truth_columns is None:
            self._truth_columns = present
        if present != self._truth_columns:
            raise InputError(
                f"{path} has the pixel truth {present} but {self._files[0].path} "
                f"{self._truth_columns}: convert the files separately"
            )
        for key in MORE_KEYS:
            if f"{MAPS}/{key}" in file:
                checked_dataset(file, f"{MAPS}/{key}", path, kinds="iu", rows=images)
                self._key_names = tuple(dict.fromkeys((*self._key_names, key)))
        names = list(KEYS)
        has_truth = TRUTH in file
        names += [key for key in MORE_KEYS if f"{MAPS}/{key}" in file and f"{TRUTH}/{key}" in file]
        left = [_key_column(file, f"{MAPS}/{key}", path, images) for key in names]
        if has_truth:
            interaction = checked_dataset(file, f"{TRUTH}/interaction", path, kinds="iuf")
            truths = len(interaction)
            right = [_key_column(file, f"{TRUTH}/{key}", path, truths) for key in names]
            code_of = _whole(read_flat(interaction), path)
            energy_of = np.full(truths, np.nan, np.float32)
            if f"{TRUTH}/nuenergy" in file:
                stored = checked_dataset(file, f"{TRUTH}/nuenergy", path, kinds="f", rows=truths)
                energy_of = read_flat(stored).astype(np.float32)
        else:
            truths, right = 0, [np.zeros(0, np.int64)] * len(names)
            code_of, energy_of = np.zeros(0, np.int64), np.zeros(0, np.float32)
        found = join(left, right)
        codes = np.full(len(found.rows), NO_CODE, np.int16)
        energies = np.full(len(found.rows), np.nan, np.float32)
        known = found.partners >= 0
        codes[known] = self._count_codes(code_of[found.partners[known]])
        energies[known] = energy_of[found.partners[known]]
        # Tables fill what does not exist, such as a cosmic's neutrino, with 0 or a negative number.
        energies[~(np.isfinite(energies) & (energies > 0)) | np.isin(codes, COSMIC)] = np.nan
        report = self.report
        report.images += images
        report.truths += truths
        report.without_truth += int((~known).sum())
        report.truth_alone += found.right_alone
        report.repeated_images += found.left_repeats
        report.repeated_truths += found.right_repeats
        report.files_without_truth += not has_truth
        if images and truths and not known.any():
            report.strangers.append(path)
        return _File(path, start, found.rows, codes, energies)

    def _count_codes(self, stored: np.ndarray) -> np.ndarray:
        """int16: codes of events as we keep them; those without a class go into the report."""
        codes = np.full(len(stored), UNKNOWN_CODE, np.int16)
        named = np.isin(stored, list(INTERACTIONS))
        codes[named] = stored[named].astype(np.int16)
        numbers = np.isfinite(stored)
        self.report.no_number += int((~numbers).sum())
        values, counts = np.unique(
            stored[numbers & (event_classes_of(codes) < 0)], return_counts=True
        )
        for value, count in zip(values.tolist(), counts.tolist(), strict=True):
            self.report.no_class[int(value)] += count
        return codes


def axes_order(axes: str) -> tuple[tuple[int, int, int], tuple[str, str, str]]:
    """How to transpose a stored image to (view, plane, cell), and its axes as they are stored.

    >>> axes_order("plane,cell,view")
    ((2, 0, 1), ('plane', 'cell', 'view'))
    """
    names = tuple(name.strip() for name in axes.split(","))
    if sorted(names) != sorted(SIZES):
        raise InputError(
            f"axes is {axes!r}: it must name {', '.join(SIZES)}, each one once, in the order in "
            "which the file stores them"
        )
    order = (names.index("view"), names.index("plane"), names.index("cell"))
    return order, (names[0], names[1], names[2])


def _image_column(file: h5py.File, name: str, path: Path, rows: int | None = None) -> h5py.Dataset:
    full = f"{MAPS}/{name}"
    shape = getattr(file.get(full), "shape", None) or ()
    if shape[1:] == (PIXELS // 2,):
        raise InputError(
            f"{path}: {full} has {PIXELS // 2} pixels an event, one view of {NOVA_SHAPE}: a view "
            f"is missing, {PIXELS} pixels must be there"
        )
    dataset = checked_dataset(file, full, path, kinds="u", rows=rows, width=PIXELS)
    if dataset.dtype != np.uint8:
        raise InputError(f"{path}: {full} is {dataset.dtype}, must be uint8: convert it anew")
    return dataset


def _key_column(file: h5py.File, name: str, path: Path, rows: int | None = None) -> np.ndarray:
    column = read_flat(checked_dataset(file, name, path, kinds="iu", rows=rows))
    return as_stored(column, KEY_DTYPE, name=name, where=f"{path}", tail=(), entry="row")


def _whole(codes: np.ndarray, path: Path) -> np.ndarray:
    """Interaction codes as they are stored: whole numbers of any type, or no numbers."""
    finite = codes[np.isfinite(codes)]
    if (finite != np.round(finite)).any():
        raise InputError(f"{path}: {TRUTH}/interaction has fractions: must be whole codes")
    return codes


def _view(images: dict[str, np.ndarray], where: str) -> View:
    """The non-empty pixels of one view; ``instance`` holds the file's object numbers."""
    image = images["cvnmap"]
    pixels = np.flatnonzero(image)
    columns = {name: plane.reshape(-1)[pixels] for name, plane in images.items()}
    labels, objects = columns.get("cvnlabmap"), columns.get("cvnobjmap")
    return View(
        coords=np.stack(np.divmod(pixels, NOVA_SHAPE[1]), axis=1).astype(np.int32),
        values=columns["cvnmap"].astype(np.float32),
        shape=NOVA_SHAPE,
        labels=None if labels is None else pixel_labels(labels, where),
        instance=None if objects is None else objects.astype(np.int32),
    )


def _recognise(_: Path, file: h5py.File | None) -> bool:
    return file is not None and MAPS in file


READER = Reader(
    holds=f"NOvA h5caf files (HDF5 with {MAPS})",
    recognise=_recognise,
    open=NovaCafSource,
    options=(Option("axes", AXES, "order of the axes of a stored image"),),
    many=True,
    compression="none",  # small events by the million
    axes_remedy="try --axes={order}",
)
