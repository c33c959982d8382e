"""The hadrons of deep inelastic scattering, by the model of Yang and others (AGKY).

A Hadronization Model for Few-GeV Neutrino Interactions, arXiv 0904.4043: charged multiplicity
a + b ln W^2, all particles 1.5 times as many, scattered about the mean as KNO found (Levy's
function), one baryon that goes backwards, pairs of pions, transverse momenta limited by
exp(-3.5 p_T / GeV). Strange particles are left out (their share goes to pions), and the model is
used at all W, where the original turns to string fragmentation above 2.3 to 3 GeV.
"""

from __future__ import annotations

import functools
import math

import numpy as np

from jaxsparse.simulate.draws import choose
from jaxsparse.simulate.neutrinos import constants as c
from jaxsparse.simulate.neutrinos.kinematics import boost, decay, invariant, reflect

# a and b of the charged multiplicity and Levy's c, by (sign, nucleon): as in GENIE's
# AGKYLowW2019.xml, which has the shares of pairs and the slope too; the baryon's numbers are those
# of its KNOHadronization.cxx.
MULTIPLICITY = {
    (1, 2212): (0.40, 1.42, 7.93),
    (1, 2112): (-0.20, 1.42, 5.22),
    (-1, 2212): (0.02, 1.28, 5.22),
    (-1, 2112): (0.80, 0.95, 7.93),
}
ALL_PER_CHARGED = 1.5
CHARGED_PAIRS = 2.0 / 3.0  # pi+ pi- among pairs of pions, pi0 pi0 the rest (0.6 : 0.3)
MOST = 20
LEAST_MASS = 1.30  # GeV: a nucleon and two pions, and room for them to move
SLOPE = 3.5  # per GeV of transverse momentum
BARYON_SLOPE = 6.625  # per GeV^2 of the baryon's transverse momentum squared
BARYON_LIMIT = 0.6  # GeV^2, largest transverse momentum squared of the baryon
# Share of protons among the baryons, by the charge of all hadrons: of two hadrons, of more.
PROTONS = {2: (1.0, 2.0 / 3.0), 1: (1.0 / 3.0, 0.5), 0: (2.0 / 3.0, 0.5), -1: (0.0, 1.0 / 3.0)}


def mean_multiplicity(w: float, sign: int, nucleon: int) -> float:
    """Mean number of hadrons, charged and neutral, at mass ``w`` (GeV)."""
    a, b, _ = MULTIPLICITY[sign, nucleon]
    return ALL_PER_CHARGED * (a + b * math.log(w**2))


@functools.cache
def _levy(c_value: float, mean: float) -> np.ndarray:
    """Weights of 2 to ``MOST`` hadrons: 2 e^-c c^(c z + 1) / Gamma(c z + 1), z = n / mean."""
    exponent = c_value * np.arange(2, MOST + 1) / mean
    logs = np.array([(x + 1.0) * math.log(c_value) - math.lgamma(x + 1.0) for x in exponent])
    return np.exp(logs - c_value)


def _weights(w: float, sign: int, nucleon: int) -> np.ndarray:
    # A tenth of a hadron is fine enough, and few enough tables.
    mean = max(round(mean_multiplicity(w, sign, nucleon), 1), 1.0)
    return _levy(MULTIPLICITY[sign, nucleon][2], mean)


@functools.cache
def _many(sign: int, nucleon: int) -> tuple[np.ndarray, np.ndarray]:
    grid = np.linspace(LEAST_MASS, c.RESONANCE_LIMIT, 30)
    weights = [_weights(float(w), sign, nucleon) for w in grid]
    return grid, np.array([float(x[1:].sum() / x.sum()) for x in weights])


def share(w: np.ndarray, sign: int, nucleon: int) -> np.ndarray:
    """The part of deep inelastic scattering at mass ``w`` (GeV) that is not resonances.

    All of it above the limit of the resonances; below, what gives three and more hadrons (the way
    in which GENIE joins the two).
    """
    grid, many = _many(sign, nucleon)
    part = np.interp(w, grid, many)
    return np.where(w >= c.RESONANCE_LIMIT, 1.0, np.where(w > LEAST_MASS, part, 0.0))


