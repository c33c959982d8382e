"""Wire-Cell's frame archives: the wires of a readout as arrays of channels and ticks.

``docs/formats.md`` has the layout and the rules by which samples become pixels.
"""

from __future__ import annotations

import dataclasses
import math
import os
import re
from collections.abc import Iterable, Sequence
from pathlib import Path

import h5py
import numpy as np

from jaxsparse.data.event_numbers import event_number
from jaxsparse.data.readers.file_pool import find_files
from jaxsparse.data.readers.protocol import Option, Reader
from jaxsparse.data.readers.wire_cell_archive import (
    ArchiveReader,
    Member,
    looks_like_archive,
    members,
)
from jaxsparse.data.schema import Event, View
from jaxsparse.data.source import EventSource
from jaxsparse.data.stored_values import as_stored
from jaxsparse.detectors.protodune import PROTODUNE, PROTODUNE_WIRES
from jaxsparse.errors import InputError

PATTERNS = ("*.tar", "*.tar.gz", "*.tgz", "*.tar.bz2", "*.tar.xz")
PLANES = tuple(f"{name}:{wires}" for name, wires in PROTODUNE_WIRES.items())
CHARGES = ("gauss", "wiener", "dnnsp")  # how tags of deconvolved charge begin; others are ADC
MOST_TICKS = 2**24


@dataclasses.dataclass(frozen=True)
class _Frame:
    """A readout: its number and file, the samples, and what describes them.

    Attributes:
      channels: int64 ``[channels]``, of every row of the samples.
      first_tick: of the samples.
      masks: int64 ``[masks, 3]``: channel, first tick, tick after the last.
    """

    ident: int
    path: Path
    samples: Member
    channels: np.ndarray
    first_tick: int
    masks: np.ndarray

    @property
    def last_tick(self) -> int:
        return self.first_tick + self.samples.header.shape[1]


