"""Electromagnetic showers: a vectorised Monte Carlo of electrons, positrons and photons.

Every electron and photon of an event, whether from a vertex, a muon's delta ray or a decay, is in
one pool, and each round of the loop carries all of them to their next discrete event: electrons to
the next bremsstrahlung photon or knock-on electron (or a bit of range or scattering), photons to
their next interaction. Conversion gap, longitudinal profile, Moliere radius and the separate blobs
of Compton electrons are not put in: they come out.
"""

from __future__ import annotations

import numpy as np

from jaxsparse.data.simulate import constants as c
from jaxsparse.data.simulate.bank import ParticleBank
from jaxsparse.data.simulate.directions import isotropic, scatter, scattering_angle, turn
from jaxsparse.data.simulate.electrons import (
    BREMSSTRAHLUNG_CUT,
    accept_photon,
    electron_range_table,
    rate_table,
)
from jaxsparse.data.simulate.energy_loss import GRID, kinematics, straggle
from jaxsparse.data.simulate.photons import PHOTON_FLOOR, compton_scatter, interaction_rates

LAST_FLIGHT = 0.25  # MeV: below it an electron goes straight to rest
STEP = 0.3  # cm, longest deposit
ELECTRON_MARGIN, PHOTON_MARGIN = 10.0, 40.0  # cm around the active volume that is followed
LARGEST_ANGLE = 0.7  # rad, plane scattering angle of one flight

State = tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]  # row, energy, position, direction


def shower(bank: ParticleBank, rows: np.ndarray, rng: np.random.Generator) -> None:
    """Carries electrons, positrons and photons ``rows``, and all that comes of them, to rest.

    Steps of at most 0.3 cm and the secondaries go to ``bank``.
    """
    particles = bank.particles[rows]
    state: State = (
        rows,
        particles["kinetic_energy"].astype(np.float64),
        particles["start"].astype(np.float64),
        particles["direction"].astype(np.float64),
    )
    state[3][:] /= np.linalg.norm(state[3], axis=1, keepdims=True)
    photon = particles["pdg"] == 22
    electrons, photons = _pick(state, ~photon), _pick(state, photon)
    flights: list[tuple[np.ndarray, ...]] = []
    while len(electrons[0]) or len(photons[0]):
        next_electrons, next_photons = [], []
        if len(electrons[0]):
            kept, emitted, knocked = _fly_electrons(bank, electrons, flights, rng)
            next_electrons += [kept, knocked]
            next_photons.append(emitted)
        if len(photons[0]):
            kept, freed = _fly_photons(bank, photons, flights, rng)
            next_photons.append(kept)
            next_electrons.append(freed)
        electrons, photons = _join(next_electrons), _join(next_photons)
    _deposit(bank, flights, rng)


def _fly_electrons(bank, state, flights, rng) -> tuple[State, State, State]:
    """One flight of all electrons: those that go on, the photons and electrons they make."""
    row, energy, start, direction = state
    table = electron_range_table()
    total, photon_share = rate_table()
    logs = (np.log(energy) - np.log(GRID[0])) / (np.log(GRID[1]) - np.log(GRID[0]))
    cell = np.clip(logs.astype(np.int64), 0, len(GRID) - 2)
    beta2, _, momentum = kinematics(energy, c.ELECTRON_MASS)
    left = table.range_of(energy)
    rate = total[cell]
    discrete = rng.standard_exponential(len(row)) / np.maximum(rate, 1e-9)
    bent = c.RADIATION_LENGTH * beta2 * (momentum * (LARGEST_ANGLE / 13.6)) ** 2
    last = energy < LAST_FLIGHT
    limit = np.where(last, left, np.minimum(bent, 0.3 * left + 0.05))
    length = np.minimum(np.minimum(discrete, limit), left)
    happens = (discrete <= length) & ~last
    after = np.where(last, 0.0, table.energy_of(left - length))
    end = start + direction * length[:, None]
    flights.append((row, start, end, energy - after, length, beta2))
    # Scatter with the mean energy of the flight.
    middle = np.maximum(0.5 * (energy + after), 0.02)
    turned = scatter(direction, scattering_angle(middle, c.ELECTRON_MASS, length), rng)

    radiates = happens & (rng.random(len(row)) < photon_share[cell])
    u = rng.random(len(row))
    photon = BREMSSTRAHLUNG_CUT * (np.maximum(after, 1e-3) / BREMSSTRAHLUNG_CUT) ** u
    radiates_now = radiates & (after > BREMSSTRAHLUNG_CUT)
    radiates_now &= rng.random(len(row)) < accept_photon(photon, after)
    knocks = happens & ~radiates & (after > 2.0 * c.DELTA_CUT)
    transfer = 1.0 / (1.0 / c.DELTA_CUT - u * (1.0 / c.DELTA_CUT - 2.0 / np.maximum(after, 0.7)))

    emitted = _radiate(bank, row, photon, after, end, turned, radiates_now, rng)
    knocked = _knock(bank, row, transfer, after, end, turned, knocks, rng)
    after = after - np.where(radiates_now, photon, 0.0) - np.where(knocks, transfer, 0.0)
    bank.particles["end"][row] = end
    rests = after < 1e-3
    here = c.inside(end, ELECTRON_MARGIN)
    annihilated = _annihilate(bank, row[rests & here], end[rests & here], rng)
    onward = here & ~rests
    kept = _pick((row, after, end, turned), onward)
    return kept, _join([emitted, annihilated]), knocked


