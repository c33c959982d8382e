"""What the detector is: a module of anode planes with wires, its drift and its electronics.

Sources of the numbers, where they are not our own choice:

- geometry: the far-detector module of DUNE's technical design report (arXiv 2002.03010), six
  anode planes long, two high and one wide as its simulation has it ("1x2x6"); wires an anode plane
  and gaps between them from the experiment's own pixel-map code (dunereco, ``PixelMapProducer``);
- the drift at 500 V/cm: 1.6 mm/us; diffusion of its LArSoft configuration;
- what a hit is: dunereco's and LArSoft's defaults (long pulses are cut to hits of 16 ticks);
- ``electron_lifetime``, ``counts_per_electron``, ``threshold``, ``pulse`` and ``noise`` are fitted
  to the values of pixels in the public images.
"""

from __future__ import annotations

import dataclasses
import functools
import math

import numpy as np

from jaxsparse.detectors.dune import DUNE, WIRE_ANGLES
from jaxsparse.simulate.transport.medium import LIQUID_ARGON
from jaxsparse.simulate.transport.world import Volume, World


@dataclasses.dataclass(frozen=True)
class WireView:
    """The wires of one kind, unrolled over all anode planes.

    Attributes:
      name: name of the view.
      angle: degrees between the wires and the vertical.
      pitch: cm between wires.
    """

    name: str
    angle: float
    pitch: float

    def position(self, points: np.ndarray) -> np.ndarray:
        """Where points (cm) are in units of wires; it grows along the beam."""
        angle = math.radians(self.angle)
        across = points[:, 2] * math.cos(angle) + points[:, 1] * math.sin(angle)
        return across / self.pitch


@dataclasses.dataclass(frozen=True)
class FarDetector:
    """A box of liquid argon with anode planes at x = 0 and cathodes at both sides.

    Attributes:
      name: as the event file states it.
      low, high: cm, corners of the box; x drift, y up, z beam.
      fiducial_low, fiducial_high: cm, corners of the box of vertices.
      views: the three kinds of wires.
      frame_length, frame_gap: cm along the beam between equal points of neighbouring anode planes,
        and without wires between them.
      middle_gap, anode_gap: cm without wires between upper and lower planes, and between the
        drift volumes on both sides of a plane.
      beam_direction: of the neutrinos, any length; down by 0.03 rad, fitted to the ratio of V to U.
      field: kV/cm.
      drift_velocity: cm/us.
      electron_lifetime: us.
      diffusion_along, diffusion_across: cm^2/us.
      tick: us.
      pulse: ticks, standard deviation of the pulse of a point charge.
      counts_per_electron: integral of a hit (counts times ticks) per electron on the wire.
      threshold: counts, least height of a hit.
      end_of_hit: counts, where the region of a hit ends.
      noise: counts times ticks, standard deviation of a hit's integral.
      long_pulse: ticks; what is longer than one and a half of it is cut to hits of that length.
      least_hits: an event with no more hits, of all views, has no pixel map.
    """

    name: str
    low: tuple[float, float, float] = (-363.0, -600.0, 0.0)
    high: tuple[float, float, float] = (363.0, 600.0, 1394.0)
    fiducial_low: tuple[float, float, float] = (-310.0, -550.0, 50.0)
    fiducial_high: tuple[float, float, float] = (310.0, 550.0, 1244.0)
    views: tuple[WireView, ...] = (
        WireView("U", WIRE_ANGLES["U"], 0.4669),
        WireView("V", WIRE_ANGLES["V"], 0.4669),
        WireView("Z", WIRE_ANGLES["Z"], 0.479),
    )
    frame_length: float = 232.3
    frame_gap: float = 2.4
    middle_gap: float = 3.0
    anode_gap: float = 8.0
    beam_direction: tuple[float, float, float] = (0.0, -0.03, 0.99955)
    field: float = 0.5
    drift_velocity: float = 0.16
    electron_lifetime: float = 3000.0
    diffusion_along: float = 4.0e-6
    diffusion_across: float = 8.8e-6
    tick: float = 0.5
    pulse: float = 2.3
    counts_per_electron: float = 0.0047
    threshold: float = 4.7
    end_of_hit: float = 1.0
    noise: float = 6.0
    long_pulse: float = 16.0
    least_hits: int = 100

    @functools.cached_property
    def world(self) -> World:
        """Where the transport moves; wires are coarser than in smaller chambers, so are steps."""
        volume = Volume(self.low, self.high)
        return World(LIQUID_ARGON, volume, step=0.45, fine_step=0.15, delta_cut=0.5)

    def active(self, points: np.ndarray) -> np.ndarray:
        """Whether charge at points ``[n, 3]`` (cm) drifts to wires."""
        x, y, z = points.T
        along = np.mod(z, self.frame_length) - 0.5 * self.frame_length
        seen = self.world.volume.inside(points)
        seen &= np.abs(along) < 0.5 * (self.frame_length - self.frame_gap)
        return seen & (np.abs(y) > 0.5 * self.middle_gap) & (np.abs(x) > 0.5 * self.anode_gap)

    def drift_time(self, points: np.ndarray) -> np.ndarray:
        """us from points (cm) to the wires."""
        return np.maximum(np.abs(points[:, 0]) - 0.5 * self.anode_gap, 0.0) / self.drift_velocity

    def clock(self, points: np.ndarray, time: np.ndarray) -> np.ndarray:
        """Ticks of charge from points (cm) at times (us), both drifts unrolled to one axis along x.

        A late charge seems farther from the wires, on whichever side it is.

        >>> at = np.array([[-16.0, 0.0, 0.0], [16.0, 0.0, 0.0]])
        >>> DUNE_FAR.clock(at, np.array([0.0, 2.0]))
        array([-200.,  204.])
        """
        side = np.where(points[:, 0] < 0.0, -1.0, 1.0)
        return (points[:, 0] / self.drift_velocity + side * time) / self.tick


DUNE_FAR = FarDetector(name=DUNE.name)
