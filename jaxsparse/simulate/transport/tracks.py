"""Muons, charged pions and protons: from creation to rest, interaction or exit.

All tracks of one species and generation go together. The energy at a path length follows from the
range left (:class:`~jaxsparse.simulate.transport.energy_loss.RangeTable`), which only the hard
delta rays change, so no step waits for the one before it.
"""

from __future__ import annotations

import dataclasses

import numpy as np

from jaxsparse import particle_data as c
from jaxsparse.simulate.transport.bank import ParticleBank
from jaxsparse.simulate.transport.delta_rays import (
    HARD_CUT,
    emission_cosine,
    hard_losses,
    soft_deltas,
)
from jaxsparse.simulate.transport.directions import scattered_path, scattering_angle, turn
from jaxsparse.simulate.transport.energy_loss import (
    GRID,
    kinematics,
    largest_transfer,
    range_table,
    straggle,
)
from jaxsparse.simulate.transport.hadron_rates import inverse_interaction_length
from jaxsparse.simulate.transport.world import Volume, World

MARGIN = 20.0  # cm of the medium around the active volume that is simulated
PION_LIFE_PATH = 780.5  # cm, c tau
STOPPED, INTERACTED, DECAYED, LEFT = range(4)


@dataclasses.dataclass(frozen=True)
class Ends:
    """How tracks ended, one row a track.

    Attributes:
      rows: rows in the particle table.
      fate: ``STOPPED``, ``INTERACTED`` (inelastic), ``DECAYED`` (in flight) or ``LEFT`` the medium.
      kinetic_energy: MeV at the end; 0 at rest.
      direction: unit vectors at the end. The end point is in the particle table.
    """

    rows: np.ndarray
    fate: np.ndarray
    kinetic_energy: np.ndarray
    direction: np.ndarray


