"""What the neutrino hits: mixtures of nuclei, and nucleons moving inside them.

Relativistic Fermi gas (Smith and Moniz, Nucl. Phys. B43, 605): momenta fill a sphere, the energy is
that of a free nucleon less the removal energy.
"""

from __future__ import annotations

import dataclasses
import math

import numpy as np

from jaxsparse.simulate.neutrinos import constants as c
from jaxsparse.simulate.transport.directions import isotropic


@dataclasses.dataclass(frozen=True)
class Nucleus:
    """A nucleus; ``fermi_momentum`` 0 is a free proton.

    Attributes:
      protons, nucleons: Z and A.
      fermi_momentum, removal_energy: GeV.
      radius: fm, of the uniform sphere with the measured r.m.s. charge radius, sqrt(5/3) of it.
    """

    protons: int
    nucleons: int
    fermi_momentum: float
    removal_energy: float
    radius: float

    @property
    def density(self) -> float:
        """Nucleons per fm^3."""
        return self.nucleons / (4.0 / 3.0 * math.pi * self.radius**3)


# Fermi momenta: Moniz and others, Phys. Rev. Lett. 26, 445 (carbon 221 MeV; 251 MeV for calcium,
# taken for argon, as in GENIE's FermiMomentumTables.xml). Removal energies 25 and 29.5 MeV as in
# GENIE's CommonParam.xml. R.m.s. radii 2.47 and 3.43 fm (Angeli and Marinova, At. Data Nucl. Data
# Tables 99, 69) from memory, not checked.
HYDROGEN = Nucleus(1, 1, 0.0, 0.0, 0.9)
CARBON = Nucleus(6, 12, 0.221, 0.025, 3.19)
ARGON = Nucleus(18, 40, 0.251, 0.0295, 4.43)

# Mass shares, from memory. About the composition of NOvA's oil and PVC: hydrogen, carbon and a
# little oxygen (here carbon), and a fifth of chlorine and titanium (here as argon).
TARGETS: dict[str, tuple[tuple[float, Nucleus], ...]] = {
    "scintillator": ((0.108, HYDROGEN), (0.697, CARBON), (0.195, ARGON)),
    "argon": ((1.0, ARGON),),
}


def struck_nucleon(nucleus: Nucleus, nucleon: int, rng: np.random.Generator) -> np.ndarray:
    """Four-vector ``[4]`` (GeV) of a nucleon in the nucleus; at rest if it is free."""
    mass = c.mass(nucleon)
    if nucleus.fermi_momentum == 0.0:
        return np.array([mass, 0.0, 0.0, 0.0])
    momentum = nucleus.fermi_momentum * rng.random() ** (1.0 / 3.0)
    energy = math.sqrt(mass**2 + momentum**2) - nucleus.removal_energy
    return np.concatenate([[energy], momentum * isotropic(1, rng)[0]])
