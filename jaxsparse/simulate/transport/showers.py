"""Electromagnetic showers: a vectorised Monte Carlo of electrons, positrons and photons.

Every electron and photon of an event, whether from a vertex, a muon's delta ray or a decay, is in
one pool, and each round of the loop carries all of them to their next discrete event: electrons to
the next bremsstrahlung photon or knock-on electron (or a bit of range or scattering), photons to
their next interaction. Conversion gap, longitudinal profile, Moliere radius and the separate blobs
of Compton electrons are not put in: they come out.
"""

from __future__ import annotations

import numpy as np

from jaxsparse import particle_data as c
from jaxsparse.simulate.transport.bank import ParticleBank
from jaxsparse.simulate.transport.directions import isotropic, scattering_angle, turn
from jaxsparse.simulate.transport.electrons import (
    BREMSSTRAHLUNG_CUT,
    accept_photon,
    electron_range_table,
    rate_table,
)
from jaxsparse.simulate.transport.energy_loss import GRID, kinematics, straggle
from jaxsparse.simulate.transport.photons import PHOTON_FLOOR, compton_scatter, interaction_rates

LAST_FLIGHT = 0.25  # MeV: below it an electron goes straight to rest
ELECTRON_MARGIN, PHOTON_MARGIN = 10.0, 40.0  # cm around the active volume that is followed
LARGEST_ANGLE = 0.7  # rad, plane scattering angle of one flight, where that is
SHORTEST_FLIGHT = 0.08  # cm or more: less is not seen
FULL_TURN = 2.0 * np.pi

State = tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]  # row, energy, position, direction
# pdg, mother, process, energy, position, direction
Secondaries = tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray, np.ndarray, np.ndarray]


def shower(bank: ParticleBank, rows: np.ndarray, rng: np.random.Generator) -> None:
    """Carries electrons, positrons and photons ``rows``, and all that comes of them, to rest.

    Steps no longer than the world's and the secondaries go to ``bank``.
    """
    particles = bank.particles[rows]
    direction = particles["direction"].astype(np.float64)
    direction /= np.linalg.norm(direction, axis=1, keepdims=True)
    energy = particles["kinetic_energy"].astype(np.float64)
    state: State = (rows, energy, particles["start"].astype(np.float64), direction)
    photon = particles["pdg"] == 22
    electrons, photons = _pick(state, ~photon), _pick(state, photon)
    flights: list[tuple[np.ndarray, ...]] = []
    while len(electrons[0]) or len(photons[0]):
        made: list[Secondaries] = []
        if len(electrons[0]):
            electrons = _fly_electrons(bank, electrons, flights, made, rng)
        if len(photons[0]):
            photons = _fly_photons(bank, photons, flights, made, rng)
        new, photon = _create(bank, made)
        electrons = _join(electrons, _pick(new, ~photon))
        photons = _join(photons, _pick(new, photon))
    _deposit(bank, flights, rng)


