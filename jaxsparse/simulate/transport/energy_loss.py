"""Energy loss in a medium: Bethe's formula restricted to small losses, ranges, straggling.

A charged particle loses energy in many small collisions, which are a loss along the track, and in
few large ones, which make electrons of their own (delta rays). ``restricted_loss`` is the mean
of the small ones, below a cut; the large ones are drawn one by one elsewhere. Counting both in the
mean would count the delta rays twice.
"""

from __future__ import annotations

import functools

import numpy as np

from jaxsparse import particle_data as c
from jaxsparse.simulate.transport.medium import LIQUID_ARGON, Medium

GRID = np.geomspace(0.01, 4.0e4, 900)  # MeV of kinetic energy


def kinematics(kinetic_energy: np.ndarray, mass: float | np.ndarray):
    """beta^2, gamma and momentum (MeV) of a kinetic energy (MeV) and a mass (MeV)."""
    gamma = 1.0 + kinetic_energy / mass
    beta2 = 1.0 - 1.0 / gamma**2
    return beta2, gamma, mass * gamma * np.sqrt(beta2)


def largest_transfer(kinetic_energy: np.ndarray, mass: float | np.ndarray) -> np.ndarray:
    """The largest energy (MeV) a heavy particle can give an electron in one collision."""
    beta2, gamma, _ = kinematics(kinetic_energy, mass)
    ratio = c.ELECTRON_MASS / mass
    return 2.0 * c.ELECTRON_MASS * beta2 * gamma**2 / (1.0 + 2.0 * gamma * ratio + ratio**2)


def density_effect(beta_gamma: np.ndarray, medium: Medium = LIQUID_ARGON) -> np.ndarray:
    """Sternheimer's delta(beta gamma)."""
    offset, low, high, slope, power = medium.density_effect
    x = np.log10(beta_gamma)
    delta = 2.0 * np.log(10.0) * x - offset + slope * np.maximum(high - x, 0.0) ** power
    return np.where(x < low, 0.0, np.maximum(delta, 0.0))


def restricted_loss(
    kinetic_energy: np.ndarray, mass: float, cut: float, medium: Medium = LIQUID_ARGON
) -> np.ndarray:
    """Mean loss (MeV/cm) of a muon, pion or proton to transfers below ``cut`` (MeV).

    -dE/dx = 2 k/beta^2 [ln(2 m_e beta^2 gamma^2 T_cut / I^2)/2 - beta^2 (1 + T_cut/T_max)/2
    - delta/2], k = ``knock_on`` of the medium, 0.0966 MeV/cm in argon (Particle Data Group,
    passage of particles through matter).
    Below beta gamma = 0.04 the formula no longer holds and the loss is kept at its value there.

    >>> round(float(restricted_loss(np.array(350.0), 105.66, cut=1e9)), 2)  # minimum ionising
    2.11
    """
    floor = mass * (np.sqrt(1.0 + 0.04**2) - 1.0)
    energy = np.maximum(np.asarray(kinetic_energy, float), floor)
    beta2, gamma, _ = kinematics(energy, mass)
    largest = largest_transfer(energy, mass)
    cut = np.minimum(cut, largest)
    logarithm = np.log(2.0 * c.ELECTRON_MASS * beta2 * gamma**2 * cut / medium.mean_excitation**2)
    bracket = (
        0.5 * logarithm
        - 0.5 * beta2 * (1.0 + cut / largest)
        - 0.5 * density_effect(np.sqrt(beta2) * gamma, medium)
    )
    return 2.0 * medium.knock_on / beta2 * np.maximum(bracket, 0.5)


