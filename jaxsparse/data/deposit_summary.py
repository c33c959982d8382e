"""Numbers that say what a sample of energy deposits looks like."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from jaxsparse.data.deposits import Deposits

NAMED = 12  # kinds of particles that are named one by one


class DepositSummary:
    """Sums over events; start empty, :meth:`add` events.

    >>> from jaxsparse.data.schema import PARTICLE_DTYPE
    >>> summary, muon = DepositSummary(), np.zeros(1, PARTICLE_DTYPE)
    >>> muon["pdg"] = 13
    >>> step = Deposits(np.zeros((1, 3)), np.ones((1, 3)), np.array([2.1]), np.array([1.7]),
    ...                 np.zeros(1), np.zeros(1, np.int32))
    >>> summary.add(step, muon)
    >>> summary.figures()["energy_by_pdg"]
    {'13': 2.1}
    """

    def __init__(self) -> None:
        self._steps: list[int] = []
        self._energies: list[float] = []
        self._particles = 0
        self._by_pdg: Counter[int] = Counter()
        self._low, self._high = np.full(3, np.inf), np.full(3, -np.inf)

    def add(self, deposits: Deposits, particles: np.ndarray) -> None:
        """Counts one event."""
        self._steps.append(len(deposits))
        self._energies.append(float(deposits.energy.sum()))
        self._particles += len(particles)
        kinds, kind = np.unique(particles["pdg"][deposits.particle], return_inverse=True)
        energy = np.bincount(kind.reshape(-1), deposits.energy, len(kinds))
        for pdg, amount in zip(kinds.tolist(), energy.tolist(), strict=True):
            self._by_pdg[pdg] += amount
        for points in (deposits.start, deposits.end):
            if len(points):
                self._low = np.minimum(self._low, points.min(axis=0))
                self._high = np.maximum(self._high, points.max(axis=0))

    def figures(self) -> dict[str, Any]:
        """What there is to say, in numbers; empty without events.

        ``steps`` and ``energy`` (MeV) have percentiles (0, 25, 50, 75, 95, 100) of the events,
        ``particles`` the mean an event, ``energy_by_pdg`` the sum over events in MeV by PDG code,
        ``box`` the lowest and the highest x, y and z in cm.
        """
        if not self._steps:
            return {}
        ranks = [0, 25, 50, 75, 95, 100]
        found: dict[str, Any] = {
            "steps": np.percentile(self._steps, ranks).astype(int).tolist(),
            "energy": np.percentile(self._energies, ranks).tolist(),
            "total_energy": sum(self._energies),
            "particles": self._particles / len(self._steps),
            "energy_by_pdg": {str(pdg): energy for pdg, energy in self._by_pdg.most_common()},
        }
        if sum(self._steps):
            bounds = zip(self._low.tolist(), self._high.tolist(), strict=True)
            found["box"] = dict(zip("xyz", map(list, bounds), strict=True))
        return found


def deposit_lines(figures: Mapping[str, Any]) -> Iterator[str]:
    """What a person reads of :meth:`DepositSummary.figures`."""
    if not figures:
        yield "no events"
        return
    yield f"particles {figures['particles']:.1f} an event"
    yield f"steps     {' / '.join(map(str, figures['steps']))} an event  (0 25 50 75 95 100 %)"
    energies = " / ".join(f"{energy:.1f}" for energy in figures["energy"])
    yield f"energy    {energies} MeV deposited an event, {figures['total_energy']:.1f} MeV in all"
    shares = [
        f"{pdg} {energy:.1f}" for pdg, energy in list(figures["energy_by_pdg"].items())[:NAMED]
    ]
    more = len(figures["energy_by_pdg"]) - len(shares)
    yield f"by pdg    {', '.join(shares)} MeV" + (f" and {more} more" if more else "")
    if "box" in figures:
        sides = [f"{axis} {low:.1f} to {high:.1f}" for axis, (low, high) in figures["box"].items()]
        yield f"box       {', '.join(sides)} cm"
