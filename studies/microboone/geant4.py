"""Geant4's particles beside our own of the same energies, placed and read out alike."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from jaxsparse.data.deposits import Deposits
from jaxsparse.data.readers.edep_sim import EdepSimFile
from jaxsparse.data.source import DepositSource
from jaxsparse.errors import InputError
from jaxsparse.particle_data import PRIMARY
from studies.microboone.single import single

ELECTRON, MUON = 11, 13


class Electrons(DepositSource):
    """The events of segments alone (larnd-sim's input) in which nothing but electrons left charge.

    Nobody knows who made the electrons. They are taken as primaries, so that all of their pixels
    are shower.

    Args:
      paths: the files.

    Raises:
      InputError: no event is of electrons alone.
    """

    def __init__(self, paths: Sequence[Path]):
        self.path, self.files = paths[0], list(paths)
        self._files = [EdepSimFile(path) for path in paths]
        self._places = [
            (file, number)
            for file in self._files
            for number in range(len(file))
            if set(file[number][1]["pdg"].tolist()) == {ELECTRON}
        ]
        self.event_ids = np.arange(len(self._places))
        if not self._places:
            raise InputError(f"{self.path}: no event is of electrons alone, give other files")

    def __getitem__(self, index: int) -> tuple[Deposits, np.ndarray]:
        file, number = self._places[index]
        deposits, particles = file[number]
        particles = particles.copy()
        particles["process"] = PRIMARY
        return deposits, particles


class Twins(DepositSource):
    """For every event of a Geant4 source one particle of our own transport of the same energy.

    Args:
      geant4: the events.
      pdg: kind of the particle.
      energy: kinetic energy (MeV) of an event's particle.
      seed: of the particles.
    """

    def __init__(
        self,
        geant4: DepositSource,
        pdg: int,
        energy: Callable[[Deposits, np.ndarray], float],
        seed: int = 0,
    ):
        self.path, self.files = geant4.path, geant4.files
        self.event_ids = geant4.event_ids
        self.pdg, self.seed = pdg, seed
        self.energies = [energy(*geant4[number]) for number in range(len(geant4))]

    def __getitem__(self, index: int) -> tuple[Deposits, np.ndarray]:
        rng = np.random.default_rng((self.seed, index))
        return single(self.pdg, self.energies[index], rng)


def energy_of_primary(deposits: Deposits, particles: np.ndarray) -> float:
    """MeV that the first particle started with."""
    del deposits
    return float(particles["kinetic_energy"][0])


def energy_left(deposits: Deposits, particles: np.ndarray) -> float:
    """MeV that all particles left, where nobody says what they started with."""
    del particles
    return float(deposits.energy.sum())
