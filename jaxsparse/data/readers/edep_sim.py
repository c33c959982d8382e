"""Geant4 truth in edep-sim's HDF5 layout: energy deposits and particles, without a detector.

``docs/formats.md`` has the layout. Segments are in cm, trajectories and vertices in mm, times in
us, energies in MeV.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Mapping
from pathlib import Path

import h5py
import numpy as np

from jaxsparse.data.deposits import Deposits
from jaxsparse.data.event_numbers import event_number
from jaxsparse.data.schema import NO_CLASS, PARTICLE_DTYPE
from jaxsparse.data.stored_values import as_stored
from jaxsparse.errors import InputError, one_line
from jaxsparse.particle_data import MASSES

# Fields that are read, with the kinds of number they may be: i whole, f real.
SEGMENT_FIELDS = {
    "eventID": "i", "trackID": "i", "x_start": "f", "y_start": "f", "z_start": "f", "x_end": "f",
    "y_end": "f", "z_end": "f", "dE": "f", "dx": "f", "t0_start": "f",
}  # fmt: skip
TRAJECTORY_FIELDS = {
    "eventID": "i", "trackID": "i", "parentID": "i", "pdgId": "i", "start_process": "i",
    "start_subprocess": "i", "t_start": "f", "pxyz_start": "f", "xyz_start": "f", "xyz_end": "f",
}  # fmt: skip
CM_PER_MM = 0.1
NUCLEON_MASS = 931.494  # MeV, for a nucleus's kinetic energy


class EdepSimFile:
    """Events of an edep-sim file as they are, unplaced: random access, checked.

    Opening reads and checks the layout and the event numbers; an event's rows are read when asked
    for. Picklable; the file is opened lazily in every process.

    Attributes:
      path: as given.
      event_ids: the file's own event numbers, increasing.

    Raises:
      InputError: the file is missing, no HDF5, or lacks a group or field, or a field has another
        type, or its events are not in order; reading an event: energies or places that are no
        numbers, energies below zero, tracks without trajectory, mothers that do not exist.
    """

    def __init__(self, path: str | os.PathLike[str]):
        self.path = Path(path)
        self._lock = threading.Lock()
        self._handle: tuple[int, h5py.File] | None = None
        if not self.path.is_file():
            raise InputError(f"{self.path} is not a file: give an edep-sim HDF5 file")
        self._ranges = {
            "segments": self._event_ranges("segments", SEGMENT_FIELDS),
            "trajectories": self._event_ranges("trajectories", TRAJECTORY_FIELDS),
        }
        self.event_ids = np.array(sorted(self._ranges["trajectories"]), np.int64)
        strangers = set(self._ranges["segments"]) - set(self._ranges["trajectories"])
        if strangers:
            raise InputError(
                f"{self.path}: event {min(strangers)} has segments but no trajectories: "
                "convert both tables"
            )

    def __len__(self) -> int:
        return len(self.event_ids)

    def __getitem__(self, index: int) -> tuple[Deposits, np.ndarray]:
        """Deposits and ``PARTICLE_DTYPE`` table of an event, where Geant4 had it; no classes."""
        index = event_number(index, len(self), f"{self.path}")
        event = int(self.event_ids[index])
        where = f"Event {event} of {self.path.name}"
        tracks = self._rows("trajectories", event, TRAJECTORY_FIELDS)
        segments = self._rows("segments", event, SEGMENT_FIELDS)
        for table, fields in ((tracks, TRAJECTORY_FIELDS), (segments, SEGMENT_FIELDS)):
            for name in fields:
                if not np.isfinite(table[name]).all():
                    raise InputError(f"{where}: {name} is not a number somewhere: drop the event")
        if (segments["dE"] < 0).any() or (segments["dx"] < 0).any():
            raise InputError(f"{where}: a segment has dE or dx below 0: drop the event")

        order = np.argsort(tracks["trackID"], kind="stable")
        sorted_ids = _whole(tracks, "trackID", where)[order]
        if (np.diff(sorted_ids) == 0).any():
            raise InputError(f"{where}: a trackID occurs twice: drop the event")

        def row_of(ids, what):
            place = np.minimum(np.searchsorted(sorted_ids, ids), len(sorted_ids) - 1)
            if (sorted_ids[place] != ids).any():
                lost = ids[sorted_ids[place] != ids][0]
                raise InputError(f"{where}: {what} {lost} has no trajectory: drop the event")
            return order[place]

        mother = _whole(tracks, "parentID", where)
        particles = _particle_table(tracks, mother, where)
        secondary = mother >= 0
        particles["parent"][secondary] = row_of(mother[secondary], "parentID")
        particle = row_of(_whole(segments, "trackID", where), "trackID")
        deposits = Deposits(
            start=np.column_stack([segments[f"{axis}_start"] for axis in "xyz"]).astype(float),
            end=np.column_stack([segments[f"{axis}_end"] for axis in "xyz"]).astype(float),
            energy=segments["dE"].astype(float),
            length=segments["dx"].astype(float),
            time=segments["t0_start"].astype(float),
            particle=particle.astype(np.int32),
        )
        self._check_units(deposits, particles, where)
        return deposits, particles

    def __getstate__(self):
        return {**self.__dict__, "_handle": None, "_lock": None}

    def __setstate__(self, state):
        self.__dict__.update(state, _lock=threading.Lock())

    def _check_units(self, deposits: Deposits, particles: np.ndarray, where: str) -> None:
        """A primary's own segments must begin where its trajectory does, to 1 cm."""
        for row in np.flatnonzero(particles["parent"] < 0):
            own = deposits.start[deposits.particle == row]
            if len(own):
                gap = np.linalg.norm(own - particles["start"][row], axis=1).min()
                if gap > 1.0:
                    raise InputError(
                        f"{where}: a primary starts {gap:.1f} cm from its segments: these "
                        "must be in cm and trajectories in mm"
                    )

    def _open(self) -> h5py.File:
        with self._lock:
            if self._handle is None or self._handle[0] != os.getpid():
                try:
                    self._handle = os.getpid(), h5py.File(self.path, "r")
                except OSError as error:
                    text = one_line(error)
                    raise InputError(f"{self.path} is no whole HDF5 file ({text})") from None
            return self._handle[1]

    def _event_ranges(self, table: str, fields: Mapping[str, str]) -> dict[int, tuple[int, int]]:
        """Checks a table's layout; first and last row of every event."""
        file = self._open()
        dataset = file.get(table)
        if (
            not isinstance(dataset, h5py.Dataset)
            or dataset.dtype.names is None
            or dataset.ndim != 1
        ):
            raise InputError(f"{self.path} has no table {table!r}: give an edep-sim HDF5 file")
        for name, kind in fields.items():
            if name not in dataset.dtype.names:
                raise InputError(f"{self.path}: table {table} has no field {name}: convert it anew")
            base, shape = dataset.dtype[name].base, dataset.dtype[name].shape
            wanted = (3,) if "xyz" in name else ()
            if base.kind not in {"i": "iu", "f": "f"}[kind] or shape != wanted:
                raise InputError(
                    f"{self.path}: {table}.{name} is {dataset.dtype[name]}, must be "
                    f"{'whole' if kind == 'i' else 'real'} numbers{' by threes' * bool(wanted)}"
                )
        rows = self._read(table, slice(None), ["eventID"])
        ids = _whole(rows, "eventID", f"{self.path}, table {table}")
        if (np.diff(ids) < 0).any():
            raise InputError(f"{self.path}: {table} is not ordered by eventID: sort it")
        events, first = np.unique(ids, return_index=True)
        last = np.append(first[1:], len(ids))[: len(first)]  # of no events, none
        return {int(e): (int(a), int(b)) for e, a, b in zip(events, first, last, strict=True)}

    def _rows(self, table: str, event: int, fields: Mapping[str, str]) -> np.ndarray:
        first, last = self._ranges[table].get(event, (0, 0))
        return self._read(table, slice(first, last), list(fields))

    def _read(self, table: str, rows: slice, names: list[str]) -> np.ndarray:
        try:
            return self._open()[table].fields(names)[rows]
        except (OSError, RuntimeError) as error:
            text = one_line(error)
            raise InputError(f"{self.path}: {table} cannot be read ({text})") from None