def _radiate(bank, row, photon, energy, position, direction, chosen, rng) -> State:
    """Bremsstrahlung photons, at angles of about m_e/E to the electron."""
    row, photon, energy = row[chosen], photon[chosen], energy[chosen]
    u = rng.random(len(row))
    angle = c.ELECTRON_MASS / (energy + c.ELECTRON_MASS) * np.sqrt(u / (1.0 - u))
    turned = turn(
        direction[chosen], np.cos(np.minimum(angle, np.pi)), rng.uniform(0.0, 2.0 * np.pi, len(row))
    )
    return _add(bank, 22, row, c.BREMSSTRAHLUNG, photon, position[chosen], turned)


def _knock(bank, row, transfer, energy, position, direction, chosen, rng) -> State:
    """Knock-on electrons at the kinematic angle."""
    row, transfer, energy = row[chosen], transfer[chosen], energy[chosen]
    cosine = np.sqrt(
        transfer * (energy + 2.0 * c.ELECTRON_MASS)
        / (np.maximum(energy, 1e-3) * (transfer + 2.0 * c.ELECTRON_MASS))
    )  # fmt: skip
    turned = turn(direction[chosen], cosine, rng.uniform(0.0, 2.0 * np.pi, len(row)))
    return _add(bank, 11, row, c.IONISATION, transfer, position[chosen], turned)


def _annihilate(bank, row, position, rng) -> State:
    """Two photons of 0.511 MeV, back to back, from each positron at rest."""
    positron = bank.particles["pdg"][row] == -11
    row, position = row[positron], position[positron]
    direction = isotropic(len(row), rng)
    energy = np.full(2 * len(row), c.ELECTRON_MASS)
    return _add(
        bank, 22, np.concatenate([row, row]), c.ANNIHILATION, energy,
        np.concatenate([position, position]), np.concatenate([direction, -direction]),
    )  # fmt: skip


