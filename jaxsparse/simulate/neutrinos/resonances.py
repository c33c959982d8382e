"""Excitation of the nucleon below 1.7 GeV: the Delta, a second region, and what lies under them.

Charged current, in units of one ninth of the Delta++ (isospin 3/2: p pi+ : p pi0 : n pi+ = 9:2:1).
Under the Delta lies a background of 10, 30 and 50 % of the three channels (Lalakulich and others,
arXiv 1007.0925): 1 unit on the proton and 1.9 on the neutron, taken with isospin 3/2 and 1/2. The
second region, N(1440) to N(1535) of isospin 1/2, adds 2.5 units on the neutron: with it p pi0 and
n pi+ reach a third of p pi+ each. Neutral currents
excite the Delta with 2/3 (1, 1 - 2 sin^2 theta_W for its axial and vector part) of the strength,
0.30 of the charged current on average; antineutrinos 0.34.
"""

from __future__ import annotations

import functools

import numpy as np

from jaxsparse.simulate.draws import choose
from jaxsparse.simulate.neutrinos import constants as c
from jaxsparse.simulate.neutrinos.kinematics import decay, two_body_momentum

THRESHOLD = c.NUCLEON_MASS + c.PION_MASS + 0.003
# sigma(nu p -> mu p pi+, W < 1.7 GeV) at high energy, 1e-38 cm^2: Argonne and Brookhaven data
# as reanalysed by Wilkinson and others, arXiv 1411.4482; from memory, not checked.
PLATEAU = 0.60
DELTA, BACKGROUND, SECOND = 0, 1, 2
_PROTON, _NEUTRON = (9.0, 1.0, 0.0), (3.0, 1.9, 2.5)
_AVERAGE = tuple(0.5 * (p + n) for p, n in zip(_PROTON, _NEUTRON, strict=True))
NEUTRAL = {1: 0.30, -1: 0.34}
TWO_PIONS = 0.4  # share of N pi pi in the second region: Review of Particle Physics, N(1520)


@functools.cache
def _spectra() -> tuple[np.ndarray, np.ndarray]:
    """A grid of W (GeV), and the three components ``[3, grid]``, each normalised to 1."""
    w = np.linspace(THRESHOLD, c.RESONANCE_LIMIT, 400)

    def shape(mass: float, width: float, power: int) -> np.ndarray:
        momentum = two_body_momentum(w, c.NUCLEON_MASS, c.PION_MASS)
        at = two_body_momentum(np.array(mass), c.NUCLEON_MASS, c.PION_MASS)
        running = width * (momentum / at) ** power * (mass / w)
        return w * running / ((w**2 - mass**2) ** 2 + (mass * running) ** 2)

    smooth = two_body_momentum(w, c.NUCLEON_MASS, c.PION_MASS) / w
    # Masses and widths: Review of Particle Physics; a pion in P wave from the Delta, S and D above.
    parts = np.stack([shape(1.232, 0.117, 3), smooth, shape(1.515, 0.150, 1)])
    return w, parts / np.trapezoid(parts, w, axis=1)[:, None]


def strengths(sign: int, nucleon: int, neutral: bool) -> np.ndarray:
    """Weights ``[3]`` of Delta, background and second region."""
    if neutral:
        return NEUTRAL[sign] * np.array(_AVERAGE)
    # An antineutrino sees the neutron as a neutrino sees the proton.
    return np.array(_PROTON if (nucleon == 2212) == (sign > 0) else _NEUTRON)


def cross_section(
    energy: float,
    w: np.ndarray,
    q2: np.ndarray,
    lepton_mass: float,
    sign: int,
    nucleon: int,
    neutral: bool,
) -> np.ndarray:
    """d^2 sigma / dW dQ^2 on a free nucleon at rest, 1e-38 cm^2 / GeV^3.

    The spectrum of W, a squared dipole (1 + Q^2 / M_A^2)^-4 with M_A = 1.12 GeV, and 1 for
    neutrinos or (1 - y)^2 for antineutrinos (vector and axial part taken as equal). The lepton's
    mass enters through the limits of phase space alone.

    Args: as in ``quasi_elastic.cross_section``; ``w`` is the mass of the hadron system, GeV.
    """
    grid, parts = _spectra()
    spectrum = np.interp(w, grid, strengths(sign, nucleon, neutral) @ parts, left=0.0, right=0.0)
    dipole = (1.0 + q2 / c.RESONANCE_AXIAL_MASS**2) ** -4
    # The integral over Q^2 of the dipole is M_A^2 / 3: PLATEAU is met where all Q^2 are allowed.
    front = PLATEAU / sum(_PROTON) * 3.0 / c.RESONANCE_AXIAL_MASS**2
    y = (w**2 - c.NUCLEON_MASS**2 + q2) / (2.0 * c.NUCLEON_MASS * energy)
    helicity = 1.0 if sign > 0 else np.clip(1.0 - y, 0.0, 1.0) ** 2
    return front * spectrum * dipole * helicity


def products(
    w: float, sign: int, nucleon: int, neutral: bool, rng: np.random.Generator
) -> list[int]:
    """Nucleon and pions of a resonance of mass ``w`` (GeV)."""
    grid, parts = _spectra()
    index = min(int(np.searchsorted(grid, w)), len(grid) - 1)
    part = choose(strengths(sign, nucleon, neutral) * parts[:, index], rng)
    charge = (nucleon == 2212) + (0 if neutral else sign)
    # Where only one pion charge fits, all of isospin 3/2 goes there.
    if charge == 2:
        return [2212, 211]
    if charge == -1:
        return [2112, -211]
    other = {1: [2112, 211], 0: [2212, -211]}[charge]
    same = 2212 if charge == 1 else 2112
    if part == SECOND and rng.random() < TWO_PIONS and w > c.NUCLEON_MASS + 0.29:
        draw = rng.random()
        if draw < 0.5:
            return [same, 211, -211]
        return [*other, 111] if draw < 0.8 else [same, 111, 111]
    neutral_pion = 2.0 / 3.0 if part == DELTA else 1.0 / 3.0
    return [same, 111] if rng.random() < neutral_pion else other


def fragment(
    system: np.ndarray,
    w: float,
    sign: int,
    nucleon: int,
    neutral: bool,
    rng: np.random.Generator,
) -> tuple[list[int], np.ndarray]:
    """Codes and four-vectors ``[n, 4]`` of the products of a resonance ``system`` (``[4]``)."""
    codes = products(w, sign, nucleon, neutral, rng)
    return codes, decay(system, c.masses(codes), rng)
