"""Cosmic muons at the surface, through the whole readout window.

Intensity by Reyna (hep-ph/0604145): I(p, theta) = cos^3(theta) I_v(p cos(theta)), which fixes both
the spectrum and the rate. Muons start where they enter the argon that is simulated, at any time
from one full drift before the readout window to its end: their tracks are cut at the window's edges
when they are drifted.
"""

from __future__ import annotations

import functools

import numpy as np

from jaxsparse.data.simulate import constants as c
from jaxsparse.data.simulate.bank import ParticleBank
from jaxsparse.data.simulate.tracks import MARGIN

CHARGE_RATIO = 1.28  # positive over negative
LARGEST_ENERGY = 20.0e3  # MeV
SPAN = (
    c.WINDOW[0] - c.FULL_DRIFT,
    c.WINDOW[1],
)  # us in which a muon can leave charge in the window


def vertical_intensity(momentum: np.ndarray) -> np.ndarray:
    """Reyna's vertical muon intensity, 1/(cm^2 s sr GeV), of a momentum in GeV."""
    x = np.log10(momentum)
    return 0.00253 * momentum ** -(0.2455 + 1.288 * x - 0.2555 * x**2 + 0.0209 * x**3)


@functools.cache
def _table() -> tuple[np.ndarray, np.ndarray, np.ndarray, float]:
    """Momenta (GeV), cosines, cumulative share of their cells, and intensity (1/(cm^2 s))."""
    momentum = np.geomspace(0.05, 20.0, 161)
    cosine = np.linspace(0.02, 1.0, 99)
    p = np.sqrt(momentum[1:] * momentum[:-1])
    x = 0.5 * (cosine[1:] + cosine[:-1])
    intensity = x[:, None] ** 3 * vertical_intensity(p[None, :] * x[:, None])
    cell = intensity * np.diff(momentum)[None, :] * (2.0 * np.pi * np.diff(cosine))[:, None]
    total = float(cell.sum())
    return momentum, cosine, np.cumsum(cell.ravel()) / total, total


def add_cosmics(bank: ParticleBank, rng: np.random.Generator, rate: float = 1.0) -> np.ndarray:
    """Adds the cosmic muons of one readout to ``bank`` and returns their rows.

    Args:
      bank: the event so far.
      rng: random numbers.
      rate: their number as a multiple of the measured intensity.
    """
    momenta, cosines, cumulative, intensity = _table()
    low, high = c.ACTIVE_LOW - MARGIN, c.ACTIVE_HIGH + MARGIN
    centre, radius = 0.5 * (low + high), 0.5 * float(np.linalg.norm(high - low))
    expected = rate * intensity * np.pi * radius**2 * (SPAN[1] - SPAN[0]) * 1e-6
    number = rng.poisson(expected)
    cell = np.searchsorted(cumulative, rng.random(number))
    row, column = np.divmod(np.minimum(cell, len(cumulative) - 1), len(momenta) - 1)
    momentum = momenta[column] * (momenta[1] / momenta[0]) ** rng.random(number) * 1e3
    cosine = cosines[row] + (cosines[1] - cosines[0]) * rng.random(number)
    azimuth = rng.uniform(0.0, 2.0 * np.pi, number)
    sine = np.sqrt(np.maximum(1.0 - cosine**2, 0.0))
    direction = np.stack([sine * np.cos(azimuth), -cosine, sine * np.sin(azimuth)], axis=1)

    # Through a disc across the direction as large as the volume; most miss it.
    across = np.stack([cosine * np.cos(azimuth), sine, cosine * np.sin(azimuth)], axis=1)
    aside = np.cross(direction, across)
    distance = radius * np.sqrt(rng.random(number))
    angle = rng.uniform(0.0, 2.0 * np.pi, number)
    point = centre + (
        across * (distance * np.cos(angle))[:, None] + aside * (distance * np.sin(angle))[:, None]
    )
    with np.errstate(divide="ignore"):
        first, second = (low - point) / direction, (high - point) / direction
    enter = np.max(np.minimum(first, second), axis=1)
    leave = np.min(np.maximum(first, second), axis=1)
    energy = np.sqrt(momentum**2 + c.MASSES[13] ** 2) - c.MASSES[13]
    time = rng.uniform(*SPAN, number)
    positive = rng.random(number) < CHARGE_RATIO / (1.0 + CHARGE_RATIO)
    start = point + direction * enter[:, None]
    # A muon whose whole path drifts in before or after the window is not worth following.
    drift = np.stack([start[:, 0], start[:, 0] + direction[:, 0] * (leave - enter)]) / c.DRIFT_SPEED
    slack = MARGIN / c.DRIFT_SPEED
    in_time = (time + drift.max(axis=0) > c.WINDOW[0] - slack) & (
        time + drift.min(axis=0) < c.WINDOW[1] + slack
    )
    hits = (enter < leave) & (energy < LARGEST_ENERGY) & in_time
    return bank.add(
        pdg=np.where(positive, -13, 13)[hits],
        parent=-1,
        process=c.PRIMARY,
        kinetic_energy=energy[hits],
        time=time[hits],
        start=start[hits],
        direction=direction[hits],
        interaction=False,
    )