def restricted_electron_loss(
    kinetic_energy: np.ndarray, cut: float, medium: Medium = LIQUID_ARGON
) -> np.ndarray:
    """Mean collision loss (MeV/cm) of an electron to transfers below ``cut`` (Moller's formula).

    Berger and Seltzer's form with the upper limit min(cut, T/2), as in ICRU report 37; positrons
    are given the same.
    """
    tau = np.maximum(np.asarray(kinetic_energy, float), 0.01) / c.ELECTRON_MASS
    gamma = tau + 1.0
    beta2 = 1.0 - 1.0 / gamma**2
    up = np.minimum(cut / c.ELECTRON_MASS, 0.5 * tau)
    moller = (
        -1.0 - beta2 + np.log((tau - up) * up) + tau / (tau - up)
        + (0.5 * up**2 + (2.0 * tau + 1.0) * np.log(1.0 - up / tau)) / gamma**2
    )  # fmt: skip
    excitation = medium.mean_excitation / c.ELECTRON_MASS
    bracket = np.log(2.0 * (gamma + 1.0) / excitation**2) + moller
    return medium.knock_on / beta2 * (bracket - density_effect(np.sqrt(beta2) * gamma, medium))


class RangeTable:
    """Range against kinetic energy for losses below a cut, and its inverse.

    R(T) = integral from 0 to T of dT / L(T), on a grid of 900 energies from 10 keV to 40 GeV.
    """

    def __init__(self, mass: float, cut: float, medium: Medium):
        if mass < 1.0:
            self.loss = restricted_electron_loss(GRID, cut, medium)
        else:
            self.loss = restricted_loss(GRID, mass, cut, medium)
        step = np.diff(GRID) * 0.5 * (1.0 / self.loss[1:] + 1.0 / self.loss[:-1])
        self.range = np.concatenate([[0.0], np.cumsum(step)]) + GRID[0] / self.loss[0]
        beta2 = kinematics(GRID, mass)[0]
        limit = 0.5 * GRID if mass < 1.0 else largest_transfer(GRID, mass)
        # Spread of the range: collisions below the cut add k/beta^2 * cut to the variance per cm.
        variance = medium.knock_on / beta2 * np.minimum(cut, limit) / self.loss**3
        spread = np.concatenate([[0.0], np.cumsum(np.diff(GRID) * variance[1:])])
        self.range_spread = np.sqrt(spread)

    def range_of(self, kinetic_energy: np.ndarray) -> np.ndarray:
        """Path (cm) to rest for a kinetic energy (MeV)."""
        below = kinetic_energy / GRID[0] * self.range[0]
        return np.where(
            kinetic_energy < GRID[0], below, np.interp(kinetic_energy, GRID, self.range)
        )

    def energy_of(self, residual_range: np.ndarray) -> np.ndarray:
        """Kinetic energy (MeV) of a residual range (cm); 0 for nothing left."""
        left = np.maximum(residual_range, 0.0)
        below = left / self.range[0] * GRID[0]
        return np.where(left < self.range[0], below, np.interp(left, self.range, GRID))

    def spread_of(self, kinetic_energy: np.ndarray) -> np.ndarray:
        """Standard deviation (cm) of the range from the losses below the cut."""
        return np.interp(kinetic_energy, GRID, self.range_spread)


@functools.cache
def range_table(mass: float, cut: float, medium: Medium = LIQUID_ARGON) -> RangeTable:
    """The table of one mass (MeV), cut (MeV) and medium, built once."""
    return RangeTable(mass, cut, medium)


def straggle(
    mean: np.ndarray,
    length: np.ndarray,
    beta2: float | np.ndarray,
    cut: float | np.ndarray,
    rng: np.random.Generator,
    medium: Medium = LIQUID_ARGON,
) -> np.ndarray:
    """Draws losses (MeV) around the mean restricted loss of steps of ``length`` cm.

    A shifted gamma distribution with the mean, variance xi * cut and third moment xi * cut^2 / 2
    of the collisions (xi = knock_on * length / beta^2, spectrum 1/T^2 up to the cut). Being
    infinitely divisible it gives the same fluctuation for a path however it is cut into steps.
    """
    xi = medium.knock_on * length / beta2
    excess = rng.standard_gamma(16.0 * xi / cut) * (0.25 * cut)
    return np.maximum(mean - 4.0 * xi + excess, 0.1 * mean)