def _fly_electrons(bank, state, flights, made, rng) -> State:
    """One flight of all electrons; returns those that go on."""
    row, energy, start, direction = state
    world = bank.world
    table = electron_range_table(world)
    total, photon_share = rate_table(world)
    cell = np.log(energy / GRID[0]) * (1.0 / np.log(GRID[1] / GRID[0]))
    cell = np.clip(cell.astype(np.int64), 0, len(GRID) - 2)
    beta2, _, momentum = kinematics(energy, c.ELECTRON_MASS)
    left = table.range_of(energy)
    draw = rng.random((6, len(row)))
    discrete = -np.log1p(-draw[0]) / np.maximum(total[cell], 1e-9)
    bent = world.medium.radiation_length * beta2 * (momentum * (LARGEST_ANGLE / 13.6)) ** 2
    last = energy < LAST_FLIGHT
    bent = np.minimum(np.maximum(bent, SHORTEST_FLIGHT), 0.3 * left + 0.05)
    limit = np.where(last, left, bent)
    length = np.minimum(np.minimum(discrete, limit), left)
    after = np.where(last, 0.0, table.energy_of(left - length))
    end = start + direction * length[:, None]
    flights.append((row, start, end, energy - after, length, beta2))
    # Scatter with the mean energy of the flight.
    middle = np.maximum(0.5 * (energy + after), 0.02)
    plane = scattering_angle(middle, c.ELECTRON_MASS, length, world.medium)
    polar = np.minimum(plane * np.sqrt(-2.0 * np.log1p(-draw[4])), np.pi)
    turned = turn(direction, np.cos(polar), FULL_TURN * draw[5])

    happens = (discrete <= length) & ~last
    shines = happens & (draw[1] < photon_share[cell]) & (after > BREMSSTRAHLUNG_CUT)
    photon = np.maximum(after / BREMSSTRAHLUNG_CUT, 1.0) ** draw[2] * BREMSSTRAHLUNG_CUT
    shines &= draw[3] < accept_photon(photon, after)
    knocks = happens & (draw[1] >= photon_share[cell]) & (after > 2.0 * world.delta_cut)
    least = 1.0 / world.delta_cut
    knock_on = 1.0 / (least - draw[2] * (least - 2.0 / (after + 1e-6)))
    given = np.where(shines, photon, np.where(knocks, knock_on, 0.0))

    emits = np.flatnonzero(shines | knocks)
    shines, share, before = shines[emits], given[emits], after[emits]
    u = rng.random((2, len(emits)))
    # Photons leave at angles of about m_e / E, knock-on electrons at the kinematic one.
    angle = c.ELECTRON_MASS / (before + c.ELECTRON_MASS) * np.sqrt(u[0] / (1.0 - u[0]))
    twice = 2.0 * c.ELECTRON_MASS
    kinematic = np.sqrt(np.minimum(share * (before + twice) / (before * (share + twice)), 1.0))
    cosine = np.where(shines, np.cos(np.minimum(angle, np.pi)), kinematic)
    outward = turn(turned[emits], cosine, FULL_TURN * u[1])
    process = np.where(shines, c.BREMSSTRAHLUNG, c.IONISATION)
    pdg = np.where(shines, 22, 11)
    made.append((pdg, row[emits], process, share, end[emits], outward))

    after = after - given
    bank.particles["end"][row] = end
    rests = after < 1e-3
    here = world.volume.inside(end, ELECTRON_MARGIN)
    _annihilate(bank, row[rests & here], end[rests & here], made, rng)
    return _pick((row, after, end, turned), here & ~rests)


def _annihilate(bank, row, position, made, rng) -> None:
    """Two photons of 0.511 MeV, back to back, from each positron at rest."""
    positron = bank.particles["pdg"][row] == -11
    if not positron.any():
        return
    row, position = row[positron], position[positron]
    direction = isotropic(len(row), rng)
    both = 2 * len(row)
    made.append(
        (
            np.full(both, 22), np.concatenate([row, row]), np.full(both, c.ANNIHILATION),
            np.full(both, c.ELECTRON_MASS), np.concatenate([position, position]),
            np.concatenate([direction, -direction]),
        )
    )  # fmt: skip


