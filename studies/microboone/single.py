"""One particle alone, with all that it sets off."""

from __future__ import annotations

import numpy as np

from jaxsparse.data.deposits import Deposits
from jaxsparse.simulate.microboone.chamber import MICROBOONE_CHAMBER
from jaxsparse.simulate.transport.bank import ParticleBank
from jaxsparse.simulate.transport.generator import transport
from jaxsparse.simulate.transport.truth import label_particles

MIDDLE = (128.0, 0.0, 5.0)  # cm, of the wall that the beam enters by


def single(
    pdg: int,
    energy: float,
    rng: np.random.Generator,
    start: tuple[float, float, float] = MIDDLE,
) -> tuple[Deposits, np.ndarray]:
    """Deposits and labelled particles of one particle of a kinetic energy (MeV) along the beam."""
    bank = ParticleBank(MICROBOONE_CHAMBER.world)
    bank.add(
        pdg=pdg, parent=-1, process=0, kinetic_energy=np.array([energy]), time=0.0,
        start=np.array([start]), direction=np.array([[0.0, 0.0, 1.0]]), interaction=True,
    )  # fmt: skip
    transport(bank, rng)
    return bank.deposits(), label_particles(bank.particles)
