"""What particles move through: a substance and the numbers its interactions follow from.

Liquid argon is the default everywhere. A mixture is one mean substance: elements with their
number fractions, from which charge, mass, photon and hadron rates follow.
"""

from __future__ import annotations

import dataclasses
import functools
import math
from collections.abc import Mapping


@dataclasses.dataclass(frozen=True)
class Element:
    """A chemical element.

    Attributes:
      name: its symbol.
      atomic_number: protons.
      atomic_mass: g/mol.
      radiation_length: g/cm^2 (Particle Data Group).
      mean_excitation: eV, in a compound for those whose bonds matter (ICRU report 37, table 5.1).
    """

    name: str
    atomic_number: float
    atomic_mass: float
    radiation_length: float
    mean_excitation: float


HYDROGEN = Element("H", 1.0, 1.008, 63.04, 19.2)
CARBON = Element("C", 6.0, 12.011, 42.70, 81.0)
OXYGEN = Element("O", 8.0, 15.999, 34.24, 106.0)
CHLORINE = Element("Cl", 17.0, 35.453, 19.28, 180.0)
ARGON = Element("Ar", 18.0, 39.948, 19.55, 188.0)
TITANIUM = Element("Ti", 22.0, 47.867, 16.16, 263.0)


@dataclasses.dataclass(frozen=True)
class Medium:
    """A homogeneous substance.

    Attributes:
      name: as messages say it.
      elements: each with its share of the atoms; the shares sum to 1.
      density: g/cm^3.
      mean_excitation: MeV.
      radiation_length: cm.
      critical_energy: MeV, of electrons.
      density_effect: Sternheimer's C, x0, x1, a, m.
      muon_decay_fraction: share of the negative muons at rest that decay before they are captured.
      muon_life: us, mean life of negative muons at rest.
      nuclear_line: MeV, photon after a slow neutron scattered inelastically.
    """

    name: str
    elements: tuple[tuple[Element, float], ...]
    density: float
    mean_excitation: float
    radiation_length: float
    critical_energy: float
    density_effect: tuple[float, float, float, float, float]
    muon_decay_fraction: float
    muon_life: float
    nuclear_line: float

    def _mean(self, value) -> float:
        """Mean over the atoms of a function of the element."""
        return sum(share * value(element) for element, share in self.elements)

    @functools.cached_property
    def atomic_number(self) -> float:
        """Protons of the mean atom."""
        return self._mean(lambda e: e.atomic_number)

    @functools.cached_property
    def atomic_mass(self) -> float:
        """g/mol of the mean atom."""
        return self._mean(lambda e: e.atomic_mass)

    @functools.cached_property
    def knock_on(self) -> float:
        """2 pi r_e^2 m_e c^2 times the electron density, MeV/cm.

        A particle of speed beta makes ``knock_on / (beta^2 T^2)`` of them per cm and MeV.
        """
        return 0.5 * 0.307075 * self.density * self.atomic_number / self.atomic_mass

    @functools.cached_property
    def electrons_per_cm3(self) -> float:
        """Electrons per cm^3."""
        return 6.02214e23 * self.density * self.atomic_number / self.atomic_mass

    @functools.cached_property
    def atoms_per_cm3(self) -> float:
        """Atoms per cm^3."""
        return self.electrons_per_cm3 / self.atomic_number

    @functools.cached_property
    def hydrogen_per_cm3(self) -> float:
        """Free protons per cm^3."""
        return self.atoms_per_cm3 * self._mean(lambda e: float(e.atomic_number == 1.0))

    @functools.cached_property
    def pair_cross_section(self) -> float:
        """alpha r_e^2 Z (Z + 1) of the mean atom, cm^2."""
        return self._mean(lambda e: 5.7947e-28 * e.atomic_number * (e.atomic_number + 1.0))

    @functools.cached_property
    def photoelectric(self) -> float:
        """Photoelectric absorption at 100 keV, cm^2/g: argon's, by Z^4.5 / A for other elements."""
        relative = self._mean(lambda e: (e.atomic_number / 18.0) ** 4.5)
        return 0.05 * (relative * 39.948 / self.atomic_mass)

    @functools.cached_property
    def light_nuclei(self) -> float:
        """Nuclei of the mean atom up to neon, by their size in units of carbon's: A^0.75."""
        return self._sizes(CARBON, 2.0, 10.0)

    @functools.cached_property
    def heavy_nuclei(self) -> float:
        """Nuclei of the mean atom above neon, by their size in units of argon's: A^0.75."""
        return self._sizes(ARGON, 11.0, math.inf)

    def _sizes(self, unit: Element, least: float, most: float) -> float:
        return self._mean(
            lambda e: (
                (e.atomic_mass / unit.atomic_mass) ** 0.75
                if least <= e.atomic_number <= most
                else 0.0
            )
        )


