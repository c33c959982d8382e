"""Final-state interactions: what hadrons do on their way out of the nucleus.

A hadron is made anywhere in a uniform sphere and interacts on the way to its surface with the
probability of its free path there. What comes of it is drawn by the same parametrised interaction
that the transport uses for hadrons on nuclei (``hadrons.interact``: absorption, charge exchange,
scattering, knock-out, the slow products of the excited nucleus), once for each hadron: an
effective model, as hadron-nucleus data are. Energy is never made; the nucleus takes up momentum.
"""

from __future__ import annotations

import math

import numpy as np

from jaxsparse.simulate.neutrinos.nuclei import Nucleus
from jaxsparse.simulate.transport.bank import ParticleBank
from jaxsparse.simulate.transport.directions import isotropic
from jaxsparse.simulate.transport.hadrons import interact
from jaxsparse.simulate.transport.medium import LIQUID_ARGON
from jaxsparse.simulate.transport.world import Volume, World

NOWHERE = World(LIQUID_ARGON, Volume((0.0, 0.0, 0.0), (0.0, 0.0, 0.0)))  # nothing moves

# Effective cross sections on a nucleon in the nucleus, mb, against kinetic energy, MeV. Pions: a
# free path of 1 fm in the middle of a nucleus at the Delta peak (Salcedo, Oset and others, Nucl.
# Phys. A484, 557). Nucleons: the free cross section (Review of Particle Physics), about halved
# below 200 MeV by occupied states. Both tables are our own choice, from memory of those.
PION = ([0.0, 50.0, 100.0, 180.0, 300.0, 500.0, 1000.0], [10.0, 15.0, 35.0, 60.0, 45.0, 30.0, 30.0])
NUCLEON = ([0.0, 50.0, 100.0, 200.0, 500.0, 1000.0], [15.0, 18.0, 20.0, 22.0, 32.0, 38.0])
FORMATION_LENGTH = 0.342  # fm times p / m, deep inelastic scattering (SKAT; GENIE FZONE-ct0)
FM2_PER_MB = 0.1


def rescatter(
    pdg: np.ndarray,
    kinetic_energy: np.ndarray,
    direction: np.ndarray,
    mass: np.ndarray,
    nucleus: Nucleus,
    formed_late: bool,
    rng: np.random.Generator,
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Hadrons that leave the nucleus, from those made inside it.

    Args:
      pdg: ``[n]`` pions and nucleons.
      kinetic_energy, mass: ``[n]`` MeV.
      direction: ``[n, 3]`` unit vectors.
      nucleus: in which they are made, all at one point.
      formed_late: whether a hadron travels its formation length before it can interact.

    Returns:
      Codes, energies (MeV) and directions of what leaves, in no special order.
    """
    place = nucleus.radius * rng.random() ** (1.0 / 3.0) * isotropic(1, rng)[0]
    along = direction @ place
    path = -along + np.sqrt(along**2 + nucleus.radius**2 - float(place @ place))
    if formed_late:
        momentum = np.sqrt(kinetic_energy * (kinetic_energy + 2.0 * mass))
        path = np.maximum(path - FORMATION_LENGTH * momentum / mass, 0.0)
    pion = np.isin(np.abs(pdg), (111, 211))
    barns = np.where(pion, np.interp(kinetic_energy, *PION), np.interp(kinetic_energy, *NUCLEON))
    hits = rng.standard_exponential(len(pdg)) < nucleus.density * barns * FM2_PER_MB * path
    if not hits.any():
        return pdg, kinetic_energy, direction
    bank = ParticleBank(NOWHERE)
    rows = bank.add(
        pdg=pdg[hits], parent=-1, process=0, kinetic_energy=kinetic_energy[hits], time=0.0,
        start=np.zeros((int(hits.sum()), 3)), direction=direction[hits], interaction=True,
    )  # fmt: skip
    interact(bank, rows, kinetic_energy[hits], direction[hits], rng)
    made = bank.particles[len(rows) :]
    return (
        np.concatenate([pdg[~hits], made["pdg"]]),
        np.concatenate([kinetic_energy[~hits], made["kinetic_energy"]]),
        np.concatenate([direction[~hits], made["direction"]]),
    )


def interaction_probability(pdg: int, kinetic_energy: float, nucleus: Nucleus) -> float:
    """Probability averaged over places and directions, for tables (kinetic energy in MeV).

    The mean of 1 - exp(-path / length) over a sphere of radius R from points spread evenly in it:
    with k = 2 R / length it is 1 - 3 (1/2 - 1/k^2 + (1/k + 1/k^2) e^-k) / k.
    """
    table = PION if abs(pdg) in (111, 211) else NUCLEON
    length = 1.0 / (nucleus.density * FM2_PER_MB * float(np.interp(kinetic_energy, *table)))
    k = 2.0 * nucleus.radius / length
    return 1.0 - 3.0 * (0.5 - 1.0 / k**2 + (1.0 / k + 1.0 / k**2) * math.exp(-k)) / k
