"""Geant4 truth in edep-sim's HDF5 layout: energy deposits and particles, without a detector.

``docs/formats.md`` has the layout. Segments are in cm, trajectories and vertices in mm, times in
us, energies in MeV.
"""

from __future__ import annotations

import os
from pathlib import Path

import h5py
import numpy as np

from jaxsparse.data.deposits import Deposits
from jaxsparse.data.event_numbers import event_number
from jaxsparse.data.readers.file_pool import FilePool
from jaxsparse.data.readers.hdf5_checks import REAL, WHOLE, Field, checked_table
from jaxsparse.data.readers.particle_rows import unknown_particles
from jaxsparse.data.readers.protocol import Reader
from jaxsparse.data.readers.rows_by_event import RowsByEvent
from jaxsparse.data.schema import NO_CLASS, PARTICLE_DTYPE
from jaxsparse.data.source import DepositSource
from jaxsparse.data.stored_values import as_stored
from jaxsparse.errors import InputError
from jaxsparse.particle_data import MASSES, UNKNOWN_PROCESS

SEGMENTS, TRAJECTORIES = "segments", "trajectories"
_PLACE: Field = ("f", (3,))
SEGMENT_FIELDS: dict[str, Field] = {
    "eventID": WHOLE, "trackID": WHOLE, "x_start": REAL, "y_start": REAL, "z_start": REAL,
    "x_end": REAL, "y_end": REAL, "z_end": REAL, "dE": REAL, "dx": REAL, "t0_start": REAL,
}  # fmt: skip
TRAJECTORY_FIELDS: dict[str, Field] = {
    "eventID": WHOLE, "trackID": WHOLE, "parentID": WHOLE, "pdgId": WHOLE, "start_process": WHOLE,
    "start_subprocess": WHOLE, "t_start": REAL, "pxyz_start": _PLACE, "xyz_start": _PLACE,
    "xyz_end": _PLACE,
}  # fmt: skip
CM_PER_MM = 0.1
NUCLEON_MASS = 931.494  # MeV, for a nucleus's kinetic energy


class EdepSimFile(DepositSource):
    """Events of an edep-sim file as they are, unplaced: random access, checked.

    Opening reads and checks the layout and the event numbers; an event's rows are read when asked
    for. Rows may come in any order. Of a file with segments alone, without trajectories, every
    track is a particle of which nobody knows who made it: it starts and ends where its segments do.
    Picklable; the file is opened lazily in every process.

    Attributes:
      path: as given.
      files: the path.
      event_ids: the file's own event numbers, increasing.
      has_trajectories: whether the file says where particles come from.

    Raises:
      InputError: the file is missing, no HDF5, or lacks a group or field, or a field has another
        type; reading an event: energies or places that are no numbers, energies below zero, tracks
        without trajectory or of several kinds, mothers that do not exist.
    """

    def __init__(self, path: str | os.PathLike[str]):
        self.path = Path(path)
        self.files = [self.path]
        if not self.path.is_file():
            raise InputError(f"{self.path} is not a file: give an edep-sim HDF5 file")
        self._pool = FilePool()
        with self._pool.reading(self.path) as file:
            self.has_trajectories = TRAJECTORIES in file
            self._fields = {SEGMENTS: SEGMENT_FIELDS, TRAJECTORIES: TRAJECTORY_FIELDS}
            if not self.has_trajectories:
                self._fields = {SEGMENTS: {**SEGMENT_FIELDS, "pdgId": WHOLE}}
            self._rows_of = {name: self._index(file, name) for name in self._fields}
        main = TRAJECTORIES if self.has_trajectories else SEGMENTS
        self.event_ids = self._rows_of[main].events
        strangers = np.setdiff1d(self._rows_of[SEGMENTS].events, self.event_ids)
        if len(strangers):
            raise InputError(
                f"{self.path}: event {strangers[0]} has segments but no trajectories: "
                "convert both tables"
            )

    def __getitem__(self, index: int) -> tuple[Deposits, np.ndarray]:
        """Deposits and ``PARTICLE_DTYPE`` table of an event, where Geant4 had it; no classes."""
        index = event_number(index, len(self), f"{self.path}")
        event = int(self.event_ids[index])
        where = f"Event {event} of {self.path.name}"
        with self._pool.reading(self.path) as file:
            tables = {
                name: self._rows_of[name].read(file[name], event, list(fields))
                for name, fields in self._fields.items()
            }
        for name, table in tables.items():
            for field in self._fields[name]:
                if not np.isfinite(table[field]).all():
                    raise InputError(f"{where}: {field} is not a number somewhere: drop the event")
        segments = tables[SEGMENTS]
        if (segments["dE"] < 0).any() or (segments["dx"] < 0).any():
            raise InputError(f"{where}: a segment has dE or dx below 0: drop the event")
        track_ids = _whole(segments, "trackID", where)
        if self.has_trajectories:
            particles, particle = _particles_of_trajectories(tables[TRAJECTORIES], track_ids, where)
        else:
            particles, particle = _particles_of_segments(segments, track_ids, where)
        deposits = Deposits(
            start=np.column_stack([segments[f"{axis}_start"] for axis in "xyz"]).astype(float),
            end=np.column_stack([segments[f"{axis}_end"] for axis in "xyz"]).astype(float),
            energy=segments["dE"].astype(float),
            length=segments["dx"].astype(float),
            time=segments["t0_start"].astype(float),
            particle=particle.astype(np.int32),
        )
        if self.has_trajectories:
            self._check_units(deposits, particles, where)
        return deposits, particles

    def notes(self) -> list[str]:
        """What a person should know, in lines."""
        if self.has_trajectories:
            return []
        return [
            "segments without trajectories: electrons and photons have no class, and no vertex is "
            "known"
        ]

    def close(self) -> None:
        """Closes the file; the next read opens it again."""
        self._pool.close()

    def _index(self, file: h5py.File, name: str) -> RowsByEvent:
        table = checked_table(file, name, self.path, self._fields[name])
        rows = table.fields(["eventID"])[:]
        return RowsByEvent(_whole(rows, "eventID", f"{self.path}, table {name}"))

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