def mixture(
    name: str,
    density: float,
    mass_fractions: Mapping[Element, float],
    *,
    critical_energy: float,
    muon_decay_fraction: float,
    muon_life: float,
    nuclear_line: float,
) -> Medium:
    """A medium from its elements by Bragg's additivity.

    1/X0 = sum w/X0, ln I = sum w (Z/A) ln I / sum w (Z/A), and Sternheimer and Peierls' general
    density effect of condensed matter (Phys. Rev. B 3, 3681, 1971).

    Args:
      name: as messages say it.
      density: g/cm^3.
      mass_fractions: by element; scaled to sum to 1.
      critical_energy, muon_decay_fraction, muon_life, nuclear_line: as in :class:`Medium`.

    >>> polyethylene = mixture("polyethylene", 0.94, {HYDROGEN: 0.1437, CARBON: 0.8563},
    ...     critical_energy=101.0, muon_decay_fraction=0.924, muon_life=2.04, nuclear_line=4.44)
    >>> round(polyethylene.radiation_length * 0.94, 1)  # g/cm^2; the Particle Data Group has 44.77
    44.8
    """
    total = sum(mass_fractions.values())
    weights = {element: fraction / total for element, fraction in mass_fractions.items()}
    electrons = {e: w * e.atomic_number / e.atomic_mass for e, w in weights.items()}
    per_gram = sum(electrons.values())
    log = sum(n * math.log(e.mean_excitation) for e, n in electrons.items()) / per_gram
    excitation = math.exp(log)  # eV
    inverse = sum(w / e.radiation_length for e, w in weights.items())
    atoms = {e: w / e.atomic_mass for e, w in weights.items()}
    number = sum(atoms.values())
    return Medium(
        name=name,
        elements=tuple((e, n / number) for e, n in atoms.items()),
        density=density,
        mean_excitation=excitation * 1e-6,
        radiation_length=1.0 / inverse / density,
        critical_energy=critical_energy,
        density_effect=_density_effect(excitation, density * per_gram),
        muon_decay_fraction=muon_decay_fraction,
        muon_life=muon_life,
        nuclear_line=nuclear_line,
    )


def _density_effect(
    excitation: float, moles_of_electrons: float
) -> tuple[float, float, float, float, float]:
    """C, x0, x1, a, m of condensed matter; eV, and mol/cm^3 of electrons."""
    plasma = 28.816 * math.sqrt(moles_of_electrons)  # eV
    offset = 2.0 * math.log(excitation / plasma) + 1.0
    high, limit, shift = (2.0, 3.681, 1.0) if excitation < 100.0 else (3.0, 5.215, 1.5)
    low = 0.2 if offset <= limit else 0.326 * offset - shift
    ten = 2.0 * math.log(10.0)
    return offset, low, high, (offset - ten * low) / (high - low) ** 3, 3.0


# Density and radiation length: Particle Data Group, liquid argon. Mean excitation: 198 +- 4 eV for
# the liquid (Strait, arXiv 2501.10550); the tables have 188 eV, which is the gas. With it goes the
# density effect by the rule that gave the tables theirs. Negative muons at rest: captured at 1.30
# per us (Geant4's G4MuonMinusBoundDecay), decaying at 1 / 2.197 us less 2.5 (Z alpha)^2 for being
# bound. Argon 40 is left 1.46 MeV above ground. More: docs/sources.md.
LIQUID_ARGON = Medium(
    name="liquid argon",
    elements=((ARGON, 1.0),),
    density=1.396,
    mean_excitation=198.0e-6,
    radiation_length=14.0,
    critical_energy=32.0,
    density_effect=_density_effect(198.0, 1.396 * 18.0 / 39.948),
    muon_decay_fraction=0.251,
    muon_life=0.576,
    nuclear_line=1.46,
)