def _fly_photons(bank, state, flights, rng) -> tuple[State, State]:
    """One flight of all photons: those that scattered on, and the electrons they set free."""
    row, energy, start, direction = state
    rate, pair_share, compton_share = interaction_rates(energy)
    flight = rng.standard_exponential(len(row)) / rate
    end = start + direction * flight[:, None]
    bank.particles["end"][row] = end
    here = c.inside(end, PHOTON_MARGIN)
    row, energy, end, direction = row[here], energy[here], end[here], direction[here]
    draw = rng.random(len(row))
    converts = draw < pair_share[here]
    scatters = ~converts & (draw < compton_share[here])
    absorbed = ~converts & ~scatters

    position, azimuth = end[scatters], rng.uniform(0.0, 2.0 * np.pi, int(scatters.sum()))
    photon, cosine = compton_scatter(energy[scatters], rng)
    given = energy[scatters] - photon
    # The electron's angle: cot(angle) = (1 + k) tan(theta / 2).
    half_tan = np.sqrt((1.0 - cosine) / np.maximum(1.0 + cosine, 1e-9))
    cotangent = (1.0 + energy[scatters] / c.ELECTRON_MASS) * half_tan
    electron_cosine = cotangent / np.sqrt(1.0 + cotangent**2)
    recoil = turn(direction[scatters], electron_cosine, azimuth + np.pi)
    compton = _add(bank, 11, row[scatters], c.COMPTON, given, position, recoil, flights)
    kept = (row[scatters], photon, position, turn(direction[scatters], cosine, azimuth))

    photo = _add(
        bank, 11, row[absorbed], c.PHOTOELECTRIC, energy[absorbed], end[absorbed],
        isotropic(int(absorbed.sum()), rng), flights,
    )  # fmt: skip
    low = kept[1] < PHOTON_FLOOR
    faint = _pick(kept, low)
    number = len(faint[0])
    flights.append((faint[0], faint[2], faint[2], faint[1], np.zeros(number), np.ones(number)))

    # Conversion: the energy split between the two is taken flat, the angles are about m_e/E.
    available = energy[converts] - 2.0 * c.ELECTRON_MASS
    share = rng.random(len(available))
    energies = np.concatenate([share * available, (1.0 - share) * available])
    twice = np.concatenate([direction[converts]] * 2)
    u = rng.random(len(twice))
    angle = c.ELECTRON_MASS / (energies + c.ELECTRON_MASS) * np.sqrt(u / (1.0 - u)) * 0.5
    turned = turn(twice, np.cos(np.minimum(angle, np.pi)), rng.uniform(0.0, 2.0 * np.pi, len(u)))
    sign = np.repeat([11, -11], len(available))
    mothers, places = np.concatenate([row[converts]] * 2), np.concatenate([end[converts]] * 2)
    pair = _add(bank, sign, mothers, c.CONVERSION, np.maximum(energies, 1e-3), places, turned)
    return _pick(kept, ~low), _join([compton, photo, pair])


def _add(bank, pdg, mother, process, energy, position, direction, flights=None) -> State:
    """Makes particles of secondaries; with ``flights``, those of no range are a point of their
    mother's instead."""
    if flights is not None:
        point = energy < PHOTON_FLOOR
        number = int(point.sum())
        place = position[point]
        flights.append(
            (mother[point], place, place, energy[point], np.zeros(number), np.ones(number))
        )
        mother, energy, position, direction = _pick((mother, energy, position, direction), ~point)
    row = bank.add(
        pdg=pdg,
        parent=mother,
        process=process,
        kinetic_energy=energy,
        time=bank.particles["time"][mother],
        start=position,
        direction=direction,
    )
    return row, energy, position, direction


def _deposit(bank: ParticleBank, flights, rng: np.random.Generator) -> None:
    """Cuts the flights into steps, lets their losses fluctuate and records them."""
    row, start, end, energy, length, beta2 = (np.concatenate(x) for x in zip(*flights, strict=True))
    seen = (c.inside(start, 1.0) | c.inside(end, 1.0)) & (energy > 0.0)
    row, energy, length, beta2 = row[seen], energy[seen], length[seen], beta2[seen]
    start, end = start[seen], end[seen]
    number = np.maximum(np.ceil(length / STEP).astype(np.int64), 1)
    flight = np.repeat(np.arange(len(row)), number)
    index = np.arange(len(flight)) - np.repeat(np.cumsum(number) - number, number)
    vector = ((end - start) / number[:, None])[flight]
    begin = start[flight] + vector * index[:, None]
    mean = (energy / number)[flight]
    step = (length / number)[flight]
    loss = straggle(mean, step, beta2[flight], c.DELTA_CUT, rng)
    # A step that takes all of a slow electron's energy has none left to fluctuate.
    loss = np.where((step > 0.0) & (mean < 1.0) & (energy[flight] > c.DELTA_CUT), loss, mean)
    bank.deposit(row[flight], begin, begin + vector, loss, step)


def _pick(state: State, chosen: np.ndarray) -> State:
    return state[0][chosen], state[1][chosen], state[2][chosen], state[3][chosen]


def _join(states: list[State]) -> State:
    row, energy, position, direction = (np.concatenate(x) for x in zip(*states, strict=True))
    return row, energy, position, direction
