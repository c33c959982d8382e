"""Cosmic muons over an event that came without any."""

from __future__ import annotations

import dataclasses

import numpy as np

from jaxsparse.data.deposits import Deposits
from jaxsparse.simulate.transport.generator import GeneratorConfig, generate
from jaxsparse.simulate.transport.world import World


def with_cosmics(
    deposits: Deposits, particles: np.ndarray, rate: float, world: World, rng: np.random.Generator
) -> tuple[Deposits, np.ndarray]:
    """The event and the cosmic muons of one readout, as one.

    Args:
      deposits, particles: of the event; ``particles`` is a ``PARTICLE_DTYPE`` table with classes,
        whose rows keep their numbers.
      rate: of the muons, as a multiple of the intensity at the surface; 0 leaves the event alone.
      world: where they go.
      rng: of the muons.

    Raises:
      InputError: a rate outside 0 to 10.
    """
    if not rate:
        return deposits, particles
    sky, muons, _ = generate(GeneratorConfig("cosmic", cosmic_rate=rate), world, rng)
    muons = muons.copy()
    for column in ("parent", "instance"):
        muons[column] += len(particles) * (muons[column] >= 0)
    moved = dataclasses.replace(sky, particle=sky.particle + np.int32(len(particles)))
    return Deposits.concatenate([deposits, moved]), np.concatenate([particles, muons])
