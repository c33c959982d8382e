"""Electrons and positrons in matter: rates of bremsstrahlung and of knock-on electrons."""

from __future__ import annotations

import functools

import numpy as np

from jaxsparse import particle_data as c
from jaxsparse.simulate.transport.energy_loss import GRID, RangeTable, kinematics, range_table
from jaxsparse.simulate.transport.medium import LIQUID_ARGON, Medium
from jaxsparse.simulate.transport.world import World

BREMSSTRAHLUNG_CUT = 0.3  # MeV: softer photons are part of the loss along the track
# Radiative stopping power in argon (ESTAR, NIST) over what the spectrum below gives when whole,
# against kinetic energy (MeV). Other media are given the same share: it is far from 1 only where
# radiation is a small part of the loss.
RADIATIVE_ENERGY = (0.3, 0.5, 1.0, 2.0, 5.0, 10.0, 20.0, 50.0, 100.0, 200.0, 500.0, 1000.0)
RADIATIVE_SHARE = (
    0.724, 0.582, 0.517, 0.538, 0.624, 0.702, 0.777, 0.857, 0.902, 0.935, 0.965, 0.979,
)  # fmt: skip


def bremsstrahlung_per_cm(kinetic_energy: np.ndarray, medium: Medium = LIQUID_ARGON) -> np.ndarray:
    """Upper rate of photons above the cut: share * 4/3 ln(T/cut) / X0.

    Their spectrum is 1/k; :func:`accept_photon` brings it to (4/3 - 4/3 y + y^2)/k, y = k/E.
    """
    share = np.interp(np.log(kinetic_energy), np.log(RADIATIVE_ENERGY), RADIATIVE_SHARE)
    span = np.log(np.maximum(kinetic_energy / BREMSSTRAHLUNG_CUT, 1.0))
    return share * 4.0 / 3.0 * span / medium.radiation_length


def accept_photon(photon: np.ndarray, kinetic_energy: np.ndarray) -> np.ndarray:
    """Chance that a photon drawn from 1/k stays: 1 - y + 3/4 y^2."""
    y = photon / (kinetic_energy + c.ELECTRON_MASS)
    return 1.0 - y + 0.75 * y**2


def knock_ons_per_cm(kinetic_energy: np.ndarray, world: World) -> np.ndarray:
    """Knock-on electrons above the world's cut per cm, from 1/T^2 up to half the energy."""
    beta2 = kinematics(kinetic_energy, c.ELECTRON_MASS)[0]
    span = np.maximum(1.0 / world.delta_cut - 2.0 / kinetic_energy, 0.0)
    return world.medium.knock_on / beta2 * span


@functools.cache
def rate_table(world: World) -> tuple[np.ndarray, np.ndarray]:
    """On ``GRID``: photons plus knock-ons per cm, and the share of the photons."""
    photons, electrons = bremsstrahlung_per_cm(GRID, world.medium), knock_ons_per_cm(GRID, world)
    total = photons + electrons
    return total, photons / np.maximum(total, 1e-30)


def electron_range_table(world: World) -> RangeTable:
    """Range table of electrons for losses below the world's cut."""
    return range_table(c.ELECTRON_MASS, world.delta_cut, world.medium)
