"""The particle bomb of MicroBooNE's own deep-learning samples.

Source: ``dlprod_multipvtx.fcl`` of ``uboone/uboonecode`` (2017, unchanged since): kinds, numbers
and energies of the particles, their directions, and how far the vertex is from the walls. Read here
as: first the least number of every kind; every further particle is of one of the kinds that are not
full yet, all equally likely.
"""

from __future__ import annotations

import dataclasses

import numpy as np

FIDUCIAL_MARGIN = 30.0  # cm between vertex and the sides of the active volume
NUMBER = (1, 4)  # particles, drawn evenly


@dataclasses.dataclass(frozen=True)
class Kind:
    """Particles that are drawn alike.

    Attributes:
      pdg: codes, drawn evenly.
      least, most: how many there are in an event.
      kinetic_energy: least and largest (MeV), drawn evenly.
    """

    pdg: tuple[int, ...]
    least: int
    most: int
    kinetic_energy: tuple[float, float]


KINDS = (
    Kind((11, 13), 1, 3, (50.0, 1000.0)),
    Kind((22,), 0, 2, (50.0, 1000.0)),
    Kind((211, -211), 0, 2, (50.0, 1000.0)),
    Kind((2212,), 0, 3, (50.0, 400.0)),
)


def draw_particles(rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """PDG codes and kinetic energies (MeV) of the particles of one vertex.

    >>> pdg, kinetic_energy = draw_particles(np.random.default_rng(2))
    >>> pdg.tolist(), kinetic_energy.round().tolist()
    ([11, 22, 13, 22], [137.0, 620.0, 742.0, 229.0])
    """
    total = int(rng.integers(NUMBER[0], NUMBER[1] + 1))
    count = [kind.least for kind in KINDS]
    chosen = [kind for kind in KINDS for _ in range(kind.least)]
    while len(chosen) < total:
        free = [number for number, kind in enumerate(KINDS) if count[number] < kind.most]
        number = free[rng.integers(len(free))]
        count[number] += 1
        chosen.append(KINDS[number])
    pdg = np.array([kind.pdg[rng.integers(len(kind.pdg))] for kind in chosen])
    return pdg, np.array([rng.uniform(*kind.kinetic_energy) for kind in chosen])


def draw_directions(number: int, rng: np.random.Generator) -> np.ndarray:
    """Unit vectors ``[number, 3]``: even in the polar angle to the beam, unlike the sphere."""
    polar, azimuth = rng.uniform(0, np.pi, number), rng.uniform(0, 2 * np.pi, number)
    across = np.sin(polar)
    return np.stack([across * np.cos(azimuth), across * np.sin(azimuth), np.cos(polar)], axis=1)
