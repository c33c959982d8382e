"""Particles of larcv3 files as rows of our particle table."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import h5py
import numpy as np

from jaxsparse import particle_data as codes
from jaxsparse.data.readers.hdf5_checks import REAL, WHOLE, Field, checked_table
from jaxsparse.data.readers.larcv3_tables import UNSET, linked_rows
from jaxsparse.data.readers.particle_rows import unknown_particles
from jaxsparse.data.stored_values import as_stored
from jaxsparse.errors import InputError

US_PER_NS = 1e-3
ABSURD = 1e30  # no energy in MeV, place in cm or time in ns

# Geant4's names of creation processes, as 1000 * type + subtype.
PROCESSES = {
    "primary": codes.PRIMARY, "CoulombScat": 2001, "muIoni": codes.IONISATION,
    "eIoni": codes.IONISATION, "hIoni": codes.IONISATION, "ionIoni": codes.IONISATION,
    "eBrem": codes.BREMSSTRAHLUNG, "muBrems": codes.BREMSSTRAHLUNG, "hBrems": codes.BREMSSTRAHLUNG,
    "muPairProd": codes.MUON_PAIR, "hPairProd": codes.MUON_PAIR, "annihil": codes.ANNIHILATION,
    "msc": 2010, "Rayl": 2011, "phot": codes.PHOTOELECTRIC, "compt": codes.COMPTON,
    "conv": codes.CONVERSION, "hadElastic": codes.HADRON_ELASTIC,
    "nCapture": codes.NEUTRON_CAPTURE, "muMinusCaptureAtRest": codes.CAPTURE_AT_REST,
    "hBertiniCaptureAtRest": codes.CAPTURE_AT_REST, "hFritiofCaptureAtRest": codes.CAPTURE_AT_REST,
    "Decay": codes.DECAY,
}  # fmt: skip

_VERTEX: Field = ("V", ())
_FIELDS: Mapping[str, Field] = {
    "id": WHOLE, "trackid": WHOLE, "parent_trackid": WHOLE, "pdg": WHOLE, "px": REAL, "py": REAL,
    "pz": REAL, "vtx": _VERTEX, "end_pt": _VERTEX, "energy_init": REAL, "process": ("S", ()),
}  # fmt: skip


class ParticleProduct:
    """Particles of every event.

    Args:
      path: of the file, for messages.
      file: open.
      name: product and producer.
      group: where it is.

    Attributes:
      num_events: rows of ``extents``.

    Raises:
      InputError: a table or field is missing or of another type.
    """

    def __init__(self, path: Path, file: h5py.File, name: str, group: str):
        self.name = name
        self._path, self._group = path, group
        extents = checked_table(file, f"{group}/extents", path, {"first": WHOLE, "N": WHOLE})
        self.num_events = len(extents)
        table = checked_table(file, f"{group}/particles", path, _FIELDS)
        for field in ("vtx", "end_pt"):
            parts = table.dtype[field]
            for axis in "xyzt":
                if axis not in (parts.names or ()) or parts[axis].kind != "f":
                    raise InputError(
                        f"{path}: {table.name}.{field} has no real {axis}: convert it anew"
                    )

    def read(self, file: h5py.File, event: int) -> tuple[np.ndarray, np.ndarray]:
        """Particles of an event, and their own numbers, which clusters are numbered by.

        Returns:
          The ``PARTICLE_DTYPE`` table in the order of the file, without classes, and int64
          ``[particles]``.
        """
        where = f"Event {event} of {self._path.name}, {self.name}"
        extents = file[f"{self._group}/extents"][event]
        rows = linked_rows(
            file[f"{self._group}/particles"], extents, f"{where}: particles", _FIELDS
        )
        ids = _whole(rows, "id", where)
        ids = np.where(ids == UNSET, np.arange(len(ids)), ids)
        if len(np.unique(ids)) < len(ids):
            raise InputError(f"{where}: two particles have the same id: drop the event")
        return _table(rows, where), ids


def process_code(name: str) -> int:
    """1000 * type + subtype of a Geant4 process, -1 if it is not known here.

    >>> process_code("muIoni"), process_code("pi-Inelastic"), process_code("?")
    (2002, 4121, -1)
    """
    if name.endswith(("Inelastic", "Nuclear")):
        return codes.HADRON_INELASTIC
    return PROCESSES.get(name, codes.UNKNOWN_PROCESS)


def _table(rows: np.ndarray, where: str) -> np.ndarray:
    particles = unknown_particles(len(rows))
    particles["pdg"] = _whole(rows, "pdg", where, np.int32)
    particles["parent"] = _mothers(rows, where)
    particles["process"] = [
        process_code(text.decode(errors="replace")) for text in rows["process"].tolist()
    ]
    momentum = np.column_stack([_real(rows[f"p{axis}"]) for axis in "xyz"])
    size, energy = np.linalg.norm(momentum, axis=1), _real(rows["energy_init"])
    mass = np.sqrt(np.maximum(energy**2 - size**2, 0.0))
    kinetic = np.where(size > 0, np.maximum(energy - mass, 0.0), np.nan)
    np.divide(momentum, size[:, None], out=momentum, where=size[:, None] > 0)
    momentum[~(size > 0)] = np.nan
    particles["kinetic_energy"], particles["direction"] = kinetic, momentum
    for field, ours in (("vtx", "start"), ("end_pt", "end")):
        particles[ours] = np.column_stack([_real(rows[field][axis]) for axis in "xyz"])
    particles["time"] = US_PER_NS * _real(rows["vtx"]["t"])
    return particles


def _real(values: np.ndarray) -> np.ndarray:
    """float64; NaN where nothing was set, which larcv3 says by the largest number there is."""
    numbers = values.astype(float)
    return np.where(np.abs(numbers) < ABSURD, numbers, np.nan)


def _mothers(rows: np.ndarray, where: str) -> np.ndarray:
    """Row of every particle's mother by track number; -1 if she is itself or not in the table."""
    tracks, mothers = (_whole(rows, name, where) for name in ("trackid", "parent_trackid"))
    order = np.argsort(tracks, kind="stable")
    place = np.searchsorted(tracks[order], mothers)
    row = order[np.minimum(place, len(order) - 1)] if len(order) else place
    return np.where((tracks[row] == mothers) & (row != np.arange(len(rows))), row, -1)


def _whole(rows: np.ndarray, name: str, where: str, dtype: type = np.int64) -> np.ndarray:
    return as_stored(rows[name], dtype, name=name, where=where, tail=(), entry="row")
