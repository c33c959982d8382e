"""What the detector is: planes of cells, their light and their electronics.

Sources of the numbers, where they are not our own choice:

- cells of 3.9 cm x 6.6 cm in alternating planes, 384 a plane and 896 planes at the far detector:
  the experiment's papers (arXiv 1604.01444, section 3; not read there: 344,064 cells and 3.9 cm
  across are, in other publications);
- walls so that the scintillator has its published share of the mass: 20.1 cm^2 of a cell, where
  8.8 kt in 344,064 cells are 19 to 20. News of 6.0 cm of depth inside would give 21.4
  (docs/sources.md);
- fibre attenuation, light at the far end, saturation: the published defaults of the experiment's
  own light and readout simulation (novaart wiki, PhotonTransport and ReadoutSim);
- Birks' constant: plastic scintillator, Craun and Smith, Nucl. Instrum. Methods 80, 239 (1970).
"""

from __future__ import annotations

import dataclasses
import functools

import numpy as np

from jaxsparse import particle_data as c
from jaxsparse.detectors.nova import NOVA
from jaxsparse.simulate.transport.energy_loss import restricted_loss
from jaxsparse.simulate.transport.medium import (
    CARBON,
    CHLORINE,
    HYDROGEN,
    OXYGEN,
    TITANIUM,
    Medium,
    mixture,
)
from jaxsparse.simulate.transport.world import Volume, World

# Mineral oil with 5 % of pseudocumene is as good as CH2; PVC is C2H3Cl with 15 % of titanium
# dioxide, which makes its walls reflect. Mass fractions and densities from memory.
OIL = {HYDROGEN: 0.14, CARBON: 0.86}
OIL_DENSITY, WALL_DENSITY = 0.86, 1.49  # g/cm^3
WALL = {
    HYDROGEN: 0.85 * 0.0484, CARBON: 0.85 * 0.3844, CHLORINE: 0.85 * 0.5673,
    TITANIUM: 0.15 * 0.5993, OXYGEN: 0.15 * 0.4007,
}  # fmt: skip
# At rest: the numbers of carbon, captures at Geant4's 0.0371 per us (as for liquid argon); a slow
# neutron leaves carbon 12 at 4.44 MeV.
_CARBON = {"muon_decay_fraction": 0.924, "muon_life": 2.04, "nuclear_line": 4.44}
SCINTILLATOR = mixture("liquid scintillator", OIL_DENSITY, OIL, critical_energy=100.0, **_CARBON)


@dataclasses.dataclass(frozen=True)
class CellDetector:
    """A box of planes of long cells, vertical and horizontal in turn.

    Even planes have vertical cells, which measure x (view XZ) and are read at the top; odd planes
    have horizontal ones, which measure y (view YZ) and are read at high x.

    Attributes:
      name: as the event file states it.
      planes, cells: planes along the beam, cells in each.
      depth, width: cm, a cell with its walls, along and across the beam.
      outer_wall, inner_wall: cm of PVC before and behind a plane's scintillator, and between two
        cells. They give no light.
      birks: g/(cm^2 MeV).
      fibre: shares and lengths (cm) of the two exponentials of the fibre.
      far_light: photo-electrons of a minimum ionising particle straight through a cell at its far
        end.
      excess_noise: variance of the avalanche photodiode's answer over Poisson's.
      noise: photo-electrons, standard deviation of the electronics.
      threshold: photo-electrons, smallest signal that makes a hit.
      saturation: photo-electrons, the largest the digitiser holds.
      gate: us after the interaction within which light belongs to the event.
      counts_per_mev: value of a pixel per MeV, before it is truncated to a byte.
    """

    name: str
    planes: int = 896
    cells: int = 384
    depth: float = 6.6
    width: float = 3.9
    outer_wall: float = 0.48
    inner_wall: float = 0.33
    birks: float = 0.013
    fibre: tuple[tuple[float, float], ...] = ((0.3137, 289.5), (0.1669, 852.3))
    far_light: float = 25.0
    excess_noise: float = 2.5
    noise: float = 3.0
    threshold: float = 12.0
    saturation: float = 2800.0
    gate: float = 0.5
    counts_per_mev: float = 1.115

    @property
    def length(self) -> float:
        """cm: a cell's length, and the detector's height and width."""
        return self.cells * self.width

    @functools.cached_property
    def active_share(self) -> float:
        """Share of the volume that is scintillator."""
        inside = (self.depth - 2.0 * self.outer_wall) * (self.width - self.inner_wall)
        return inside / (self.depth * self.width)

    @functools.cached_property
    def medium(self) -> Medium:
        """Scintillator and PVC, mixed evenly."""
        oil, wall = OIL_DENSITY * self.active_share, WALL_DENSITY * (1.0 - self.active_share)
        elements = {
            element: (oil * OIL.get(element, 0.0) + wall * WALL[element]) / (oil + wall)
            for element in WALL
        }
        return mixture("scintillator in PVC", oil + wall, elements, critical_energy=80.0, **_CARBON)

    @functools.cached_property
    def world(self) -> World:
        """Where the transport moves: steps are coarser than in argon, for cells are large."""
        volume = Volume((0.0, 0.0, 0.0), (self.length, self.length, self.planes * self.depth))
        return World(self.medium, volume, step=1.0, delta_cut=1.0)

    @functools.cached_property
    def density_share(self) -> float:
        """Loss of a fast particle in the scintillator over that in the mixture."""
        energy, mass = np.array(400.0), c.MASSES[13]
        inside = restricted_loss(energy, mass, 1.0, SCINTILLATOR)
        return float(inside / restricted_loss(energy, mass, 1.0, self.medium))

    @functools.cached_property
    def mip_energy(self) -> float:
        """MeV that a minimum ionising muon leaves in a cell's scintillator, straight through."""
        energy, mass = np.geomspace(200.0, 500.0, 50), c.MASSES[13]
        loss = restricted_loss(energy, mass, 1.0, SCINTILLATOR).min()
        return float(loss * (self.depth - 2.0 * self.outer_wall))

    @functools.cached_property
    def photo_electrons_per_mev(self) -> float:
        """At the readout end of an endless fibre, per MeV of light that is not quenched."""
        loss = self.mip_energy / (self.depth - 2.0 * self.outer_wall)
        light = self.mip_energy * float(self.quenching(np.array(loss)))
        return self.far_light / (light * float(self.fibre_share(np.array(self.length))))

    def quenching(self, de_dx: np.ndarray) -> np.ndarray:
        """Birks' law: light per energy, 1 for little ionisation.

        Args:
          de_dx: MeV/cm in the scintillator.
        """
        return 1.0 / (1.0 + self.birks / OIL_DENSITY * de_dx)

    def fibre_share(self, distance: np.ndarray) -> np.ndarray:
        """Share of the light that arrives over both ways around the loop of fibre.

        Args:
          distance: cm from the readout end of the cell; the loop turns at its far end.

        >>> NOVA_FAR.fibre_share(np.array([0.0, 700.0, 1497.6])).round(3)
        array([0.486, 0.113, 0.061])
        """
        both = np.stack([distance, 2.0 * self.length - distance])
        parts = [part * np.exp(-both / scale) for part, scale in self.fibre]
        return np.sum(parts, axis=(0, 1))


NOVA_FAR = CellDetector(name=NOVA.aliases[0])