def content(w: float, sign: int, nucleon: int, charge: int, rng: np.random.Generator) -> list[int]:
    """PDG codes of the hadrons, baryon first, of total ``charge`` and less mass than ``w``.

    At least three of them below the limit of the resonances. How often the baryon is a proton
    depends on the charge of all hadrons (``PROTONS``).
    """
    weights = _weights(w, sign, nucleon)
    least = 2 if w >= c.RESONANCE_LIMIT else 3
    for _ in range(50):
        number = least + choose(weights[least - 2 :], rng)
        proton = rng.random() < PROTONS[charge][int(number > 2)]
        excess = charge - int(proton)
        codes = [2212 if proton else 2112] + [int(np.sign(excess)) * 211] * abs(excess)
        while len(codes) + 1 < number:
            codes += [211, -211] if rng.random() < CHARGED_PAIRS else [111, 111]
        if len(codes) < number or len(codes) < 2:
            codes.append(111)
        if float(c.masses(codes).sum()) < w - 0.02:
            return codes
    # Nothing drawn was light enough: the least there is, two pions and the nucleon that fits.
    return {
        2: [2212, 211, 111], 1: [2212, 111, 111], 0: [2112, 111, 111], -1: [2112, -211, 111],
    }[charge]  # fmt: skip


def fragment(
    system: np.ndarray,
    transfer: np.ndarray,
    sign: int,
    nucleon: int,
    neutral: bool,
    rng: np.random.Generator,
) -> tuple[list[int], np.ndarray]:
    """Codes and four-vectors ``[n, 4]`` of the hadrons of ``system``; they sum to it.

    Args:
      system: four-vector of all hadrons.
      transfer: four-vector that the neutrino gave away; its direction in the system's rest frame
        is the axis of the jet.
    """
    w = math.sqrt(float(invariant(system)))
    charge = int(nucleon == 2212) + (0 if neutral else sign)
    codes = content(w, sign, nucleon, charge, rng)
    masses = c.masses(codes)
    axis = boost(transfer, reflect(system))[1:]
    axis = axis / np.linalg.norm(axis)
    if len(codes) > 2:
        for _ in range(30):
            baryon = _baryon(w, masses[0], axis, rng)
            rest = np.array([w, 0.0, 0.0, 0.0]) - baryon
            left = float(invariant(rest))
            if rest[0] > 0.0 and left > (masses[1:].sum() + 0.005) ** 2:
                mesons = decay(rest, masses[1:], rng, axis, SLOPE)
                return codes, boost(np.concatenate([baryon[None], mesons]), system)
    slope = SLOPE if len(codes) > 2 else 0.0
    return codes, decay(system, masses, rng, axis, slope)


def _baryon(w: float, mass: float, axis: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """The baryon in the system's rest frame: x_F normal about -0.385, p_T^2 exponential up to
    ``BARYON_LIMIT``."""
    feynman = 1.0
    while not -1.0 < feynman < 0.5:
        feynman = rng.normal(-0.385, math.sqrt(0.131))
    below = 1.0 - math.exp(-BARYON_SLOPE * BARYON_LIMIT)
    across = math.sqrt(-math.log(1.0 - below * rng.random()) / BARYON_SLOPE)
    first = np.cross(axis, [1.0, 0.0, 0.0] if abs(axis[0]) < 0.7 else [0.0, 1.0, 0.0])
    first /= np.linalg.norm(first)
    angle = rng.uniform(0.0, 2.0 * math.pi)
    second = np.cross(axis, first)
    momentum = 0.5 * w * feynman * axis + across * (
        math.cos(angle) * first + math.sin(angle) * second
    )
    energy = math.sqrt(mass**2 + float(momentum @ momentum))
    return np.concatenate([[energy], momentum])
