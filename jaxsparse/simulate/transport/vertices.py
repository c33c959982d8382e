"""Interaction vertices: particle bombs and the few topologies that can be asked for."""

from __future__ import annotations

import numpy as np

from jaxsparse import particle_data as c
from jaxsparse.simulate.transport import published_bomb
from jaxsparse.simulate.transport.bank import ParticleBank
from jaxsparse.simulate.transport.directions import isotropic, turn

TOPOLOGIES = ("bomb", "published_bomb", "1e1p", "1mu1p", "photon", "electron", "cosmic")
SPECIES = ("e", "mu", "photon", "pi", "p")
BEAM_GATE = (3.2, 4.8)  # us after the trigger


def add_vertex(
    bank: ParticleBank,
    topology: str,
    rng: np.random.Generator,
    *,
    multiplicity: tuple[int, int],
    kinetic_energy: tuple[float, float],
    fiducial_margin: float,
) -> np.ndarray:
    """Adds the particles of one interaction to ``bank`` and returns their rows.

    Args:
      bank: the event so far.
      topology: one of ``TOPOLOGIES``. ``"bomb"``: a uniform number of particles, each of a species
        drawn evenly from e, mu, photon, pi and p. ``"published_bomb"``: as in
        :mod:`~jaxsparse.simulate.transport.published_bomb`. ``"1e1p"``, ``"1mu1p"``: a lepton and a
        proton of 50 to 500 MeV, back to back across the beam, as a quasi-elastic interaction gives.
        ``"photon"``, ``"electron"``: one particle. ``"cosmic"``: none.
      multiplicity: least and largest number of particles of a ``"bomb"``.
      kinetic_energy: least and largest energy (MeV), drawn evenly in its logarithm.
      fiducial_margin: cm between vertex and the sides of the active volume. The published bomb has
        energies and a margin of its own.
    """
    if topology == "cosmic":
        return np.zeros(0, np.int64)
    if topology == "published_bomb":
        pdg, energy = published_bomb.draw_particles(rng)
        direction = published_bomb.draw_directions(len(pdg), rng)
        return _add(bank, rng, pdg, energy, direction, published_bomb.FIDUCIAL_MARGIN)
    if topology == "bomb":
        number = int(rng.integers(multiplicity[0], multiplicity[1] + 1))
        names = [SPECIES[i] for i in rng.integers(0, len(SPECIES), number)]
    else:
        names = {"1e1p": ["e", "p"], "1mu1p": ["mu", "p"]}.get(topology, [topology[:1]])
        names = ["photon" if name == "p" and topology == "photon" else name for name in names]
    low, high = np.log(kinetic_energy[0]), np.log(kinetic_energy[1])
    energy = np.exp(rng.uniform(low, high, len(names)))
    direction = isotropic(len(names), rng)
    if topology in ("1e1p", "1mu1p"):
        energy[1] = np.exp(rng.uniform(np.log(50.0), np.log(500.0)))
        azimuth = rng.uniform(0.0, 2.0 * np.pi)
        beam = np.array([[0.0, 0.0, 1.0]] * 2)
        # Lepton and proton balance across the beam and spread along it.
        cosine = np.array([rng.uniform(-0.5, 1.0), rng.uniform(0.0, 0.95)])
        direction = turn(beam, cosine, np.array([azimuth, azimuth + np.pi]))
    charge = np.where(rng.random(len(names)) < 0.5, 1, -1)
    particle = {"e": 11, "mu": 13, "photon": 22, "pi": 211, "p": 2212}
    pdg = np.array([particle[name] for name in names])
    # Bombs hold both charges; the named topologies are neutrino interactions: negative leptons.
    either = np.isin(pdg, (11, 13, 211)) & (topology == "bomb")
    return _add(bank, rng, np.where(either, charge * pdg, pdg), energy, direction, fiducial_margin)


def _add(
    bank: ParticleBank,
    rng: np.random.Generator,
    pdg: np.ndarray,
    energy: np.ndarray,
    direction: np.ndarray,
    fiducial_margin: float,
) -> np.ndarray:
    """Adds particles that start together, anywhere in the volume, and returns their rows."""
    corner, far_corner = bank.world.volume.corners
    place = rng.uniform(corner + fiducial_margin, far_corner - fiducial_margin)
    return bank.add(
        pdg=pdg,
        parent=-1,
        process=c.PRIMARY,
        kinetic_energy=energy,
        time=rng.uniform(*BEAM_GATE),
        start=np.repeat(place[None, :], len(pdg), axis=0),
        direction=direction,
        interaction=True,
    )
