"""Cosmic muons at the surface: all of a drift chamber's readout window, or a single one.

Intensity by Reyna (hep-ph/0604145): I(p, theta) = cos^3(theta) I_v(p cos(theta)), which fixes both
the spectrum and the rate. Muons start where they enter the medium that is simulated.
"""

from __future__ import annotations

import dataclasses
import functools

import numpy as np

from jaxsparse import particle_data as c
from jaxsparse.simulate.transport.bank import ParticleBank
from jaxsparse.simulate.transport.delta_rays import HARD_CUT
from jaxsparse.simulate.transport.energy_loss import range_table
from jaxsparse.simulate.transport.tracks import MARGIN
from jaxsparse.simulate.transport.world import DriftVolume, Volume

CHARGE_RATIO = 1.28  # positive over negative; CMS, arXiv 1005.5332: 1.2766 +- 0.0045
LARGEST_ENERGY = 20.0e3  # MeV
THROWS = 64  # at once, until one muon reaches the volume


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


@dataclasses.dataclass(frozen=True)
class _Muons:
    """Muons thrown at a box, one row each: MeV, cm; those with ``enter >= leave`` miss it."""

    energy: np.ndarray
    direction: np.ndarray
    point: np.ndarray
    enter: np.ndarray
    leave: np.ndarray

    @property
    def start(self) -> np.ndarray:
        """Where they enter the box."""
        return self.point + self.direction * self.enter[:, None]

    @property
    def hits(self) -> np.ndarray:
        """Those that reach the box and are not too fast for the range tables."""
        return (self.enter < self.leave) & (self.energy < LARGEST_ENERGY)


def _radius(volume: Volume) -> float:
    """cm: half the diagonal of the volume with its margin."""
    low, high = volume.corners
    return 0.5 * float(np.linalg.norm((high + MARGIN) - (low - MARGIN)))


def _throw(number: int, volume: Volume, rng: np.random.Generator) -> _Muons:
    """Muons through discs across their directions, as large as the volume; most miss it."""
    momenta, cosines, cumulative, _ = _table()
    low, high = volume.corners[0] - MARGIN, volume.corners[1] + MARGIN
    centre, radius = 0.5 * (low + high), _radius(volume)
    cell = np.searchsorted(cumulative, rng.random(number))
    row, column = np.divmod(np.minimum(cell, len(cumulative) - 1), len(momenta) - 1)
    momentum = momenta[column] * (momenta[1] / momenta[0]) ** rng.random(number) * 1e3
    cosine = cosines[row] + (cosines[1] - cosines[0]) * rng.random(number)
    azimuth = rng.uniform(0.0, 2.0 * np.pi, number)
    sine = np.sqrt(np.maximum(1.0 - cosine**2, 0.0))
    direction = np.stack([sine * np.cos(azimuth), -cosine, sine * np.sin(azimuth)], axis=1)

    across = np.stack([cosine * np.cos(azimuth), sine, cosine * np.sin(azimuth)], axis=1)
    aside = np.cross(direction, across)
    distance = radius * np.sqrt(rng.random(number))
    angle = rng.uniform(0.0, 2.0 * np.pi, number)
    point = centre + (
        across * (distance * np.cos(angle))[:, None] + aside * (distance * np.sin(angle))[:, None]
    )
    with np.errstate(divide="ignore"):
        first, second = (low - point) / direction, (high - point) / direction
    return _Muons(
        energy=np.sqrt(momentum**2 + c.MASSES[13] ** 2) - c.MASSES[13],
        direction=direction,
        point=point,
        enter=np.max(np.minimum(first, second), axis=1),
        leave=np.min(np.maximum(first, second), axis=1),
    )


def _add(bank, muons: _Muons, chosen, energy, time, rng: np.random.Generator) -> np.ndarray:
    """Adds chosen muons to the bank with their charges."""
    positive = rng.random(len(energy)) < CHARGE_RATIO / (1.0 + CHARGE_RATIO)
    return bank.add(
        pdg=np.where(positive, -13, 13)[chosen],
        parent=-1,
        process=c.PRIMARY,
        kinetic_energy=energy[chosen],
        time=time[chosen],
        start=muons.start[chosen],
        direction=muons.direction[chosen],
        interaction=False,
    )


def add_cosmics(bank: ParticleBank, rng: np.random.Generator, rate: float = 1.0) -> np.ndarray:
    """Adds the cosmic muons of one readout of a drift chamber to ``bank`` and returns their rows.

    They come at any time from one full drift before the readout window to its end: their tracks are
    cut at the window's edges when they are drifted.

    Args:
      bank: the event so far; its volume is a :class:`DriftVolume`.
      rng: random numbers.
      rate: their number as a multiple of the measured intensity.
    """
    volume = bank.world.volume
    assert isinstance(volume, DriftVolume), "other detectors have no drift window"
    span = (volume.window[0] - volume.full_drift, volume.window[1])
    expected = rate * _table()[3] * np.pi * _radius(volume) ** 2 * (span[1] - span[0]) * 1e-6
    number = rng.poisson(expected)
    muons = _throw(number, volume, rng)
    time = rng.uniform(*span, number)
    # A muon whose whole path drifts in before or after the window is not worth following.
    start, along = muons.start[:, 0], muons.direction[:, 0] * (muons.leave - muons.enter)
    drift = np.stack([start, start + along]) / volume.drift_speed
    slack = MARGIN / volume.drift_speed
    in_time = (time + drift.max(axis=0) > volume.window[0] - slack) & (
        time + drift.min(axis=0) < volume.window[1] + slack
    )
    return _add(bank, muons, muons.hits & in_time, muons.energy, time, rng)


def add_cosmic_muon(
    bank: ParticleBank, rng: np.random.Generator, *, overburden: float = 0.0
) -> np.ndarray:
    """Adds one cosmic muon that reaches the volume, at time 0, and returns its row.

    Args:
      bank: the event so far.
      rng: random numbers.
      overburden: g/cm^2 that vertical muons cross before, slant ones more; it takes its energy as
        the volume's own medium would.
    """
    world = bank.world
    table = range_table(c.MASSES[13], HARD_CUT, world.medium)
    while True:
        muons = _throw(THROWS, world.volume, rng)
        lost = overburden / world.medium.density / -muons.direction[:, 1]
        energy = table.energy_of(table.range_of(muons.energy) - lost)
        chosen = np.flatnonzero(muons.hits & (energy > 1.0))[:1]
        if len(chosen):
            return _add(bank, muons, chosen, energy, np.zeros(THROWS), rng)
