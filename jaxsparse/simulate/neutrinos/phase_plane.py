"""Cross sections over mass and momentum transfer: their integrals, and draws from them.

Q^2 and W of a reaction fill a region with curved edges. Both are mapped to the unit square, W
evenly and Q^2 evenly in ln(Q^2 + 0.1 GeV^2), so that one grid serves every energy.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from jaxsparse.simulate.draws import pick
from jaxsparse.simulate.neutrinos import constants as c

CELLS = 40
SOFTEN = 0.1  # GeV^2


def q2_limits(energy: float, lepton_mass: float, w: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Least and largest Q^2 (GeV^2) at neutrino energy (GeV) on a nucleon at rest, for each W.

    >>> low, high = q2_limits(1.0, 0.0, np.array([c.NUCLEON_MASS]))
    >>> float(low[0].round(6)), float(high[0].round(2))
    (0.0, 1.28)
    """
    square = c.NUCLEON_MASS**2 + 2.0 * c.NUCLEON_MASS * energy
    root = math.sqrt(square)
    incoming = c.NUCLEON_MASS * energy / root
    out = (square + lepton_mass**2 - w**2) / (2.0 * root)
    momentum = np.sqrt(np.maximum(out**2 - lepton_mass**2, 0.0))
    low = 2.0 * incoming * (out - momentum) - lepton_mass**2
    return low, 2.0 * incoming * (out + momentum) - lepton_mass**2


class Plane:
    """A cross section at one energy, on the midpoints of the grid.

    Attributes:
      total: its integral, 1e-38 cm^2.
    """

    def __init__(
        self,
        density: Callable[[np.ndarray, np.ndarray], np.ndarray],
        energy: float,
        lepton_mass: float,
        lowest: float,
        highest: float,
    ) -> None:
        """Evaluates ``density(w, q2)``, per GeV^3, between masses ``lowest`` and ``highest``."""
        reach = math.sqrt(c.NUCLEON_MASS**2 + 2.0 * c.NUCLEON_MASS * energy) - lepton_mass
        self._energy, self._lepton_mass = energy, lepton_mass
        self._low, self._span = lowest, max(min(highest, reach) - lowest, 0.0)
        self.total = 0.0
        if self._span == 0.0:
            return
        middle = (np.arange(CELLS) + 0.5) / CELLS
        w, low, stretch = self._row(middle)
        q2 = (low + SOFTEN)[:, None] * np.exp(stretch[:, None] * middle) - SOFTEN
        jacobian = self._span * stretch[:, None] * (q2 + SOFTEN)
        weight = density(np.broadcast_to(w[:, None], q2.shape), q2) * jacobian
        self._running = np.cumsum(weight.ravel())
        self.total = float(self._running[-1]) / CELLS**2

    def _row(self, u: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        w = self._low + self._span * u
        low, high = q2_limits(self._energy, self._lepton_mass, w)
        return w, low, np.log((high + SOFTEN) / (low + SOFTEN))

    def draw(self, rng: np.random.Generator) -> tuple[float, float]:
        """One (W, Q^2), GeV and GeV^2; ``total`` must be above 0."""
        row, column = divmod(pick(self._running, rng), CELLS)
        u, v = (row + rng.random()) / CELLS, (column + rng.random()) / CELLS
        w, low, stretch = self._row(np.array([u]))
        return float(w[0]), float((low[0] + SOFTEN) * math.exp(stretch[0] * v) - SOFTEN)


class Line:
    """As ``Plane``, at one mass of the hadron system: ``density(q2)`` per GeV^2."""

    def __init__(
        self,
        density: Callable[[np.ndarray], np.ndarray],
        energy: float,
        lepton_mass: float,
        w: float = c.NUCLEON_MASS,
    ) -> None:
        self.total = 0.0
        if math.sqrt(c.NUCLEON_MASS**2 + 2.0 * c.NUCLEON_MASS * energy) <= lepton_mass + w:
            return
        low, high = q2_limits(energy, lepton_mass, np.array([w]))
        self._low = float(low[0])
        self._stretch = math.log((float(high[0]) + SOFTEN) / (self._low + SOFTEN))
        number = CELLS * 4
        middle = (np.arange(number) + 0.5) / number
        q2 = (self._low + SOFTEN) * np.exp(self._stretch * middle) - SOFTEN
        self._running = np.cumsum(density(q2) * self._stretch * (q2 + SOFTEN))
        self.total = float(self._running[-1]) / number

    def draw(self, rng: np.random.Generator) -> float:
        """One Q^2, GeV^2; ``total`` must be above 0."""
        v = (pick(self._running, rng) + rng.random()) / len(self._running)
        return (self._low + SOFTEN) * math.exp(self._stretch * v) - SOFTEN
