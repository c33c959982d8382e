"""Muons and pions at rest, and pions in flight.

Positive muons decay; of the negative ones a share does (in argon a quarter), the rest are captured.
Positive pions decay to a muon of 4.12 MeV, negative ones are captured at once. Neutral pions give
two photons where they are made.
"""

from __future__ import annotations

import numpy as np

from jaxsparse import particle_data as c
from jaxsparse.simulate.transport.bank import ParticleBank
from jaxsparse.simulate.transport.directions import isotropic, turn
from jaxsparse.simulate.transport.hadrons import boil_off

MUON_LIFE, PION_LIFE = 2.197, 0.026  # us
MICHEL_END_POINT = 52.83  # MeV, total energy of the electron
MUON_MOMENTUM, PION_MASS, MUON_MASS = 29.79, c.MASSES[211], c.MASSES[13]


def michel_energies(number: int, rng: np.random.Generator) -> np.ndarray:
    """Kinetic energies (MeV) from x^2 (3 - 2x), x the share of the 52.8 MeV end point.

    >>> float(michel_energies(1000, np.random.default_rng(0)).max()) < 52.83
    True
    """
    # The density 2 x^2 (3 - 2x) is the mixture of Beta(3, 1) and Beta(3, 2) with weights 2/3, 1/3:
    # 2 x^2 = 2/3 * 3 x^2 and 4 x^2 (1 - x) = 1/3 * 12 x^2 (1 - x).
    second = np.where(rng.random(number) < 2.0 / 3.0, 1.0, 2.0)
    energy = MICHEL_END_POINT * rng.beta(3.0, second)
    return np.maximum(energy - c.ELECTRON_MASS, 0.01)


def rest(bank: ParticleBank, rows: np.ndarray, rng: np.random.Generator) -> None:
    """Adds what muons and pions at rest (at their end points) turn into."""
    pdg = bank.particles["pdg"][rows]
    time = bank.particles["time"][rows].astype(np.float64)
    wait = rng.standard_exponential(len(rows))
    medium = bank.world.medium
    decays = rng.random(len(rows)) < medium.muon_decay_fraction

    for chosen, electron, life, process in (
        (pdg == -13, -11, MUON_LIFE, c.DECAY),
        ((pdg == 13) & decays, 11, medium.muon_life, c.CAPTURE_AT_REST),
    ):
        number = int(chosen.sum())
        energy, direction = michel_energies(number, rng), isotropic(number, rng)
        when = (time + life * wait)[chosen]
        bank.add(
            pdg=electron, parent=rows[chosen], process=process, kinetic_energy=energy,
            direction=direction, time=when,
        )  # fmt: skip

    captured = (pdg == 13) & ~decays
    boil_off(
        bank, rows[captured], c.CAPTURE_AT_REST, rng, protons=0.15, neutrons=1.2, photons=2.0,
        time=(time + medium.muon_life * wait)[captured],
    )  # fmt: skip

    chosen = pdg == 211
    energy = np.sqrt(MUON_MOMENTUM**2 + MUON_MASS**2) - MUON_MASS
    number = int(chosen.sum())
    bank.add(
        pdg=-13, parent=rows[chosen], process=c.DECAY, kinetic_energy=energy,
        direction=isotropic(number, rng), time=(time + PION_LIFE * wait)[chosen],
    )  # fmt: skip
    _capture_pions(bank, rows[pdg == -211], rng)


def _capture_pions(bank: ParticleBank, rows: np.ndarray, rng: np.random.Generator) -> None:
    """A pion's mass goes to two to four nucleons, mostly neutrons, and an excited nucleus."""
    number = 2 + rng.binomial(2, 0.4, len(rows))
    source = np.repeat(np.arange(len(rows)), number)
    weight = rng.standard_gamma(1.5, len(source))
    share = weight / np.maximum(np.bincount(source, weight, minlength=len(rows))[source], 1e-9)
    energy = share * (0.85 * PION_MASS - 8.5 * number)[source]
    proton = rng.random(len(source)) < 0.25
    bank.add(
        pdg=np.where(proton, 2212, 2112), parent=rows[source], process=c.CAPTURE_AT_REST,
        kinetic_energy=energy, direction=isotropic(len(source), rng),
    )  # fmt: skip
    boil_off(bank, rows, c.CAPTURE_AT_REST, rng, protons=0.5, neutrons=0.8, photons=1.5)


def decay_in_flight(
    bank: ParticleBank,
    rows: np.ndarray,
    kinetic_energy: np.ndarray,
    direction: np.ndarray,
    rng: np.random.Generator,
) -> None:
    """Adds the muons of charged pions that decay on the way."""
    number = len(rows)
    energy, turned = _boost(
        np.full(number, np.sqrt(MUON_MOMENTUM**2 + MUON_MASS**2)),
        MUON_MOMENTUM, kinetic_energy / PION_MASS + 1.0, direction, rng.uniform(-1, 1, number), rng,
    )  # fmt: skip
    pdg = -13 * np.sign(bank.particles["pdg"][rows])
    bank.add(
        pdg=pdg, parent=rows, process=c.DECAY, kinetic_energy=energy - MUON_MASS, direction=turned
    )


def decay_neutral_pions(bank: ParticleBank, rows: np.ndarray, rng: np.random.Generator) -> None:
    """Adds the two photons of neutral pions, back to back in the pion's own frame."""
    particles = bank.particles[rows]
    gamma = particles["kinetic_energy"].astype(np.float64) / c.PION_ZERO_MASS + 1.0
    half = np.full(len(rows), 0.5 * c.PION_ZERO_MASS)
    cosine = rng.uniform(-1.0, 1.0, len(rows))
    azimuth = rng.uniform(0.0, 2.0 * np.pi, len(rows))
    axis = particles["direction"].astype(np.float64)
    for sign in (1.0, -1.0):
        turned = azimuth + (sign < 0) * np.pi
        energy, direction = _boost(half, half, gamma, axis, sign * cosine, rng, turned)
        bank.add(pdg=22, parent=rows, process=c.DECAY, kinetic_energy=energy, direction=direction)


def _boost(energy, momentum, gamma, axis, cosine, rng, azimuth=None):
    """Energy and direction, seen at rest, of a particle thrown out at ``cosine`` to the flight."""
    speed = np.sqrt(1.0 - 1.0 / gamma**2)
    along = gamma * (momentum * cosine + speed * energy)
    across = momentum * np.sqrt(1.0 - cosine**2)
    total = np.sqrt(along**2 + across**2)
    if azimuth is None:
        azimuth = rng.uniform(0.0, 2.0 * np.pi, len(axis))
    boosted = gamma * (energy + speed * momentum * cosine)
    return boosted, turn(axis, along / np.maximum(total, 1e-9), azimuth)
