"""The growing particle table of one event or several, and the steps their particles left."""

from __future__ import annotations

import numpy as np

from jaxsparse.data.deposits import Deposits
from jaxsparse.data.schema import NO_CLASS, PARTICLE_DTYPE
from jaxsparse.simulate.transport.world import World


class ParticleBank:
    """Particles in order of creation, and every deposit so far.

    Transport modules take row numbers and return row numbers: the state of a particle at its
    creation is read back from the table.

    Attributes:
      world: where the particles move.
    """

    def __init__(self, world: World) -> None:
        self.world = world
        self._table = np.zeros(256, PARTICLE_DTYPE)
        self._count = 0
        self._deposits: list[Deposits] = []

    def __len__(self) -> int:
        return self._count

    @property
    def particles(self) -> np.ndarray:
        """The table so far (a view: writing ``end`` into it is how a track is closed)."""
        return self._table[: self._count]

    def add(
        self,
        *,
        pdg: np.ndarray | int,
        parent: np.ndarray | int,
        process: np.ndarray | int,
        kinetic_energy: np.ndarray | float,
        direction: np.ndarray,
        start: np.ndarray | None = None,
        time: np.ndarray | float | None = None,
        interaction: np.ndarray | bool | None = None,
    ) -> np.ndarray:
        """Appends particles, one a row of ``direction``, and returns their rows.

        What is left out is the mother's: her end, her time, her interaction.
        """
        mothers = self._table[parent]
        start = mothers["end"] if start is None else start
        time = mothers["time"] if time is None else time
        number = len(direction)
        first, last = self._count, self._count + number
        if last > len(self._table):
            self._table = np.concatenate(
                [self._table, np.zeros(max(last, len(self._table)), PARTICLE_DTYPE)]
            )
        new = self._table[first:last]
        new["pdg"], new["parent"], new["process"] = pdg, parent, process
        new["kinetic_energy"], new["time"] = kinetic_energy, time
        new["start"], new["end"], new["direction"] = start, start, direction
        new["interaction"] = mothers["interaction"] if interaction is None else interaction
        new["label"], new["instance"] = NO_CLASS, -1
        self._count = last
        return np.arange(first, last)

    def deposit(
        self,
        rows: np.ndarray,
        start: np.ndarray,
        end: np.ndarray,
        energy: np.ndarray,
        length: np.ndarray,
        time: np.ndarray | None = None,
    ) -> None:
        """Records steps of particles ``rows``; their time is the particle's creation time."""
        if len(rows) == 0:
            return
        if time is None:
            time = self._table["time"][rows].astype(np.float64)
        self._deposits.append(Deposits(start, end, energy, length, time, rows.astype(np.int32)))

    def deposits(self) -> Deposits:
        """All steps so far."""
        return Deposits.concatenate(self._deposits)