def _fly_photons(bank, state, flights, made, rng) -> State:
    """One flight of all photons; returns those that scattered on."""
    row, energy, start, direction = state
    rate, pair_share, compton_share = interaction_rates(energy, bank.world.medium)
    draw = rng.random((2, len(row)))
    end = start - direction * (np.log1p(-draw[0]) / rate)[:, None]
    bank.particles["end"][row] = end
    here = bank.world.volume.inside(end, PHOTON_MARGIN)
    converts = np.flatnonzero(here & (draw[1] < pair_share))
    scatters = np.flatnonzero(here & (draw[1] >= pair_share) & (draw[1] < compton_share))
    absorbed = np.flatnonzero(here & (draw[1] >= compton_share))

    # Compton: the electron's angle is cot(angle) = (1 + k) tan(theta / 2).
    struck = energy[scatters]
    scattered, cosine = compton_scatter(struck, rng)
    half_tangent = np.sqrt((1.0 - cosine) / np.maximum(1.0 + cosine, 1e-9))
    cotangent = (1.0 + struck / c.ELECTRON_MASS) * half_tangent
    recoil = cotangent / np.sqrt(1.0 + cotangent**2)
    # Conversion: the energy is split evenly between the two; the angles are about m_e / E.
    available = energy[converts] - 2.0 * c.ELECTRON_MASS
    share = rng.random(len(available))
    pair = np.concatenate([share * available, (1.0 - share) * available])
    pair = np.maximum(pair, 1e-3)
    u = rng.random(len(pair))
    angle = 0.5 * c.ELECTRON_MASS / (pair + c.ELECTRON_MASS) * np.sqrt(u / (1.0 - u))
    # The photoelectron's direction is as good as random.
    photo_cosine = rng.uniform(-1.0, 1.0, len(absorbed))

    source = np.concatenate([scatters, scatters, converts, converts, absorbed])
    azimuth = FULL_TURN * rng.random(len(source))
    number = len(scatters)
    azimuth[number : 2 * number] = azimuth[:number] + np.pi
    cosines = np.concatenate([cosine, recoil, np.cos(np.minimum(angle, np.pi)), photo_cosine])
    turned = turn(direction[source], cosines, azimuth)
    outgoing = np.concatenate([scattered, struck - scattered, pair, energy[absorbed]])
    place, mother = end[source], row[source]

    sizes = (number, 2 * len(converts), len(absorbed))
    pdg = np.full(len(source) - number, 11)
    pdg[number + len(converts) : number + 2 * len(converts)] = -11
    process = np.repeat([c.COMPTON, c.CONVERSION, c.PHOTOELECTRIC], sizes)
    # What has no range to speak of is a point of its mother's.
    point = outgoing < PHOTON_FLOOR
    point[2 * number : 2 * number + len(pair)] = False
    zeros = np.zeros(int(point.sum()))
    flights.append((mother[point], place[point], place[point], outgoing[point], zeros, zeros + 1.0))
    free = ~point[number:]
    columns = (pdg, mother[number:], process, outgoing[number:], place[number:], turned[number:])
    made.append(tuple(column[free] for column in columns))
    kept = (mother[:number], scattered, place[:number], turned[:number])
    return _pick(kept, ~point[:number])


def _create(bank: ParticleBank, made: list[Secondaries]) -> tuple[State, np.ndarray]:
    """Makes particles of all secondaries of a round; says which are photons."""
    columns = [np.concatenate(column) for column in zip(*made, strict=True)]
    pdg, mother, process, energy, position, direction = columns
    row = bank.add(
        pdg=pdg,
        parent=mother,
        process=process,
        kinetic_energy=energy,
        start=position,
        direction=direction,
    )
    return (row, energy, position, direction), pdg == 22


def _deposit(bank: ParticleBank, flights, rng: np.random.Generator) -> None:
    """Cuts the flights into steps, lets their losses fluctuate and records them."""
    world = bank.world
    row, start, end, energy, length, beta2 = (np.concatenate(x) for x in zip(*flights, strict=True))
    time = bank.particles["time"][row]
    seen = (energy > 0.0) & world.volume.visible(0.5 * (start + end), time, 1.0)
    row, energy, length, beta2 = row[seen], energy[seen], length[seen], beta2[seen]
    start, end = start[seen], end[seen]
    number = np.maximum(np.ceil(length / world.step).astype(np.int64), 1)
    flight = np.repeat(np.arange(len(row)), number)
    index = np.arange(len(flight)) - np.repeat(np.cumsum(number) - number, number)
    vector = ((end - start) / number[:, None])[flight]
    begin = start[flight] + vector * index[:, None]
    mean = (energy / number)[flight]
    step = (length / number)[flight]
    # A slow electron gives all it has: nothing is left to fluctuate.
    loose = (step > 0.0) & (energy[flight] > world.delta_cut)
    mean[loose] = straggle(
        mean[loose], step[loose], beta2[flight][loose], world.delta_cut, rng, world.medium
    )
    bank.deposit(row[flight], begin, begin + vector, mean, step)


def _pick(state: State, chosen: np.ndarray) -> State:
    return state[0][chosen], state[1][chosen], state[2][chosen], state[3][chosen]


def _join(first: State, second: State) -> State:
    row, energy, position, direction = (
        np.concatenate(pair) for pair in zip(first, second, strict=True)
    )
    return row, energy, position, direction
