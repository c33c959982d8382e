"""Turns an event as a whole and puts it into a detector."""

from __future__ import annotations

import dataclasses
import math

import numpy as np

from jaxsparse.data.deposits import Deposits
from jaxsparse.errors import InputError
from jaxsparse.simulate.wire_chamber.chamber import WireChamber

CONE = 10.0  # degrees between a placed event's axis and the beam
MARGIN = 2.0  # cm between the axis's ends and the walls


def place(
    deposits: Deposits, particles: np.ndarray, detector: WireChamber, rng: np.random.Generator
) -> tuple[Deposits, np.ndarray]:
    """The event turned and moved, nothing else changed.

    Its axis, from start to end of the most energetic primary (the longest, where energies are not
    known), gets a direction uniform in a cone of 10 degrees about the beam, and a random roll about
    itself. Then the axis is put where it lies wholly inside the detector, uniformly; along a
    coordinate where it does not fit it starts at the wall.

    Args:
      deposits, particles: of one event; ``particles`` is a ``PARTICLE_DTYPE`` table.
      detector: the volume.
      rng: takes four angles and three places from it.

    Raises:
      InputError: an event without a primary particle.
    """
    primaries = np.flatnonzero(particles["parent"] < 0)
    if not len(primaries):
        raise InputError("An event has no primary particle (parentID -1): drop it")
    lengths = np.linalg.norm(particles["end"] - particles["start"], axis=1)[primaries]
    energies = np.nan_to_num(particles["kinetic_energy"][primaries], nan=-1.0)
    axis = particles[primaries[np.lexsort([lengths, energies])[-1]]]
    start, end = axis["start"].astype(float), axis["end"].astype(float)
    length = float(np.linalg.norm(end - start))
    old = (end - start) / length if length > 0 else axis["direction"].astype(float)

    cosine = rng.uniform(math.cos(math.radians(CONE)), 1.0)
    sine, around = math.sqrt(1 - cosine**2), rng.uniform(0, 2 * math.pi)
    new = np.array([sine * math.cos(around), sine * math.sin(around), cosine])
    rotation = _frame(new, rng.uniform(0, 2 * math.pi)) @ _frame(old, 0.0).T

    reach = length * new
    low = np.array(detector.low) + MARGIN + np.maximum(-reach, 0)
    high = np.array(detector.high) - MARGIN - np.maximum(reach, 0)
    place_at = low + rng.random(3) * np.maximum(high - low, 0)

    def move(points):
        return (points - start) @ rotation.T + place_at

    moved = particles.copy()
    moved["start"], moved["end"] = move(particles["start"]), move(particles["end"])
    moved["direction"] = particles["direction"] @ rotation.T
    return (
        dataclasses.replace(deposits, start=move(deposits.start), end=move(deposits.end)),
        moved,
    )


def _frame(axis: np.ndarray, roll: float) -> np.ndarray:
    """Right-handed orthonormal columns whose third is ``axis``, rolled about it."""
    helper = np.eye(3)[np.argmin(np.abs(axis))]
    first = np.cross(helper, axis)
    first /= np.linalg.norm(first)
    second = np.cross(axis, first)
    return np.column_stack(
        [
            math.cos(roll) * first + math.sin(roll) * second,
            math.cos(roll) * second - math.sin(roll) * first,
            axis,
        ]
    )