def _whole(rows: np.ndarray, name: str, where: str, dtype: type = np.int64) -> np.ndarray:
    return as_stored(rows[name], dtype, name=name, where=where, tail=(), entry="row")


def _particle_table(tracks: np.ndarray, mother: np.ndarray, where: str) -> np.ndarray:
    """``PARTICLE_DTYPE`` rows, all primary so far, of edep-sim trajectories."""
    particles = np.zeros(len(tracks), PARTICLE_DTYPE)
    particles["pdg"] = _whole(tracks, "pdgId", where, np.int32)
    particles["parent"] = -1
    particles["label"], particles["instance"] = NO_CLASS, -1
    # Generators leave stale codes on primaries.
    process, detail = (
        np.where(mother < 0, 0, tracks[name]) for name in ("start_process", "start_subprocess")
    )
    particles["process"] = as_stored(
        1000.0 * process + detail, np.int32, name="process", where=where, tail=(), entry="row"
    )
    particles["interaction"] = True
    particles["time"] = tracks["t_start"]
    particles["start"] = CM_PER_MM * tracks["xyz_start"]
    particles["end"] = CM_PER_MM * tracks["xyz_end"]
    momentum = tracks["pxyz_start"].astype(float)
    size = np.linalg.norm(momentum, axis=1)
    np.divide(momentum, size[:, None], out=momentum, where=size[:, None] > 0)
    particles["direction"] = momentum
    code = np.abs(particles["pdg"].astype(np.int64))
    mass = np.array([MASSES.get(int(c), 0.0) for c in code])
    nucleus = code > 1_000_000_000
    mass[nucleus] = NUCLEON_MASS * (code[nucleus] // 10 % 1000)
    particles["kinetic_energy"] = np.hypot(size, mass) - mass
    return particles
