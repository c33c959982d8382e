"""Energy deposits: what particle transport hands to the detector response."""

from __future__ import annotations

import dataclasses

import numpy as np

from jaxsparse.data.columns import Columns


@dataclasses.dataclass(frozen=True)
class Deposits(Columns):
    """Straight steps of energy loss, one row a step, numpy arrays.

    The particle simulation and the edep-sim reader both make these, so simulated and Geant4 events
    pass through one and the same detector response.

    Attributes:
      start, end: float64 ``[steps, 3]``, cm; x drift (0 at the wires) or across, y up, z beam.
      energy: float64 ``[steps]``, MeV deposited.
      length: float64 ``[steps]``, cm of path (0 for a point deposit).
      time: float64 ``[steps]``, us after the trigger.
      particle: int32 ``[steps]``, row in the event's particle table.
    """

    start: np.ndarray
    end: np.ndarray
    energy: np.ndarray
    length: np.ndarray
    time: np.ndarray
    particle: np.ndarray

    def __len__(self) -> int:
        return len(self.energy)

    @classmethod
    def concatenate(cls, parts: list[Deposits]) -> Deposits:
        """All steps of several lists, in order; of none, an empty list."""
        parts = [*parts, cls.empty()]
        names = [field.name for field in dataclasses.fields(cls)]
        return cls(**{name: np.concatenate([getattr(p, name) for p in parts]) for name in names})

    @classmethod
    def empty(cls) -> Deposits:
        """A list without a step."""
        return cls(
            np.zeros((0, 3)), np.zeros((0, 3)), np.zeros(0), np.zeros(0), np.zeros(0),
            np.zeros(0, np.int32),
        )  # fmt: skip
