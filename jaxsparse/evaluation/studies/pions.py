"""The pions of events: what makes a neutral current look like another class.

A neutral pion gives two photons, whose showers look like an electron's where the pion has energy
and a photon converts near the vertex; a long charged pion looks like a muon.
"""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np

from jaxsparse.data.columns import Columns
from jaxsparse.particle_data import PION_ZERO_MASS

_AT_ONCE = 8192  # events whose particles are read at a time


@dataclasses.dataclass(frozen=True)
class Pions(Columns):
    """One number an event and question, float64 ``[events]``; NaN where it is not known.

    Attributes:
      neutral_energy: total energy (MeV) of the most energetic neutral pion; 0 without one.
      photon_gap: cm from the vertex to the nearest point where a photon of a neutral pion ends,
        which is where it converts; infinity without a neutral pion.
      charged_length: cm, straight from start to end, of the longest charged pion; 0 without one.
    """

    neutral_energy: np.ndarray
    photon_gap: np.ndarray
    charged_length: np.ndarray


def read_pions(source: Any, numbers: np.ndarray) -> Pions:
    """The pions of some events of a file.

    Args:
      source: with ``read_particles``, an :class:`~jaxsparse.data.event_file.EventFile` or alike.
      numbers: integer ``[events]``, of the events in it.
    """
    parts = [
        pions_of(*source.read_particles(numbers[start : start + _AT_ONCE]))
        for start in range(0, max(len(numbers), 1), _AT_ONCE)
    ]
    columns = {
        field.name: np.concatenate([getattr(part, field.name) for part in parts])
        for field in dataclasses.fields(Pions)
    }
    return Pions(**columns)


def pions_of(particles: np.ndarray, lengths: np.ndarray) -> Pions:
    """The pions that left the nucleus, from the particle tables of events.

    Pions that others make on their way do not count. An event is unknown where its table is empty
    or a primary has no energy; its gap also where a neutral pion is there without its photons.

    Args:
      particles: ``PARTICLE_DTYPE``, event by event; ``parent`` counts within an event.
      lengths: integer ``[events]``, rows of every event.

    >>> from jaxsparse.data.schema import PARTICLE_DTYPE
    >>> table = np.zeros(3, PARTICLE_DTYPE)
    >>> table["pdg"], table["parent"], table["interaction"] = [111, 22, 22], [-1, 0, 0], True
    >>> table["kinetic_energy"], table["end"][:, 2] = [65.02, 150.0, 50.0], [0.0, 30.0, 12.0]
    >>> pions = pions_of(table, np.array([3, 0]))
    >>> pions.neutral_energy.round(1).tolist(), pions.photon_gap.tolist()
    ([200.0, nan], [12.0, nan])
    """
    owner = np.repeat(np.arange(len(lengths)), lengths)
    first = np.cumsum(lengths) - lengths
    pdg, parent, energy = (particles[name] for name in ("pdg", "parent", "kinetic_energy"))
    primary = (parent < 0) & particles["interaction"].astype(bool)
    neutral, charged = primary & (pdg == 111), primary & (np.abs(pdg) == 211)
    mother = np.where(parent < 0, np.arange(len(pdg)), parent + first[owner])
    photon = (pdg == 22) & neutral[mother]
    origin = particles["start"].astype(float)[mother]  # a primary's own, the vertex
    path = np.linalg.norm(particles["end"] - origin, axis=1)

    known = lengths > 0
    known[owner[primary & ~np.isfinite(energy)]] = False
    highest, gap, longest = (np.full(len(lengths), value) for value in (0.0, np.inf, 0.0))
    np.maximum.at(highest, owner[neutral], energy[neutral] + PION_ZERO_MASS)
    np.maximum.at(longest, owner[charged], path[charged])
    np.minimum.at(gap, owner[photon], path[photon])
    gap[(highest > 0) & np.isinf(gap)] = np.nan  # files that leave photons out
    return Pions(*(np.where(known, column, np.nan) for column in (highest, gap, longest)))
