"""Masses and couplings of the neutrino generator. Units: GeV; cross sections 1e-38 cm^2.

Sources: Review of Particle Physics (masses, couplings, tau); the axial and vector masses, the axial
coupling, the magnetic moments and the limit of the resonances are GENIE's defaults of version 2
(CommonParam.xml, UserPhysicsOptions.xml). What was read where: docs/sources.md.
"""

from __future__ import annotations

import numpy as np

from jaxsparse import particle_data as transport

TAU_MASS = 1.77693
PION_MASS = transport.MASSES[211] / 1e3
MASSES = {
    **{pdg: mass / 1e3 for pdg, mass in transport.MASSES.items()},
    111: transport.PION_ZERO_MASS / 1e3,
    15: TAU_MASS,
    22: 0.0,
}
NUCLEON_MASS = 0.5 * (MASSES[2212] + MASSES[2112])

FERMI_CONSTANT = 1.1663788e-5  # GeV^-2
GEV_TO_XSEC = 0.3893794e11  # 1 GeV^-2 in 1e-38 cm^2
COS2_CABIBBO = 0.97435**2
SIN2_WEINBERG = 0.2312

AXIAL_COUPLING = 1.267
AXIAL_MASS = 0.99  # quasi-elastic
VECTOR_MASS = 0.84
RESONANCE_AXIAL_MASS = 1.12
PROTON_MOMENT, NEUTRON_MOMENT = 2.793, -1.913

# Resonances below this mass of the hadron system, deep inelastic scattering above.
RESONANCE_LIMIT = 1.7


def mass(pdg: int) -> float:
    """Mass (GeV) of a particle by its PDG code, of either charge.

    >>> mass(-13)
    0.1056584
    """
    return MASSES[abs(pdg)]


def masses(pdg: list[int]) -> np.ndarray:
    """Masses (GeV) of several particles."""
    return np.array([MASSES[abs(code)] for code in pdg])
