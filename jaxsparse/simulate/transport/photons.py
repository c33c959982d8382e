"""Photons in matter: interaction lengths, Compton scattering, conversion.

- Compton: Klein and Nishina on free electrons, total and angle.
- Conversion: the unscreened cross section of Bethe and Heitler near threshold (Hough's expansion),
  running into 7/9 of an inverse radiation length; that is the gap exp(-7x/9X0) of GeV photons.
- Photoelectric effect: a power law through the tabulated value at 100 keV.
"""

from __future__ import annotations

import functools

import numpy as np

from jaxsparse import particle_data as c
from jaxsparse.simulate.transport.medium import LIQUID_ARGON, Medium

PHOTON_FLOOR = 0.1  # MeV: less is absorbed on the spot
FLOOR_TABLE = np.geomspace(0.05, 4.0e4, 600)  # MeV
THOMSON = 0.66524587e-24  # cm^2


def compton_per_cm(energy: np.ndarray, medium: Medium = LIQUID_ARGON) -> np.ndarray:
    """Compton scatterings per cm of a photon (MeV), Klein-Nishina."""
    k = energy / c.ELECTRON_MASS
    log = np.log1p(2.0 * k)
    bracket = (
        (1.0 + k) / k**2 * (2.0 * (1.0 + k) / (1.0 + 2.0 * k) - log / k)
        + log / (2.0 * k)
        - (1.0 + 3.0 * k) / (1.0 + 2.0 * k) ** 2
    )
    return 0.75 * THOMSON * bracket * medium.electrons_per_cm3


def conversion_per_cm(energy: np.ndarray, medium: Medium = LIQUID_ARGON) -> np.ndarray:
    """Electron-positron pairs per cm of a photon (MeV); 7/(9 X0) at high energy.

    >>> float(conversion_per_cm(np.array([1.0]))[0])
    0.0
    """
    k = np.maximum(energy / c.ELECTRON_MASS, 2.0001)
    log = np.log(2.0 * k)
    zeta3 = 1.2020569
    born = (
        28.0 / 9.0 * log - 218.0 / 27.0
        + (2.0 / k) ** 2 * (
            6.0 * log - 3.5 + 2.0 / 3.0 * log**3 - log**2 - np.pi**2 / 3.0 * log
            + 2.0 * zeta3 + np.pi**2 / 6.0
        )
    )  # fmt: skip
    near = 2.0 * np.pi / 3.0 * ((k - 2.0) / k) ** 3  # the first term of Hough's threshold series
    unscreened = np.where(k < 4.0, near, np.maximum(born, near))
    unscreened = unscreened * medium.pair_cross_section * medium.atoms_per_cm3
    unscreened = np.maximum(unscreened, 1e-12)
    screened = 7.0 / 9.0 / medium.radiation_length
    return np.where(
        energy > 2.0 * c.ELECTRON_MASS, (unscreened**-5.0 + screened**-5.0) ** -0.2, 0.0
    )


def photoelectric_per_cm(energy: np.ndarray, medium: Medium = LIQUID_ARGON) -> np.ndarray:
    """Photoelectric absorptions per cm of a photon (MeV)."""
    return medium.photoelectric * medium.density * (0.1 / energy) ** 3


@functools.cache
def _table(medium: Medium) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Log energy, interactions per cm and the shares of conversion and of Compton scattering."""
    pair = conversion_per_cm(FLOOR_TABLE, medium)
    compton = compton_per_cm(FLOOR_TABLE, medium)
    total = pair + compton + photoelectric_per_cm(FLOOR_TABLE, medium)
    return np.log(FLOOR_TABLE), total, pair / total, (pair + compton) / total


def interaction_rates(
    energy: np.ndarray, medium: Medium = LIQUID_ARGON
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Interactions per cm, the share of conversions, and the share of conversions and Comptons."""
    logs, total, pair, compton = _table(medium)
    position = (np.log(energy) - logs[0]) / (logs[1] - logs[0])
    low = np.clip(position.astype(np.int64), 0, len(logs) - 2)
    part = position - low
    values = [a[low] + part * (a[low + 1] - a[low]) for a in (total, pair, compton)]
    return values[0], values[1], values[2]


@functools.cache
def _compton_table() -> np.ndarray:
    """``[len(FLOOR_TABLE), 257]``: ln(E'/E) over its least value, against cumulative chance.

    In w = ln e / ln e_min with e = E'/E the Klein-Nishina density is 1 + e^2 - e sin^2(theta).
    """
    k = FLOOR_TABLE[:, None] / c.ELECTRON_MASS
    w = np.linspace(0.0, 1.0, 2001)
    e = (1.0 + 2.0 * k) ** -w
    t = (1.0 - e) / (k * e)  # 1 - cos(theta)
    density = 1.0 + e**2 - e * t * (2.0 - t)
    middle = 0.5 * (density[:, 1:] + density[:, :-1])
    cumulative = np.concatenate([np.zeros((len(k), 1)), np.cumsum(middle, axis=1)], axis=1)
    cumulative /= cumulative[:, -1:]
    chance = np.linspace(0.0, 1.0, 257)
    return np.stack([np.interp(chance, row, w) for row in cumulative])


def compton_scatter(energy: np.ndarray, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Draws Klein-Nishina scatterings: the photon's energy (MeV) and cosine afterwards."""
    table = _compton_table()
    k = energy / c.ELECTRON_MASS
    row = np.log(energy / FLOOR_TABLE[0]) / np.log(FLOOR_TABLE[1] / FLOOR_TABLE[0])
    row = np.clip((row + 0.5).astype(np.int64), 0, len(FLOOR_TABLE) - 1)  # the nearest energy
    chance = 256.0 * rng.random(len(energy))
    column = chance.astype(np.int64)
    low, high = table[row, column], table[row, column + 1]
    w = low + (chance - column) * (high - low)
    fraction = (1.0 + 2.0 * k) ** -w
    return fraction * energy, 1.0 - (1.0 - fraction) / (k * fraction)
