"""One neutrino interaction: what happened, and the particles that leave the nucleus."""

from __future__ import annotations

import dataclasses

import numpy as np

from jaxsparse import particle_data as transport
from jaxsparse.simulate.transport.bank import ParticleBank


@dataclasses.dataclass(frozen=True)
class Interaction:
    """A neutrino interaction.

    Attributes:
      event_class: ``"numu"``, ``"nue"``, ``"nutau"`` (charged current, either sign) or ``"nc"``.
      mode: ``"QE"``, ``"MEC"``, ``"RES"`` or ``"DIS"``.
      neutrino: PDG code.
      energy: of the neutrino, GeV.
      inelasticity: 1 - E(lepton) / E(neutrino), the lepton being a neutrino for neutral currents.
      tau_decay: ``"electron"``, ``"muon"``, ``"hadrons"``, or ``""`` without a tau.
      pdg: int32 ``[particles]``: electrons, muons, pions, nucleons, photons; the charged lepton or
        what the tau decays to comes first.
      kinetic_energy: float64 ``[particles]``, MeV.
      direction: float64 ``[particles, 3]``, unit vectors.
      struck: float64 ``[4]``, four-vector (GeV) of what was hit: a nucleon, or two for MEC.
      escaped: float64 ``[4]``, four-vector (GeV) of the neutrinos that come out.
    """

    event_class: str
    mode: str
    neutrino: int
    energy: float
    inelasticity: float
    tau_decay: str
    pdg: np.ndarray
    kinetic_energy: np.ndarray
    direction: np.ndarray
    struck: np.ndarray
    escaped: np.ndarray

    @property
    def topology(self) -> str:
        """What happened in words: ``"numu CC RES"``, ``"nutau CC DIS electron"``, ``"NC QE"``."""
        name = "NC" if self.event_class == "nc" else f"{self.event_class} CC"
        return f"{name} {self.mode} {self.tau_decay}".rstrip()


def add_interaction(
    bank: ParticleBank,
    interaction: Interaction,
    position: np.ndarray,
    time: float,
) -> np.ndarray:
    """Adds the particles of ``interaction`` to ``bank`` as primaries and returns their rows.

    Args:
      bank: the event so far.
      position: ``[3]``, cm.
      time: us.
    """
    number = len(interaction.pdg)
    return bank.add(
        pdg=interaction.pdg,
        parent=-1,
        process=transport.PRIMARY,
        kinetic_energy=interaction.kinetic_energy,
        time=time,
        start=np.repeat(np.asarray(position, np.float64)[None], number, axis=0),
        direction=interaction.direction,
        interaction=True,
    )
