"""Four-vectors ``[..., 4]`` (energy, x, y, z; GeV): boosts, scattering and decays that conserve."""

from __future__ import annotations

import math

import numpy as np

from jaxsparse.simulate.draws import choose
from jaxsparse.simulate.transport.directions import isotropic, turn

CANDIDATES = 64  # phase-space points among which one is chosen by weight


def invariant(momentum: np.ndarray) -> np.ndarray:
    """Invariant mass squared (GeV^2), with the metric (+, -, -, -).

    >>> float(invariant(np.array([5.0, 0.0, 3.0, 0.0])))
    16.0
    """
    return momentum[..., 0] ** 2 - np.sum(momentum[..., 1:] ** 2, axis=-1)


def boost(momentum: np.ndarray, frame: np.ndarray) -> np.ndarray:
    """Four-vectors given in the rest frame of ``frame`` as seen where ``frame`` is given.

    Both ``[..., 4]``; they broadcast. The inverse is a boost by ``reflect(frame)``.
    """
    mass = np.sqrt(invariant(frame))[..., None]
    along = np.sum(momentum[..., 1:] * frame[..., 1:], axis=-1, keepdims=True)
    energy = (frame[..., :1] * momentum[..., :1] + along) / mass
    # p' = p + P (p.P / (E + M) + e) / M with (E, P) the frame of mass M.
    factor = (along / (frame[..., :1] + mass) + momentum[..., :1]) / mass
    return np.concatenate([energy, momentum[..., 1:] + factor * frame[..., 1:]], axis=-1)


def reflect(momentum: np.ndarray) -> np.ndarray:
    """The same energy with the opposite momentum."""
    return momentum * np.array([1.0, -1.0, -1.0, -1.0])


def two_body_momentum(
    mass: np.ndarray, first: np.ndarray | float, second: np.ndarray | float
) -> np.ndarray:
    """Momentum (GeV) of two products in the rest frame of ``mass``; 0 below threshold."""
    square = (mass**2 - (first + second) ** 2) * (mass**2 - (first - second) ** 2)
    return np.sqrt(np.maximum(square, 0.0)) / (2.0 * mass)


def scatter(
    neutrino: np.ndarray,
    struck: np.ndarray,
    lepton_mass: float,
    hadron_mass: float,
    q2: float,
    rng: np.random.Generator,
) -> tuple[np.ndarray, np.ndarray] | None:
    """Lepton and hadron system of ``neutrino + struck``, both four-vectors ``[4]``.

    Args:
      lepton_mass, hadron_mass: of what comes out, GeV.
      q2: momentum transfer squared, GeV^2; with the masses it fixes the angle between neutrino
        and lepton in the rest frame of the collision, the azimuth is random.

    Returns:
      None where no angle gives this momentum transfer.
    """
    total = neutrino + struck
    energy = math.sqrt(max(float(invariant(total)), 0.0))
    if energy <= lepton_mass + hadron_mass:
        return None
    incoming = boost(neutrino, reflect(total))
    momentum = float(two_body_momentum(np.array(energy), lepton_mass, hadron_mass))
    lepton_energy = math.sqrt(momentum**2 + lepton_mass**2)
    cosine = (lepton_energy - (q2 + lepton_mass**2) / (2.0 * incoming[0])) / momentum
    if not -1.0 <= cosine <= 1.0:
        return None
    axis = incoming[None, 1:] / incoming[0]
    azimuth = rng.uniform(0.0, 2.0 * np.pi)
    direction = turn(axis, np.array([cosine]), np.array([azimuth]))[0]
    lepton = boost(np.concatenate([[lepton_energy], momentum * direction]), total)
    return lepton, total - lepton


def decay(
    parent: np.ndarray,
    masses: np.ndarray,
    rng: np.random.Generator,
    axis: np.ndarray | None = None,
    slope: float = 0.0,
) -> np.ndarray:
    """Products ``[n, 4]`` of ``parent`` (``[4]``), by phase space; n is at least 2.

    Points of phase space come from a chain of two-body decays (Raubold and Lynch; F. James, CERN
    68-15); one of ``CANDIDATES`` is chosen with its weight, which for three and more products
    approaches phase space as their number grows.

    Args:
      masses: ``[n]`` GeV; their sum must lie below the mass of the parent.
      axis: a direction ``[3]`` in the rest frame of the parent.
      slope: the weight is multiplied by exp(-slope * sum of momenta across the axis / GeV), which
        limits transverse momenta.
    """
    number = len(masses)
    energy = math.sqrt(max(float(invariant(parent)), 0.0))
    tries = 1 if number == 2 and slope == 0.0 else CANDIDATES
    free = energy - float(masses.sum())
    # Masses of the first 2, 3, ... n products together: ordered shares of the free energy.
    shares = np.sort(rng.random((tries, number - 2)), axis=1)
    ends = np.concatenate([shares, np.ones((tries, 1))], axis=1)
    group = np.cumsum(masses)[1:] + free * ends
    lower = np.concatenate([np.full((tries, 1), masses[0]), group[:, :-1]], axis=1)
    momentum = two_body_momentum(group, lower, masses[1:])
    weight = momentum.prod(axis=1)

    products = np.zeros((tries, number, 4))
    products[:, 0, 0] = masses[0]
    for i in range(number - 1):
        away = isotropic(tries, rng) * momentum[:, i, None]
        joint = np.concatenate(
            [np.sqrt(momentum[:, i, None] ** 2 + lower[:, i, None] ** 2), -away], axis=1
        )
        if i == 0:
            products[:, 0] = joint
        else:
            products[:, : i + 1] = boost(products[:, : i + 1], joint[:, None, :])
        products[:, i + 1, 0] = np.sqrt(momentum[:, i] ** 2 + masses[i + 1] ** 2)
        products[:, i + 1, 1:] = away
    if slope > 0.0 and axis is not None:
        along = products[..., 1:] @ axis
        across2 = np.sum(products[..., 1:] ** 2, axis=-1) - along**2
        weight = weight * np.exp(-slope * np.sqrt(np.maximum(across2, 0.0)).sum(axis=1))
    chosen = choose(weight, rng)
    return boost(products[chosen], parent)
