"""Decays of the tau, taken as unpolarised.

Branching fractions of the Review of Particle Physics: electron 17.82 %, muon 17.39 %; the hadronic
rest is given to pi 10.8, pi pi0 25.5 (through the rho), pi 2 pi0 9.3 and 3 pi 9.3 (through the
a1), 3 pi pi0 4.6 and pi 3 pi0 1.1 %, in these proportions. Modes with kaons (3 %) go there too.
Checked against Herwig's tables and BaBar 1906.02626 (pi 3 pi0 1.17): docs/sources.md.
"""

from __future__ import annotations

import math

import numpy as np

from jaxsparse.simulate.draws import choose
from jaxsparse.simulate.neutrinos import constants as c
from jaxsparse.simulate.neutrinos.kinematics import boost, decay
from jaxsparse.simulate.transport.directions import isotropic

ELECTRON, MUON = 0.1782, 0.1739
RHO, A1 = (0.775, 0.149), (1.23, 0.42)  # mass and width, GeV
# Share, pions of a tau minus, and the resonance that makes them.
HADRONIC: tuple[tuple[float, tuple[int, ...], tuple[float, float] | None], ...] = (
    (0.108, (-211,), None),
    (0.255, (-211, 111), RHO),
    (0.093, (-211, 111, 111), A1),
    (0.093, (-211, -211, 211), A1),
    (0.046, (-211, -211, 211, 111), (1.4, 0.4)),
    (0.011, (-211, 111, 111, 111), (1.4, 0.4)),
)


def decay_tau(
    tau: np.ndarray, sign: int, rng: np.random.Generator
) -> tuple[str, list[int], np.ndarray]:
    """Decays a tau.

    Args:
      tau: four-vector ``[4]``, GeV.
      sign: 1 for tau minus (of a neutrino), -1 for tau plus.

    Returns:
      ``"electron"``, ``"muon"`` or ``"hadrons"``; the codes and the four-vectors ``[n, 4]`` of what
      can be seen. The neutrinos have the rest.
    """
    draw = rng.random()
    if draw < ELECTRON + MUON:
        name, pdg = ("electron", 11) if draw < ELECTRON else ("muon", 13)
        mass = c.mass(pdg)
        # Share of the largest energy from x^2 (3 - 2x), as Michel electrons.
        largest = (c.TAU_MASS**2 + mass**2) / (2.0 * c.TAU_MASS)
        energy = 0.0
        while energy <= mass:
            energy = largest * rng.beta(3.0, 1.0 if rng.random() < 2.0 / 3.0 else 2.0)
        momentum = math.sqrt(energy**2 - mass**2)
        lepton = np.concatenate([[energy], momentum * isotropic(1, rng)[0]])
        return name, [sign * pdg], boost(lepton, tau)[None]
    shares = np.array([mode[0] for mode in HADRONIC])
    _, pions, resonance = HADRONIC[choose(shares, rng)]
    codes = [code if code == 111 else sign * code for code in pions]
    masses = c.masses(codes)
    if resonance is None:
        return "hadrons", codes, decay(tau, np.array([masses[0], 0.0]), rng)[:1]
    low, high = float(masses.sum()) + 0.01, c.TAU_MASS - 0.01
    system = 0.0
    while not low < system < high:
        system = resonance[0] + 0.5 * resonance[1] * rng.standard_cauchy()
    pair = decay(tau, np.array([system, 0.0]), rng)
    return "hadrons", codes, decay(pair[0], masses, rng)
