"""Quasi-elastic and elastic scattering on a nucleon: Llewellyn Smith's cross section."""

from __future__ import annotations

import numpy as np

from jaxsparse.simulate.neutrinos import constants as c


def cross_section(
    energy: float, q2: np.ndarray, lepton_mass: float, sign: int, nucleon: int, neutral: bool
) -> np.ndarray:
    """d sigma / d Q^2 on a free nucleon at rest, 1e-38 cm^2 / GeV^2.

    C. H. Llewellyn Smith, Phys. Rept. 3, 261 (1972), eq. 3.18, as in Formaggio and Zeller, Rev.
    Mod. Phys. 84, 1307 (2012), with dipole form factors; neutral currents have the form factors of
    the Z and no strange quarks. 0 where the nucleon's charge does not allow the reaction.

    Args:
      energy: of the neutrino, GeV.
      q2: momentum transfer squared, GeV^2.
      lepton_mass: of the lepton that comes out, GeV.
      sign: 1 for neutrinos, -1 for antineutrinos.
      nucleon: 2212 or 2112.
      neutral: whether the neutrino stays one.
    """
    if not neutral and (nucleon == 2112) != (sign > 0):
        return np.zeros_like(q2)
    mass = c.NUCLEON_MASS
    tau = q2 / (4.0 * mass**2)
    dipole = 1.0 / (1.0 + q2 / c.VECTOR_MASS**2) ** 2
    # Dirac and Pauli form factors of proton and neutron from their electric and magnetic ones.
    dirac_p = dipole * (1.0 + tau * c.PROTON_MOMENT) / (1.0 + tau)
    pauli_p = dipole * (c.PROTON_MOMENT - 1.0) / (1.0 + tau)
    dirac_n = dipole * tau * c.NEUTRON_MOMENT / (1.0 + tau)
    pauli_n = dipole * c.NEUTRON_MOMENT / (1.0 + tau)
    axial = c.AXIAL_COUPLING / (1.0 + q2 / c.AXIAL_MASS**2) ** 2
    pseudo = 2.0 * mass**2 * axial / (c.PION_MASS**2 + q2)
    if neutral:
        own = 0.5 - 2.0 * c.SIN2_WEINBERG
        if nucleon == 2212:
            f1, f2 = own * dirac_p - 0.5 * dirac_n, own * pauli_p - 0.5 * pauli_n
        else:
            f1, f2 = own * dirac_n - 0.5 * dirac_p, own * pauli_n - 0.5 * pauli_p
        # The isovector part changes its sign from proton to neutron: with it the axial one.
        axial = 0.5 * axial if nucleon == 2212 else -0.5 * axial
        pseudo = np.zeros_like(q2)
        strength = 1.0
    else:
        f1, f2 = dirac_p - dirac_n, pauli_p - pauli_n
        strength = c.COS2_CABIBBO
    m2 = lepton_mass**2
    a = (m2 + q2) / mass**2 * (
        (1.0 + tau) * axial**2
        - (1.0 - tau) * f1**2
        + tau * (1.0 - tau) * f2**2
        + 4.0 * tau * f1 * f2
        - m2 / (4.0 * mass**2)
        * ((f1 + f2) ** 2 + (axial + 2.0 * pseudo) ** 2 - 4.0 * (1.0 + tau) * pseudo**2)
    )  # fmt: skip
    b = q2 / mass**2 * axial * (f1 + f2)
    d = 0.25 * (axial**2 + f1**2 + tau * f2**2)
    x = (4.0 * mass * energy - q2 - m2) / mass**2
    front = strength * mass**2 * c.FERMI_CONSTANT**2 / (8.0 * np.pi * energy**2) * c.GEV_TO_XSEC
    return np.maximum(front * (a + sign * b * x + d * x**2), 0.0)


def products(sign: int, nucleon: int, neutral: bool) -> list[int]:
    """The nucleon that comes out.

    >>> products(1, 2112, neutral=False), products(1, 2112, neutral=True)
    ([2212], [2112])
    """
    if neutral:
        return [nucleon]
    return [2212] if sign > 0 else [2112]
