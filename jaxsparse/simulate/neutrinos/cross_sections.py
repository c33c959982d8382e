"""Total cross sections by mode on free nucleons, and draws of (W, Q^2) from them.

QE (elastic for neutral currents), RES below and DIS above 1.7 GeV are computed from their
densities. MEC, the knock-out of a pair of nucleons, is a fifth of QE in nuclei: between a fifth
and a third in the models compared by Nieves and others (arXiv 1411.7821) at 1 to 3 GeV; from
memory, not checked.
"""

from __future__ import annotations

import functools
import math

import numpy as np

from jaxsparse.simulate.neutrinos import (
    constants as c,
)
from jaxsparse.simulate.neutrinos import (
    deep_inelastic,
    hadronization,
    quasi_elastic,
    resonances,
)
from jaxsparse.simulate.neutrinos.phase_plane import Line, Plane

MODES = ("QE", "MEC", "RES", "DIS")
MEC_PER_QE = 0.2
NUCLEONS = (2212, 2112)
HIGHEST_MASS = 100.0  # GeV: above anything a beam reaches

GRID = np.geomspace(0.15, 60.0, 70)  # GeV
STEP = 0.02  # of the logarithm of the energy, between the planes that draws are made from


def step_below(energy: float) -> float:
    """The largest energy of the steps up to ``energy`` (GeV).

    Draws use the plane of that energy, so that one plane serves many events; being below, whatever
    it gives is allowed.
    """
    return math.exp(math.floor(math.log(energy) / STEP) * STEP)


def lepton_mass(flavour: int, neutral: bool) -> float:
    """Mass (GeV) of the lepton that comes out; ``flavour`` 12, 14 or 16."""
    return 0.0 if neutral else c.mass(flavour - 1)


@functools.lru_cache(maxsize=2048)
def line(energy: float, flavour: int, sign: int, nucleon: int, neutral: bool) -> Line:
    """Quasi-elastic or elastic scattering at one energy (GeV)."""
    mass = lepton_mass(flavour, neutral)
    return Line(
        lambda q2: quasi_elastic.cross_section(energy, q2, mass, sign, nucleon, neutral),
        energy,
        mass,
    )


@functools.lru_cache(maxsize=4096)
def plane(mode: str, energy: float, flavour: int, sign: int, nucleon: int, neutral: bool) -> Plane:
    """``"RES"`` or ``"DIS"`` at one energy (GeV)."""
    mass = lepton_mass(flavour, neutral)
    if mode == "RES":
        return Plane(
            lambda w, q2: resonances.cross_section(energy, w, q2, mass, sign, nucleon, neutral),
            energy, mass, resonances.THRESHOLD, c.RESONANCE_LIMIT,
        )  # fmt: skip

    def density(w: np.ndarray, q2: np.ndarray) -> np.ndarray:
        whole = deep_inelastic.cross_section(energy, w, q2, mass, sign, nucleon, neutral)
        return whole * hadronization.share(w, sign, nucleon)

    return Plane(density, energy, mass, hadronization.LEAST_MASS, HIGHEST_MASS)


@functools.cache
def table(flavour: int, sign: int, neutral: bool) -> np.ndarray:
    """Cross sections ``[QE, RES, DIS; proton, neutron; GRID]``, 1e-38 cm^2."""
    values = np.zeros((3, 2, len(GRID)))
    for j, nucleon in enumerate(NUCLEONS):
        for k, energy in enumerate(GRID):
            what = (float(energy), flavour, sign, nucleon, neutral)
            values[:, j, k] = [line(*what).total, plane("RES", *what).total,
                               plane("DIS", *what).total]  # fmt: skip
    return values


def by_mode(energy: np.ndarray, flavour: int, sign: int, neutral: bool) -> np.ndarray:
    """Cross sections ``[QE, MEC, RES, DIS; proton, neutron; *energy.shape]``, 1e-38 cm^2.

    Per nucleon, free but for MEC; interpolated between energies of a table, in their logarithm.

    Args:
      energy: GeV.
      flavour: 12, 14 or 16. Neutral currents are the same for all.
      sign: 1 for neutrinos, -1 for antineutrinos.
    """
    values = table(14 if neutral else flavour, sign, neutral)
    logs, at = np.log(GRID), np.log(np.maximum(energy, GRID[0]))
    rows = [np.interp(at, logs, row) for row in values.reshape(6, -1)]
    qe, res, dis = np.array(rows).reshape(3, 2, *np.shape(energy))
    return np.stack([qe, MEC_PER_QE * qe, res, dis])


def total(energy: np.ndarray, flavour: int, sign: int, neutral: bool) -> np.ndarray:
    """Cross section per nucleon of an equal mixture, all modes, 1e-38 cm^2.

    >>> ratio = total(np.array(50.0), 14, 1, False) / 50.0  # measured: 0.677
    >>> 0.65 < float(ratio) < 0.71
    True
    """
    return by_mode(energy, flavour, sign, neutral).mean(axis=1).sum(axis=0)
