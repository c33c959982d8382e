"""Neutrino beams as analytic shapes: a narrow band off axis and a broad band on axis."""

from __future__ import annotations

import dataclasses
import math

import numpy as np


@dataclasses.dataclass(frozen=True)
class Beam:
    """The muon neutrinos of a beam before they oscillate, and the little else in it.

    The shape is ``(1 - tail) core(E) + tail t(E)`` with ``t`` proportional to ``E exp(-E / scale)``
    (mostly from kaons); the core is a normal distribution (``narrow``) or a gamma distribution of
    the same peak and the standard deviation ``width``.

    Attributes:
      name: what it is called.
      baseline: km from source to detector.
      peak, width: of the core, GeV.
      narrow: whether the core is normal.
      tail, scale: share of the high-energy tail, and its scale (GeV).
      wrong_sign: muon antineutrinos per muon neutrino.
      electron: electron neutrinos per muon neutrino.
      highest: largest energy drawn, GeV.
      electrons: the electron neutrinos of the beam by themselves, where their shape is known;
        their ``wrong_sign`` is electron antineutrinos per electron neutrino.
    """

    name: str
    baseline: float
    peak: float
    width: float
    narrow: bool
    tail: float
    scale: float
    wrong_sign: float
    electron: float
    highest: float
    electrons: Beam | None = None

    def flux(self, energy: np.ndarray) -> np.ndarray:
        """Muon neutrinos per GeV at energies (GeV), 1 in total up to what lies above ``highest``.

        The shapes of the antineutrinos and, where ``electrons`` says nothing else, of the electron
        neutrinos are taken to be the same.
        """
        if self.narrow:
            core = np.exp(-0.5 * ((energy - self.peak) / self.width) ** 2)
            core = core / (self.width * math.sqrt(2.0 * math.pi))
        else:
            # Gamma distribution with mode (k - 1) b and variance k b^2.
            b = 0.5 * (math.sqrt(self.peak**2 + 4.0 * self.width**2) - self.peak)
            k = self.peak / b + 1.0
            core = np.exp((k - 1.0) * np.log(energy / b) - energy / b - math.lgamma(k)) / b
        tail = energy * np.exp(-energy / self.scale) / self.scale**2
        return (1.0 - self.tail) * core + self.tail * tail


# NuMI 14.6 mrad off its axis, neutrino mode. Peak, baseline: NOvA, arXiv 2108.08219. Off the axis
# the energy hardly depends on that of the pion; the width and the tail are set so that the mean of
# the energies that interact is the published 2.7 GeV (abstract of arXiv 1902.00558).
NOVA = Beam("nova", 810.0, 1.9, 0.45, True, 0.10, 2.0, 0.02, 0.01, 20.0)
# The electron neutrinos of the LBNF beam, from kaons and muons: a shape fitted to the energies of
# the public dune-cvn events, 150 nu_e and 150 nu_tau, whose weights say that all of them began as
# electron neutrinos; 45 of the 300 are antineutrinos.
_DUNE_ELECTRONS = Beam("dune nu_e", 1285.0, 0.65, 2.9, False, 0.14, 5.9, 0.35, 1.0, 60.0)
# The LBNF beam on its axis, neutrino mode: peak 2.5 GeV and 92 % of the muon neutrinos between 0.5
# and 5 GeV (arXiv 1910.10996, from memory); the tail is that of the energies of 300 public
# dune-cvn events.
DUNE = Beam("dune", 1285.0, 2.4, 1.15, False, 0.045, 6.5, 0.05, 0.01, 60.0, _DUNE_ELECTRONS)

BEAMS = {beam.name: beam for beam in (NOVA, DUNE)}