class WireCellSource(EventSource):
    """Random-access source of the frames of archives, in the order of the files, then of a file.

    Opening streams once through every archive. ``event_id`` is the number of the frame.

    Args:
      paths: a file, a pattern, a folder, or a list of these.
      frame: tag of the frames to read. By default the only one, else the only one that begins with
        ``gauss``, which is charge.
      planes: name and number of wires of every plane, in order of the channels: ``"U:800"``. A unit
        of the detector has as many channels as there are wires; a frame holds one unit.
      row_ticks: ticks that are summed to a time row.
      threshold: rows of a wire above it are pixels; electrons, or ADC counts, which need one.
      detector: name.

    Attributes:
      tag: of the frames.

    Raises:
      InputError: no file or archive, no frame of the tag or several tags to choose from, arrays of
        another shape or type, channels of several units; reading an event: samples that are no
        numbers, a damaged archive.
    """

    def __init__(
        self,
        paths: str | os.PathLike[str] | list[str],
        *,
        frame: str = "",
        planes: Sequence[str] = PLANES,
        row_ticks: int = 6,
        threshold: float = 0.0,
        detector: str = PROTODUNE.name,
    ):
        self.files = find_files(paths, "Wire-Cell frame archive", PATTERNS)
        self.detector = detector
        self._planes = _plane_sizes(planes)
        self._channels = sum(self._planes.values())
        if not 1 <= row_ticks <= MOST_TICKS:
            raise InputError(f"row_ticks is {row_ticks}: must be 1 to {MOST_TICKS}")
        if not (math.isfinite(threshold) and threshold >= 0):
            raise InputError(f"threshold is {threshold}: must be finite and not negative")
        self._row_ticks, self._threshold = row_ticks, threshold
        found = [readout for path in self.files for readout in _readouts(path)]
        self.tag = _chosen_tag(frame, found)
        self._is_charge = self.tag.startswith(CHARGES)
        if not self._is_charge and threshold <= 0:
            raise InputError(
                f"threshold is {threshold:g}: frame {self.tag} holds ADC counts, whose noise is "
                "above zero half of the time: give one well above it"
            )
        self._frames = _sharing(_frame(self.tag, *readout) for readout in found)
        self.units = sorted({self._unit(frame) for frame in self._frames})
        ticks = max((frame.last_tick for frame in self._frames), default=row_ticks)
        rows = -(-ticks // row_ticks)
        self.view_shapes = {name: (rows, wires) for name, wires in self._planes.items()}
        self._reader = ArchiveReader()

    @property
    def axes(self) -> dict[str, tuple[str, ...]]:
        return dict.fromkeys(self.view_shapes, ("time row", "wire"))

    @property
    def value_units(self) -> dict[str, str]:
        """Electrons of deconvolved charge, or ADC."""
        return dict.fromkeys(self.view_shapes, "electrons" if self._is_charge else "ADC")

    def __len__(self) -> int:
        return len(self._frames)

    def __getitem__(self, index: int) -> Event:
        index = event_number(index, len(self), f"{self.files[0]}")
        frame = self._frames[index]
        where = f"Event {index} ({frame.samples.where})"
        samples = self._reader.read(frame.path, frame.samples)
        # The row of the image that every tick belongs to, and where each row begins.
        ticks = np.arange(frame.first_tick, frame.last_tick)
        rows, begins, counts = np.unique(
            ticks // self._row_ticks, return_index=True, return_counts=True
        )
        sums = np.zeros((len(samples), 0))
        if len(rows):
            with np.errstate(invalid="ignore"):
                sums = np.add.reduceat(samples, begins, axis=1, dtype=np.float64)
                if not self._is_charge:
                    sums -= np.median(samples, axis=1)[:, None] * counts
        if not np.isfinite(sums).all():
            channel = frame.channels[np.argmin(np.isfinite(sums).all(axis=1))]
            raise InputError(f"{where}: channel {channel} has a sample that is no number: drop it")
        wires = frame.channels - self._unit(frame) * self._channels
        views, first = {}, 0
        for name, size in self._planes.items():
            own = np.flatnonzero((wires >= first) & (wires < first + size))
            plane = sums[own[np.argsort(wires[own])]].T  # wires in order: then pixels are too
            row, wire = np.nonzero(plane > self._threshold)
            coords = np.stack([rows[row], np.sort(wires[own])[wire] - first], axis=1)
            values = plane[row, wire].astype(np.float32)
            views[name] = View(coords.astype(np.int32), values, self.view_shapes[name])
            first += size
        return Event(event_id=frame.ident, views=views)

    def dead_wires(self, name: str) -> np.ndarray:
        """int32: wires of a view that are masked over every whole readout."""
        planes = list(self._planes)
        first = sum(self._planes[plane] for plane in planes[: planes.index(name)])
        dead: set[int] | None = None
        for frame in self._frames:
            channel, begin, end = frame.masks.T
            whole = channel[(begin <= frame.first_tick) & (end >= frame.last_tick)]
            wires = set((whole - self._unit(frame) * self._channels - first).tolist())
            dead = wires if dead is None else dead & wires
        return np.array(sorted(w for w in dead or () if 0 <= w < self._planes[name]), np.int32)

    def notes(self) -> list[str]:
        """The tag and the units of the detector."""
        units = ", ".join(map(str, self.units))
        return [f"frame {self.tag} of readout units {units}, {self._row_ticks} ticks in a row"]

    def close(self) -> None:
        """Closes the archive; the next read opens it again."""
        self._reader.close()

    def _unit(self, frame: _Frame) -> int:
        """Number of the unit that all channels of a frame belong to."""
        units = np.unique(frame.channels // self._channels)
        if len(units) != 1:
            raise InputError(
                f"{frame.samples.where} has channels {frame.channels.min()} to "
                f"{frame.channels.max()}, of {len(units)} units of {self._channels}: give planes "
                "that have all of them, or frames of one unit"
            )
        return int(units[0])


def _plane_sizes(planes: Sequence[str]) -> dict[str, int]:
    """Wires by plane.

    >>> _plane_sizes(["U:800", "V:800", "W:960"])
    {'U': 800, 'V': 800, 'W': 960}
    """
    found = {}
    for plane in planes:
        match = re.fullmatch(r"([^:]+):([1-9]\d{0,5})", plane)
        if match is None or match[1] in found:
            raise InputError(
                f"planes is {','.join(planes)!r}: give name and number of wires of each, such as "
                f"{','.join(PLANES)}"
            )
        found[match[1]] = int(match[2])
    if not found:
        raise InputError(f"planes is empty: give each plane, such as {','.join(PLANES)}")
    return found


# Arrays of one frame number by type and tag.
_Arrays = dict[tuple[str, str], Member]


def _readouts(path: Path) -> list[tuple[Path, int, _Arrays]]:
    """Every frame number of an archive with its arrays; those that describe samples are read."""
    found: dict[int, _Arrays] = {}
    for member in members(path, read=("channels", "tickinfo", "chanmask")):
        arrays = found.setdefault(member.ident, {})
        if (member.type, member.tag) in arrays:
            raise InputError(f"{member.where} occurs twice: make the archive anew")
        arrays[member.type, member.tag] = member
    return [(path, ident, arrays) for ident, arrays in found.items()]


def _chosen_tag(given: str, found: list[tuple[Path, int, _Arrays]]) -> str:
    tags = sorted({tag for _, _, arrays in found for kind, tag in arrays if kind == "frame"})
    if given in tags:
        return given
    charges = [tag for tag in tags if tag.startswith(CHARGES[0])]
    for only in (tags, charges):
        if not given and len(only) == 1:
            return only[0]
    raise InputError(
        f"frame is {given!r}: the archives have frames of the tags {', '.join(tags) or '(none)'}, "
        "name one"
    )


def _frame(tag: str, path: Path, ident: int, arrays: _Arrays) -> _Frame:
    where = f"Frame {ident} of {path}"
    for kind in ("frame", "channels", "tickinfo"):
        if (kind, tag) not in arrays:
            raise InputError(f"{where} has no {kind}_{tag}_{ident}.npy: make the archive anew")
    samples = arrays["frame", tag]
    shape = samples.header.shape
    channels, tickinfo = (np.asarray(arrays[kind, tag].array) for kind in ("channels", "tickinfo"))
    if len(shape) != 2 or channels.shape != shape[:1] or tickinfo.shape != (3,) or not shape[0]:
        raise InputError(
            f"{where}: frame {shape}, channels {channels.shape} and tickinfo {tickinfo.shape} must "
            "be [channels, ticks], [channels] and [3]: make the archive anew"
        )
    numbers = as_stored(channels, np.int64, name="channel", where=where, tail=(), entry="row")
    if len(np.unique(numbers)) < len(numbers) or numbers.min() < 0:
        raise InputError(f"{where}: channels must be different and not negative: drop the frame")
    first = tickinfo[2]
    if not (first >= 0 and first == np.round(first) and first + shape[1] <= MOST_TICKS):
        raise InputError(
            f"{where}: ticks {first} to {first + shape[1]} must be whole numbers from 0 to "
            f"{MOST_TICKS}: drop the frame"
        )
    masks = [
        as_stored(member.array, np.int64, name=kind, where=where, tail=(3,), entry="row")
        for (kind, _), member in arrays.items()
        if kind == "chanmask"
    ]
    empty = np.zeros((0, 3), np.int64)
    return _Frame(ident, path, samples, numbers, int(first), np.concatenate([empty, *masks]))


def _sharing(frames: Iterable[_Frame]) -> list[_Frame]:
    """Frames that keep equal arrays once: thousands of readouts have the same channels."""
    kept: dict[tuple[tuple[int, ...], bytes], np.ndarray] = {}

    def once(array: np.ndarray) -> np.ndarray:
        return kept.setdefault((array.shape, array.tobytes()), array)

    return [
        dataclasses.replace(frame, channels=once(frame.channels), masks=once(frame.masks))
        for frame in frames
    ]


def _recognise(path: Path, file: h5py.File | None) -> bool:
    return file is None and path.is_file() and looks_like_archive(path)


READER = Reader(
    holds="Wire-Cell frame archives (tar of frame_TAG_N.npy)",
    recognise=_recognise,
    open=WireCellSource,
    options=(
        Option("frame", "", "tag of the frames to read, for example gauss1"),
        Option("planes", PLANES, "name and number of wires of every plane, by channel"),
        Option("row_ticks", 6, "ticks in a time row", low=1, high=MOST_TICKS),
        Option("threshold", 0.0, "pixels above it are kept"),
        Option("detector", PROTODUNE.name, "name of the detector"),
    ),
    many=True,
    patterns=PATTERNS,
)
