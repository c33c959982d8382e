"""Unit vectors: random ones, turned ones, and the multiple scattering that turns them."""

from __future__ import annotations

import numpy as np

from jaxsparse.simulate.transport.energy_loss import kinematics
from jaxsparse.simulate.transport.medium import LIQUID_ARGON, Medium


def isotropic(number: int, rng: np.random.Generator) -> np.ndarray:
    """``[number, 3]`` unit vectors, uniform over the sphere."""
    cosine = rng.uniform(-1.0, 1.0, number)
    azimuth = rng.uniform(0.0, 2.0 * np.pi, number)
    sine = np.sqrt(1.0 - cosine**2)
    return np.stack([sine * np.cos(azimuth), sine * np.sin(azimuth), cosine], axis=1)


def turn(direction: np.ndarray, cosine: np.ndarray, azimuth: np.ndarray) -> np.ndarray:
    """Unit vectors ``[n, 3]`` turned by a polar angle (its cosine) at an azimuth about themselves.

    >>> turn(np.array([[0.0, 0.0, 1.0]]), np.array([0.0]), np.array([0.0])).round(6) + 0.0
    array([[1., 0., 0.]])
    """
    x, y, z = direction.T
    sine = np.sqrt(np.maximum(1.0 - cosine * cosine, 0.0))
    a, b = sine * np.cos(azimuth), sine * np.sin(azimuth)
    # Branchless orthonormal basis (Duff et al., JCGT 6, 2017), stable for every direction.
    sign = np.where(z >= 0.0, 1.0, -1.0)
    s = -1.0 / (sign + z)
    t = x * y * s
    turned = np.empty_like(direction)
    turned[:, 0] = a * (1.0 + sign * x * x * s) + b * t + cosine * x
    turned[:, 1] = a * (sign * t) + b * (sign + y * y * s) + cosine * y
    turned[:, 2] = cosine * z - a * sign * x - b * y
    return turned


def scattering_angle(
    kinetic_energy: np.ndarray,
    mass: float | np.ndarray,
    length: np.ndarray,
    medium: Medium = LIQUID_ARGON,
) -> np.ndarray:
    """Highland's plane angle (rad) for a path (cm): 13.6 MeV/(beta p) sqrt(length/X0).

    The logarithm of Highland's formula, 1 + 0.038 ln(length/X0), is taken at one radiation length,
    where it is 1: taken at every step it would make the sum depend on how a path is cut.
    """
    beta2, _, momentum = kinematics(kinetic_energy, mass)
    return 13.6 / (np.sqrt(beta2) * momentum) * np.sqrt(length / medium.radiation_length)


def scattered_path(
    direction: np.ndarray, angle: np.ndarray, steps: np.ndarray, rng: np.random.Generator
) -> np.ndarray:
    """Directions along tracks that scatter at the end of every step.

    The directions of a track are a running product of small rotations. It is formed in blocks:
    inside all blocks of all tracks at once, then from block to block, so that a track of thousands
    of steps costs tens of array operations and large angles stay exact.

    Args:
      direction: ``[tracks, 3]`` unit vectors at the start.
      angle: ``[sum of steps]`` plane scattering angle (rad) of every step, track after track.
      steps: ``[tracks]`` number of steps of each track, at least 1.

    Returns:
      ``[sum of steps + tracks, 3]``: the direction before every step and after the last one, track
      after track.
    """
    block = 16
    blocks = -(-steps // block)
    first_block = np.concatenate([[0], np.cumsum(blocks)])
    first_step = np.concatenate([[0], np.cumsum(steps)])
    track = np.repeat(np.arange(len(steps)), steps)
    local = np.arange(len(angle)) - first_step[track]
    slot = (first_block[track] + local // block) * block + local % block

    bend = np.zeros((2, first_block[-1] * block))
    bend[:, slot] = angle * rng.standard_normal((2, len(angle)))
    rotation = _rotations(*bend).reshape(-1, block, 3, 3)
    inside = np.empty((first_block[-1], block + 1, 3, 3))
    inside[:, 0] = np.eye(3)
    for i in range(block):
        inside[:, i + 1] = inside[:, i] @ rotation[:, i]

    frame = np.empty((first_block[-1], 3, 3))
    current = _frames(direction)
    for i in range(blocks.max(initial=0)):
        live = blocks > i
        at = first_block[:-1][live] + i
        frame[at] = current[live]
        current[live] = current[live] @ inside[at, block]

    # Third column of frame @ inside: the direction; slot 0 of a block is before its first step.
    directions = inside[:, :, :, 2] @ frame.transpose(0, 2, 1)
    out = np.empty((len(angle) + len(steps), 3))
    row = np.arange(len(angle)) + track
    out[row] = directions[slot // block, slot % block]
    last = first_step[1:] - 1
    out[last + np.arange(len(steps)) + 1] = directions[slot[last] // block, slot[last] % block + 1]
    return out


def _frames(direction: np.ndarray) -> np.ndarray:
    """``[n, 3, 3]`` rotations whose third column is the direction."""
    number = len(direction)
    zero, right = np.zeros(number), np.full(number, 0.5 * np.pi)
    first = turn(direction, zero, zero)
    return np.stack([first, turn(direction, zero, right), direction], axis=2)


def _rotations(bend_x: np.ndarray, bend_y: np.ndarray) -> np.ndarray:
    """Rotations of z by plane angles (rad), about the axis across both."""
    polar = np.hypot(bend_x, bend_y)
    cosine, sine = np.cos(np.minimum(polar, np.pi)), np.sin(np.minimum(polar, np.pi))
    x, y = bend_x / np.maximum(polar, 1e-30), bend_y / np.maximum(polar, 1e-30)
    rest = 1.0 - cosine
    rotation = np.empty((len(polar), 3, 3))
    rotation[:, 0, 0] = 1.0 - rest * x * x
    rotation[:, 0, 1] = rotation[:, 1, 0] = -rest * x * y
    rotation[:, 1, 1] = 1.0 - rest * y * y
    rotation[:, 0, 2], rotation[:, 1, 2], rotation[:, 2, 2] = sine * x, sine * y, cosine
    rotation[:, 2, 0], rotation[:, 2, 1] = -sine * x, -sine * y
    return rotation