def _whole(rows: np.ndarray, name: str, where: str, dtype: type = np.int64) -> np.ndarray:
    return as_stored(rows[name], dtype, name=name, where=where, tail=(), entry="row")


def _particles_of_trajectories(
    tracks: np.ndarray, track_ids: np.ndarray, where: str
) -> tuple[np.ndarray, np.ndarray]:
    """Particles as the trajectories tell them, and the row of every segment's own."""
    order = np.argsort(tracks["trackID"], kind="stable")
    sorted_ids = _whole(tracks, "trackID", where)[order]
    if (np.diff(sorted_ids) == 0).any():
        raise InputError(f"{where}: a trackID occurs twice: drop the event")

    def row_of(ids: np.ndarray, what: str) -> np.ndarray:
        place = np.minimum(np.searchsorted(sorted_ids, ids), len(sorted_ids) - 1)
        if (sorted_ids[place] != ids).any():
            lost = ids[sorted_ids[place] != ids][0]
            raise InputError(f"{where}: {what} {lost} has no trajectory: drop the event")
        return order[place]

    mother = _whole(tracks, "parentID", where)
    particles = _particle_table(tracks, mother, where)
    secondary = mother >= 0
    particles["parent"][secondary] = row_of(mother[secondary], "parentID")
    return particles, row_of(track_ids, "trackID")


def _particles_of_segments(
    segments: np.ndarray, track_ids: np.ndarray, where: str
) -> tuple[np.ndarray, np.ndarray]:
    """A particle a track, from its first to its last segment, and the row of every segment's."""
    _, first, particle = np.unique(track_ids, return_index=True, return_inverse=True)
    pdg = _whole(segments, "pdgId", where, np.int32)
    if (pdg != pdg[first][particle]).any():
        track = track_ids[np.argmax(pdg != pdg[first][particle])]
        raise InputError(f"{where}: track {track} has several pdgId: drop the event")
    in_time = np.lexsort([segments["t0_start"], particle])
    starts = in_time[np.flatnonzero(np.diff(particle[in_time], prepend=-1))]
    ends = in_time[np.flatnonzero(np.diff(particle[in_time], append=-1))]
    particles = unknown_particles(len(first))
    particles["pdg"], particles["process"] = pdg[first], UNKNOWN_PROCESS
    particles["time"] = segments["t0_start"][starts]
    for name, rows, end in (("start", starts, "start"), ("end", ends, "end")):
        particles[name] = np.column_stack([segments[f"{axis}_{end}"][rows] for axis in "xyz"])
    ahead = np.column_stack([segments[f"{a}_end"] - segments[f"{a}_start"] for a in "xyz"])[starts]
    length = np.linalg.norm(ahead, axis=1)[:, None]
    particles["direction"] = np.divide(
        ahead, length, out=np.full_like(ahead, np.nan), where=length > 0
    )
    return particles, particle


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


def _recognise(path: Path, file: h5py.File | None) -> bool:
    return file is not None and SEGMENTS in file


READER = Reader(
    holds="edep-sim and larnd-sim segments (HDF5)", recognise=_recognise, open=EdepSimFile,
    deposits=True,
)  # fmt: skip
