"""One simulated event: a vertex, the cosmic muons over it, and all that they set off."""

from __future__ import annotations

import dataclasses

import numpy as np

from jaxsparse.data.deposits import Deposits
from jaxsparse.errors import InputError
from jaxsparse.simulate.transport.bank import ParticleBank
from jaxsparse.simulate.transport.cosmics import add_cosmics
from jaxsparse.simulate.transport.decays import decay_in_flight, decay_neutral_pions, rest
from jaxsparse.simulate.transport.hadrons import interact, move_neutrons
from jaxsparse.simulate.transport.showers import shower
from jaxsparse.simulate.transport.tracks import DECAYED, INTERACTED, STOPPED, Ends, transport_tracks
from jaxsparse.simulate.transport.truth import label_particles
from jaxsparse.simulate.transport.vertices import TOPOLOGIES, add_vertex
from jaxsparse.simulate.transport.world import World


@dataclasses.dataclass(frozen=True)
class GeneratorConfig:
    """What events to generate.

    Attributes:
      topology: ``"bomb"``, ``"published_bomb"``, ``"1e1p"``, ``"1mu1p"``, ``"photon"``,
        ``"electron"``, or ``"cosmic"`` for no interaction.
      cosmic_rate: cosmic muons as a multiple of the intensity at the surface; 0 for none.
      multiplicity: least and largest number of particles of a ``"bomb"``.
      kinetic_energy: least and largest kinetic energy (MeV) at the vertex.
      fiducial_margin: cm between the vertex and the sides of the active volume. This and the energy
        do not change a published bomb, which has its own.
    """

    topology: str = "bomb"
    cosmic_rate: float = 1.0
    multiplicity: tuple[int, int] = (1, 7)
    kinetic_energy: tuple[float, float] = (30.0, 2000.0)
    fiducial_margin: float = 10.0

    def __post_init__(self) -> None:
        if self.topology not in TOPOLOGIES:
            raise InputError(
                f"topology is {self.topology!r}: choose one of {', '.join(TOPOLOGIES)}"
            )
        if not 0.0 <= self.cosmic_rate <= 10.0:
            raise InputError(f"cosmic_rate is {self.cosmic_rate}: must lie in 0 to 10")
        low, high = self.multiplicity
        if not 1 <= low <= high <= 50:
            raise InputError(f"multiplicity is {self.multiplicity}: needs 1 <= least <= most <= 50")
        least, most = self.kinetic_energy
        if not 1.0 <= least < most <= 2.0e4:
            raise InputError(
                f"kinetic_energy is {self.kinetic_energy}: needs 1 <= least < most <= 20000 MeV"
            )
        if not 0.0 <= self.fiducial_margin <= 100.0:
            raise InputError(f"fiducial_margin is {self.fiducial_margin}: must lie in 0 to 100 cm")


def generate(
    config: GeneratorConfig, world: World, rng: np.random.Generator
) -> tuple[Deposits, np.ndarray, str]:
    """Generates one event before the detector sees it.

    Args:
      config: what to generate.
      world: where; its volume is a :class:`~jaxsparse.simulate.transport.world.DriftVolume` if
        there are cosmic muons.
      rng: ``np.random.default_rng([seed, event])`` makes event numbers reproducible one by one.

    Returns:
      The deposits, the labelled particle table (``PARTICLE_DTYPE``) and the topology.

    >>> from jaxsparse.simulate.microboone.chamber import MICROBOONE_WORLD
    >>> config = GeneratorConfig("electron", cosmic_rate=0.0)
    >>> rng = np.random.default_rng([0, 0])
    >>> deposits, particles, topology = generate(config, MICROBOONE_WORLD, rng)
    >>> topology, int(particles["pdg"][0]), len(deposits) > 10
    ('electron', 11, True)
    """
    bank = ParticleBank(world)
    add_vertex(
        bank,
        config.topology,
        rng,
        multiplicity=config.multiplicity,
        kinetic_energy=config.kinetic_energy,
        fiducial_margin=config.fiducial_margin,
    )
    if config.cosmic_rate > 0.0:
        add_cosmics(bank, rng, config.cosmic_rate)
    transport(bank, rng)
    return bank.deposits(), label_particles(bank.particles), config.topology


def transport(bank: ParticleBank, rng: np.random.Generator) -> None:
    """Carries every particle of ``bank``, and all that they make, until nothing moves.

    Hadrons and muons go generation by generation; electrons and photons wait, since they make
    nothing but each other, and go in one pool at the end.
    """
    done = 0
    while done < len(bank):
        rows = np.arange(done, len(bank))
        done = len(bank)
        kind = np.abs(bank.particles["pdg"][rows])
        for species in (13, 211, 2212):
            if np.any(kind == species):
                _follow_up(bank, transport_tracks(bank, rows[kind == species], rng), rng)
        decay_neutral_pions(bank, rows[kind == 111], rng)
        move_neutrons(bank, rows[kind == 2112], rng)
    kind = np.abs(bank.particles["pdg"])
    rows = np.flatnonzero((kind == 11) | (kind == 22))
    if len(rows):
        shower(bank, rows, rng)


def _follow_up(bank: ParticleBank, ends: Ends, rng: np.random.Generator) -> None:
    """Decays, captures and interactions at the ends of tracks."""
    rest(bank, ends.rows[ends.fate == STOPPED], rng)
    for fate, act in ((INTERACTED, interact), (DECAYED, decay_in_flight)):
        now = ends.fate == fate
        act(bank, ends.rows[now], ends.kinetic_energy[now], ends.direction[now], rng)