def transport_tracks(bank: ParticleBank, rows: np.ndarray, rng: np.random.Generator) -> Ends:
    """Carries charged particles of one mass through the medium; deposits and delta rays go to
    ``bank``.

    Args:
      bank: the event so far; ``end`` of the rows is filled.
      rows: particles of one species (muons, charged pions or protons), at least one.
      rng: random numbers.

    Returns:
      How each ended.
    """
    particles = bank.particles[rows]
    species = int(abs(particles["pdg"][0]))
    world, volume = bank.world, bank.world.volume
    mass, spin_half = c.MASSES[species], species != 211
    table = range_table(mass, HARD_CUT, world.medium)
    energy0 = particles["kinetic_energy"].astype(np.float64)
    start = particles["start"].astype(np.float64)
    direction0 = particles["direction"].astype(np.float64)
    direction0 /= np.linalg.norm(direction0, axis=1, keepdims=True)

    mean_range = table.range_of(energy0)
    residual = mean_range + table.spread_of(energy0) * rng.standard_normal(len(rows))
    residual = np.maximum(residual, 0.5 * mean_range)
    longest = path_to_exit(start, direction0, volume) * 1.02 + 5.0
    knots = hard_losses(residual, longest, table, mass, spin_half, world.medium, rng)
    last_knot = np.searchsorted(knots[0], np.arange(len(rows)), side="right") - 1
    stops = knots[2][last_knot] < longest
    path = np.where(stops, knots[2][last_knot], longest)

    steps, length = _steps(path, stops, world)
    track = np.repeat(np.arange(len(rows)), steps)
    first = np.cumsum(steps) - steps
    after = _running(length, track, first)
    middle = after - 0.5 * length
    far = 1.0e6  # one key orders (track, path)
    knot = np.searchsorted(knots[0] * far + knots[1], track * far + middle, side="right") - 1
    before_energy = table.energy_of(knots[2][knot] - (after - length))
    after_energy = table.energy_of(knots[2][knot] - after)
    energy = np.maximum(0.5 * (before_energy + after_energy), 1e-3)

    fate = np.where(stops, STOPPED, LEFT)
    if species != 13:
        # The first step whose accumulated number of interaction lengths passes an exponential.
        rate = inverse_interaction_length(energy, particles["pdg"][track], world.medium)
        rate *= world.hadron_rate
        decay = np.zeros_like(rate)
        if species == 211:
            decay = mass / kinematics(energy, mass)[2] / PION_LIFE_PATH
        lengths = _running((rate + decay) * length, track, first)
        past = lengths > rng.standard_exponential(len(rows))[track]
        final = _first_true(past, track)
        decays = rng.random(len(past)) * (rate + decay) < decay
        fate[track[final]] = np.where(decays[final], DECAYED, INTERACTED)
        keep = ~past | final
        length, track, energy = length[keep], track[keep], energy[keep]
        before_energy, after_energy = before_energy[keep], after_energy[keep]
        after = after[keep]
        steps = np.bincount(track, minlength=len(rows))
        first = np.cumsum(steps) - steps
        path = after[first + steps - 1]

    directions = scattered_path(
        direction0, scattering_angle(energy, mass, length, world.medium), steps, rng
    )
    before = directions[np.arange(len(track)) + track]
    moved = np.cumsum(before * length[:, None], axis=0)
    moved -= (moved[first] - before[first] * length[first][:, None])[track]
    end = start[track] + moved
    begin = end - before * length[:, None]

    beta2 = kinematics(energy, mass)[0]
    restricted = range_table(mass, world.delta_cut, world.medium).loss / table.loss
    mean = (before_energy - after_energy) * np.interp(energy, GRID, restricted)
    cut = np.minimum(world.delta_cut, largest_transfer(energy, mass))
    loss = straggle(mean, length, beta2, cut, rng, world.medium)
    when = particles["time"].astype(np.float64)[track]
    seen = volume.visible(end, when, 3.0)
    bank.deposit(rows[track[seen]], begin[seen], end[seen], loss[seen], length[seen])

    last = first + steps - 1
    bank.particles["end"][rows] = end[last]
    at_end = np.where(fate == STOPPED, 0.0, after_energy[last])
    fate = np.where(volume.inside(end[last], MARGIN), fate, LEFT)
    ends = Ends(rows, fate, at_end, directions[last + np.arange(len(rows)) + 1])

    # Delta rays: those that slowed the track down, where they did, and the soft ones of each step.
    hard = (knots[3] > 0.0) & (knots[1] < path[knots[0]])
    hard_step = np.searchsorted(track * far + after, knots[0][hard] * far + knots[1][hard])
    soft_step, soft = soft_deltas(energy, length, mass, spin_half, world, rng)
    step = np.concatenate([np.minimum(hard_step, len(track) - 1), soft_step])
    transfer = np.concatenate([knots[3][hard], soft])
    origin = begin[step] + before[step] * (length[step] * rng.random(len(step)))[:, None]
    near = volume.visible(origin, when[step], MARGIN)
    step, transfer, origin = step[near], transfer[near], origin[near]
    cosine = emission_cosine(transfer, np.maximum(energy[step], transfer), mass)
    mother = rows[track[step]]
    bank.add(
        pdg=11,
        parent=mother,
        process=c.IONISATION,
        kinetic_energy=transfer,
        start=origin,
        direction=turn(before[step], cosine, rng.uniform(0.0, 2.0 * np.pi, len(step))),
    )
    return ends


def path_to_exit(
    start: np.ndarray, direction: np.ndarray, volume: Volume, margin: float = MARGIN
) -> np.ndarray:
    """Straight path (cm) from points to where they leave the volume for good; 0 if they miss it."""
    with np.errstate(divide="ignore", invalid="ignore"):
        low = (volume.corners[0] - margin - start) / direction
        high = (volume.corners[1] + margin - start) / direction
    return np.maximum(np.nanmin(np.maximum(low, high), axis=1), 0.0)


def _steps(path: np.ndarray, stops: np.ndarray, world: World) -> tuple[np.ndarray, np.ndarray]:
    """Number of steps of each track and all their lengths (cm), fine where a track stops."""
    fine = np.where(stops, np.minimum(path, world.fine_path), 0.0)
    coarse = path - fine
    number_fine = np.ceil(fine / world.fine_step).astype(np.int64)
    number_coarse = np.ceil(coarse / world.step).astype(np.int64)
    number_coarse += (number_fine + number_coarse) == 0
    number = np.stack([number_coarse, number_fine], axis=1).ravel()
    each = np.stack([coarse, fine], axis=1).ravel() / np.maximum(number, 1)
    return number_coarse + number_fine, np.repeat(each, number)


def _running(values: np.ndarray, track: np.ndarray, first: np.ndarray) -> np.ndarray:
    """Running sum along each track."""
    total = np.cumsum(values)
    return total - (total[first] - values[first])[track]


def _first_true(flags: np.ndarray, track: np.ndarray) -> np.ndarray:
    """Marks the first true flag of each track (flags stay true once set along a track)."""
    previous = np.concatenate([[False], flags[:-1]])
    same = np.concatenate([[False], track[1:] == track[:-1]])
    return flags & ~(previous & same)
