"""Delta rays: electrons knocked out with enough energy to be particles of their own.

dN/dx dT = k/(beta^2 T^2) (1 - beta^2 T/T_max + T^2/(2 E^2)), k = 9.66 /(m MeV) in
liquid argon, the last term for spin one half only; the angle to the projectile is the kinematic one
of a collision with an electron at rest. The few above ``HARD_CUT`` slow the projectile down one by
one; the many below enter its mean loss and are drawn afterwards, step by step.
"""

from __future__ import annotations

import numpy as np

from jaxsparse import particle_data as c
from jaxsparse.simulate.transport.energy_loss import RangeTable, kinematics, largest_transfer
from jaxsparse.simulate.transport.medium import Medium
from jaxsparse.simulate.transport.world import World

HARD_CUT = 5.0  # MeV; at most 1.5 of them a metre


def acceptance(
    transfer: np.ndarray, kinetic_energy: np.ndarray, mass: float, spin_half: bool
) -> np.ndarray:
    """The bracket of the spectrum, at most 1; 0 beyond the largest transfer."""
    beta2, gamma, _ = kinematics(kinetic_energy, mass)
    largest = largest_transfer(kinetic_energy, mass)
    bracket = 1.0 - beta2 * transfer / largest
    if spin_half:
        bracket = bracket + 0.5 * (transfer / (gamma * mass)) ** 2
    return np.where(transfer < largest, bracket, 0.0)


def emission_cosine(transfer: np.ndarray, kinetic_energy: np.ndarray, mass: float) -> np.ndarray:
    """Cosine between projectile and knock-on: T (E + m_e) / (p p_e)."""
    _, gamma, momentum = kinematics(kinetic_energy, mass)
    electron_momentum = np.sqrt(transfer * (transfer + 2.0 * c.ELECTRON_MASS))
    cosine = transfer * (gamma * mass + c.ELECTRON_MASS) / (momentum * electron_momentum)
    return np.minimum(cosine, 1.0)


def soft_deltas(
    kinetic_energy: np.ndarray,
    length: np.ndarray,
    mass: float,
    spin_half: bool,
    world: World,
    rng: np.random.Generator,
) -> tuple[np.ndarray, np.ndarray]:
    """Draws the delta rays between the world's cut and ``HARD_CUT`` of steps.

    Args:
      kinetic_energy: MeV of the projectile in each step.
      length: cm of each step.

    Returns:
      The step each delta ray comes from, and its kinetic energy (MeV).
    """
    beta2 = kinematics(kinetic_energy, mass)[0]
    limit = np.minimum(largest_transfer(kinetic_energy, mass), HARD_CUT)
    inverse_span = np.maximum(1.0 / world.delta_cut - 1.0 / limit, 0.0)
    number = rng.poisson(world.medium.knock_on / beta2 * length * inverse_span)
    step = np.repeat(np.arange(len(length)), number)
    transfer = 1.0 / (1.0 / world.delta_cut - rng.random(len(step)) * inverse_span[step])
    keep = rng.random(len(step)) < acceptance(transfer, kinetic_energy[step], mass, spin_half)
    return step[keep], transfer[keep]


def hard_losses(
    residual: np.ndarray,
    path: np.ndarray,
    table: RangeTable,
    mass: float,
    spin_half: bool,
    medium: Medium,
    rng: np.random.Generator,
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Draws the collisions above ``HARD_CUT`` along tracks, each shortening the range left.

    Candidates come at the highest rate that any energy has and are thinned to the rate at the
    projectile's own energy there, all tracks at once, candidate by candidate.

    Args:
      residual: ``[tracks]`` range (cm) at the start, in ``table`` (losses below ``HARD_CUT``).
      path: ``[tracks]`` longest path to follow (cm).

    Returns:
      ``(track, at, reach, transfer)``, sorted by track and path: the collision's path from the
      start (cm), the total path at which the track would stop after it, and its energy (MeV). Each
      track has a first row at path 0 with transfer 0.
    """
    highest = medium.knock_on / HARD_CUT / 0.8  # beta^2 > 0.8 wherever T_max > HARD_CUT
    reach = residual.copy()
    track = np.arange(len(residual))
    rows = [(track, np.zeros(len(track)), reach.copy(), np.zeros(len(track)))]
    at = np.zeros(len(residual))
    live = track[largest_transfer(table.energy_of(residual), mass) > HARD_CUT]
    while len(live):
        at[live] += rng.standard_exponential(len(live)) / highest
        live = live[at[live] < np.minimum(reach[live], path[live])]
        energy = table.energy_of(reach[live] - at[live])
        transfer = HARD_CUT / (1.0 - rng.random(len(live)))
        beta2 = kinematics(energy, mass)[0]
        chance = 0.8 / beta2 * acceptance(transfer, energy, mass, spin_half)
        hit = rng.random(len(live)) < chance
        struck = live[hit]
        reach[struck] = at[struck] + table.range_of(energy[hit] - transfer[hit])
        rows.append((struck, at[struck], reach[struck], transfer[hit]))
    columns = [np.concatenate(column) for column in zip(*rows, strict=True)]
    order = np.lexsort((columns[1], columns[0]))
    return columns[0][order], columns[1][order], columns[2][order], columns[3][order]
