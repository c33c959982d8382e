"""Where particles move: a medium, the part of it that is read out, and how finely to follow them.

Every detector hands a world of its own to its
:class:`~jaxsparse.simulate.transport.bank.ParticleBank`.
"""

from __future__ import annotations

import dataclasses
import functools

import numpy as np

from jaxsparse.simulate.transport.medium import Medium


@dataclasses.dataclass(frozen=True)
class Volume:
    """A box in which deposits can be seen at any time.

    Attributes:
      low, high: cm, its corners; x, y up, z beam.
    """

    low: tuple[float, float, float]
    high: tuple[float, float, float]

    @functools.cached_property
    def corners(self) -> tuple[np.ndarray, np.ndarray]:
        """The corners as arrays."""
        return np.array(self.low), np.array(self.high)

    def inside(self, position: np.ndarray, margin: float = 0.0) -> np.ndarray:
        """Whether points ``[n, 3]`` (cm) lie in the box grown by ``margin`` cm."""
        x, y, z = position[:, 0], position[:, 1], position[:, 2]
        low, high = self.corners[0] - margin, self.corners[1] + margin
        within = (x >= low[0]) & (x <= high[0]) & (y >= low[1])
        return within & (y <= high[1]) & (z >= low[2]) & (z <= high[2])

    def visible(self, position: np.ndarray, time: np.ndarray, margin: float = 0.0) -> np.ndarray:
        """Whether what is left at points (cm) and times (us) can be read out."""
        del time
        return self.inside(position, margin)


@dataclasses.dataclass(frozen=True)
class DriftVolume(Volume):
    """A box whose charge drifts to the wires at x = low and must arrive within a window.

    Attributes:
      drift_speed: cm/us.
      window: us after the trigger in which arriving charge is read out.
    """

    drift_speed: float
    window: tuple[float, float]

    @property
    def full_drift(self) -> float:
        """us from the far side to the wires."""
        return float(self.high[0] - self.low[0]) / self.drift_speed

    def visible(self, position: np.ndarray, time: np.ndarray, margin: float = 0.0) -> np.ndarray:
        """Whether charge left at points (cm) and times (us) can reach the readout window.

        Inside the volume, and drifted to the wires within the window, give or take ``margin`` cm.
        """
        arrival = time + position[:, 0] / self.drift_speed
        slack = margin / self.drift_speed
        in_time = (arrival >= self.window[0] - slack) & (arrival <= self.window[1] + slack)
        return in_time & self.inside(position, margin)


@dataclasses.dataclass(frozen=True)
class World:
    """What the transport needs to know of a detector.

    Attributes:
      medium: what fills it, within and around the volume.
      volume: what is read out.
      step: cm, longest deposit.
      fine_step, fine_path: cm, the longest deposit on the last ``fine_path`` of a stopping track.
      delta_cut: MeV; knock-on electrons above it are particles of their own, the loss along a track
        is restricted to what lies below. By default the cut of the Geant4 truth that readers read.
      hadron_rate: factor on how often hadrons interact with nuclei, to see what depends on it.
    """

    medium: Medium
    volume: Volume
    step: float = 0.3
    fine_step: float = 0.1
    fine_path: float = 0.9
    delta_cut: float = 0.35
    hadron_rate: float = 1.0
