"""How often hadrons interact: inelastic cross sections on nuclei, neutrons on free protons."""

from __future__ import annotations

import numpy as np

from jaxsparse.simulate.transport.medium import LIQUID_ARGON, Medium

Table = tuple[list[float], list[float]]  # MeV of kinetic energy, barn

# By PDG code. From 14 MeV (nucleons) and 20 MeV (pions) up these are Geant4's cross sections for
# calcium, whose A is argon's, and for carbon (Barashenkov's evaluation: G4BarashenkovData.hh,
# G4PiNuclearCrossSection.cc), thinned to what a straight line between two points gives to 2 %.
# Below: the rise that G4BGGNucleonInelasticXS.cc gives nucleons, at a few points; for pions as in
# G4UPiNuclearCrossSection.cc (the root of the energy above 1 MeV for positive ones, which nuclei
# repel, no change for negative ones).
ON_ARGON: dict[int, Table] = {
    211: (
        [1, 3, 8, 20, 40, 60, 80, 100, 120, 140, 200, 300, 400, 500, 1e3, 2e3, 3e3, 1e4, 5e4],
        [0.0, 0.052, 0.097, 0.16, 0.315, 0.50, 0.745, 0.87, 0.905, 0.90, 0.77, 0.64, 0.595, 0.575,
         0.608, 0.51, 0.525, 0.488, 0.45],
    ),
    -211: (
        [20, 60, 80, 100, 120, 160, 220, 300, 400, 500, 1e3, 2e3, 3e3, 5e3, 2e4, 5e4],
        [0.47, 0.62, 0.86, 0.955, 0.98, 0.92, 0.78, 0.665, 0.615, 0.59, 0.615, 0.55, 0.525, 0.51,
         0.47, 0.45],
    ),
    2212: (
        [1, 2, 4, 6, 8, 10, 14, 20, 25, 45, 60, 70, 120, 250, 700, 2e3, 1e4, 1e6],
        [0.0, 0.01, 0.088, 0.259, 0.459, 0.616, 0.77, 0.90, 0.935, 0.75, 0.64, 0.605, 0.555, 0.53,
         0.61, 0.63, 0.592, 0.58],
    ),
    2112: (
        [0.5, 1, 2, 3, 4, 6, 14, 30, 60, 80, 150, 300, 700, 2e3, 1e4, 1e6],
        [0.008, 0.063, 0.366, 0.731, 0.97, 1.167, 1.24, 0.98, 0.68, 0.62, 0.56, 0.53, 0.61, 0.63,
         0.592, 0.58],
    ),
}  # fmt: skip
ON_CARBON: dict[int, Table] = {
    211: (
        [1, 3, 8, 20, 40, 60, 80, 100, 110, 150, 220, 260, 350, 400, 500, 1e3, 2e3, 5e3, 1e4, 5e4],
        [0.0, 0.03, 0.057, 0.094, 0.132, 0.184, 0.26, 0.37, 0.398, 0.428, 0.366, 0.308, 0.257,
         0.241, 0.231, 0.256, 0.22, 0.198, 0.187, 0.176],
    ),
    -211: (
        [20, 40, 60, 80, 100, 120, 150, 220, 260, 300, 400, 500, 1e3, 2e3, 5e3, 1e4, 5e4],
        [0.128, 0.16, 0.224, 0.315, 0.388, 0.43, 0.445, 0.38, 0.32, 0.288, 0.246, 0.233, 0.256,
         0.22, 0.198, 0.187, 0.176],
    ),
    2212: (
        [2, 4, 6, 8, 10, 14, 15, 17, 20, 22, 45, 60, 70, 100, 160, 400, 600, 800, 1.5e3, 5e3],
        [0.0, 0.013, 0.044, 0.098, 0.168, 0.31, 0.33, 0.40, 0.44, 0.45, 0.34, 0.288, 0.263, 0.222,
         0.205, 0.216, 0.24, 0.254, 0.262, 0.25],
    ),
    2112: (
        [4, 6, 8, 10, 14, 17, 25, 35, 60, 70, 100, 160, 250, 400, 600, 800, 1.5e3, 5e3],
        [0.001, 0.014, 0.112, 0.35, 0.59, 0.542, 0.46, 0.395, 0.295, 0.27, 0.228, 0.21, 0.208,
         0.216, 0.24, 0.254, 0.262, 0.25],
    ),
}  # fmt: skip


def inverse_interaction_length(
    kinetic_energy: np.ndarray, pdg: np.ndarray | int, medium: Medium = LIQUID_ARGON
) -> np.ndarray:
    """Inelastic interactions per cm of charged pions (211, -211), protons and neutrons.

    Linear between the energies (MeV) of the tables. Elements up to neon as carbon, heavier ones as
    argon, each scaled by A^0.75 as Geant4 scales between its elements; hydrogen is left out.

    Args:
      kinetic_energy: MeV.
      pdg: codes, one for all or one for each energy.

    >>> length = 1.0 / inverse_interaction_length(np.array([180.0, 180.0]), np.array([211, -211]))
    >>> length.round(0)  # cm
    array([58., 54.])
    """
    energy = np.asarray(kinetic_energy, float)
    codes = np.broadcast_to(pdg, energy.shape)
    barns = np.zeros(energy.shape)
    for table, nuclei in ((ON_CARBON, medium.light_nuclei), (ON_ARGON, medium.heavy_nuclei)):
        for code in np.unique(codes) if nuclei > 0.0 else ():
            chosen = codes == code
            barns[chosen] += nuclei * np.interp(energy[chosen], *table[int(code)])
    return barns * 1e-24 * medium.atoms_per_cm3


def hydrogen_scatters_per_cm(kinetic_energy: np.ndarray, medium: Medium) -> np.ndarray:
    """Elastic scatters per cm of neutrons (MeV) on free protons.

    The neutron-proton cross section falls from 4.2 barn at 1 MeV to 0.035 at 300 MeV; interpolated
    in the logarithms.
    """
    energies = np.log([1.0, 2.0, 5.0, 10.0, 14.0, 20.0, 50.0, 100.0, 200.0, 400.0, 2000.0])
    barns = np.log([4.2, 2.9, 1.6, 0.94, 0.69, 0.48, 0.17, 0.073, 0.042, 0.033, 0.042])
    cross_section = np.exp(np.interp(np.log(kinetic_energy), energies, barns))
    return cross_section * 1e-24 * medium.hydrogen_per_cm3
