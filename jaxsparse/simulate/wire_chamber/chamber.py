"""What a liquid-argon wire chamber is: its box, its wires, its clock and its electronics."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Sequence

import numpy as np
from jaxtyping import Float
from scipy.special import erf

from jaxsparse.detectors.microboone import MICROBOONE, ROW_VOXELS, VOXELS
from jaxsparse.errors import InputError
from jaxsparse.simulate.ionization import ARGONEUT, ModifiedBox
from jaxsparse.simulate.transport.world import World


@dataclasses.dataclass(frozen=True)
class WirePlane:
    """One plane of parallel wires, and how its electronics answer.

    A charge at height y and beam coordinate z (cm) is on wire
    ``floor((z cos(angle) + y sin(angle) + offset) / pitch)``.

    Attributes:
      name: name of the view.
      angle: degrees between the wires and the vertical; 0 for the collection plane.
      offset: cm, brings the first wire to number 0.
      wires: how many there are.
      pulse_sigma: us, Gaussian width of the deconvolved pulse of a point charge.
      wire_sigma: cm, Gaussian width across the wires of what a point charge induces, beside its
        diffusion.
      noise: ADC, standard deviation in a pixel.
      saturation: ADC, the largest value a pixel can hold.
    """

    name: str
    angle: float
    offset: float
    wires: int
    pulse_sigma: float
    wire_sigma: float
    noise: float
    saturation: float

    def position(self, points: Float[np.ndarray, "points 3"], pitch: float) -> np.ndarray:
        """Where points (cm) are in units of wires; the wire number is the floor of it."""
        angle = math.radians(self.angle)
        across = points[:, 2] * math.cos(angle) + points[:, 1] * math.sin(angle)
        return (across + self.offset) / pitch


def peak_share(width: float) -> float:
    """Share of a Gaussian in the bin of its centre, averaged over where in the bin that is.

    Args:
      width: of the Gaussian, in bins.

    >>> round(peak_share(0.4), 3)
    0.682
    """
    edge = 1 / width
    density = (1 - np.exp(-(edge**2) / 2)) / np.sqrt(2 * np.pi)
    return float(erf(edge / np.sqrt(2)) - 2 * width * density)


@dataclasses.dataclass(frozen=True)
class WireChamber:
    """A box of liquid argon read out by wire planes at x = 0.

    What is called ADC here is the unit of the pixels, whatever a detector's is.

    Attributes:
      name: as the event file states it.
      low, high: cm, corners of the active volume; x drift, y up, z beam.
      planes: the wire planes.
      world: where particles move.
      field: kV/cm, along the drift.
      recombination: model of it, and its constants.
      pitch: cm between wires, and edge of a voxel.
      rows: time rows of an image.
      row_ticks: ticks in a row.
      tick: us.
      first_tick, trigger_tick: tick of the first row's start, and of the trigger.
      drift_velocity: cm/us.
      electron_lifetime: us.
      diffusion_along, diffusion_across: cm^2/us, along and across the drift.
      electrons_per_adc: electrons on a wire that give 1 ADC in the row they arrive in, without
        diffusion and averaged over when in the row that is.
      noise_floor: ADC; above it pixels of pure noise are part of an image, below it they are not.
        Masks at or above it see exactly what the electronics gave.
      signal_floor: ADC; pixels with charge are stored above it.
      truth_floor: ADC; less charge of one particle names no pixel.
      smallest_part: ADC; parts of a point charge below it are dropped.
      voxel_floor: MeV; voxels are stored above it.
      dead_fraction, dead_group: share of wires without read-out, and mean size of their groups.
    """

    name: str
    low: tuple[float, float, float]
    high: tuple[float, float, float]
    planes: tuple[WirePlane, ...]
    world: World
    field: float
    recombination: ModifiedBox = ARGONEUT
    pitch: float = 0.3
    rows: int = MICROBOONE.views["Y"].shape[0]
    row_ticks: int = 6
    tick: float = 0.5
    first_tick: int = 2400
    trigger_tick: int = 3200
    drift_velocity: float = 0.1098
    electron_lifetime: float = 10_000.0
    diffusion_along: float = 3.74e-6
    diffusion_across: float = 5.85e-6
    electrons_per_adc: float = 300.0
    noise_floor: float = 10.0
    signal_floor: float = 5.0
    truth_floor: float = 1.0
    smallest_part: float = 0.1
    voxel_floor: float = 0.05
    dead_fraction: float = 0.1
    dead_group: float = 12.0

    @property
    def view_names(self) -> tuple[str, ...]:
        """The wire planes and the voxels."""
        return (*(plane.name for plane in self.planes), *self.voxel_names)

    @property
    def voxel_names(self) -> tuple[str, ...]:
        """The views in three dimensions."""
        return VOXELS, ROW_VOXELS

    @property
    def row_time(self) -> float:
        """us in a time row."""
        return self.row_ticks * self.tick

    @property
    def window(self) -> tuple[float, float]:
        """us after the trigger at which the image begins and ends."""
        start = (self.first_tick - self.trigger_tick) * self.tick
        return start, start + self.rows * self.row_time

    @property
    def drift_time(self) -> float:
        """us from the far side to the wires."""
        return (self.high[0] - self.low[0]) / self.drift_velocity

    def plane(self, name: str) -> WirePlane:
        """The wire plane of that name."""
        return next(plane for plane in self.planes if plane.name == name)

    def view_shape(self, name: str) -> tuple[int, ...]:
        """Full image shape of a view: (time rows, wires), or voxels along their axes."""
        spans = (high - low for low, high in zip(self.low, self.high, strict=True))
        x, y, z = (math.ceil(span / self.pitch - 1e-6) for span in spans)
        if name in self.voxel_names:
            return (self.rows if name == ROW_VOXELS else x), y, z
        return self.rows, self.plane(name).wires

    def check_views(self, names: Sequence[str]) -> tuple[str, ...]:
        """The names, if they are views of this detector, each once.

        Raises:
          InputError: an unknown or doubled name, or none.
        """
        for name in names:
            if name not in self.view_names:
                raise InputError(
                    f"View {name!r}: {self.name} has {', '.join(self.view_names)}, name those."
                )
        if not names or len(set(names)) < len(names):
            raise InputError(f"Views {','.join(names)!r}: name at least one, and each once.")
        return tuple(names)

    def row_position(self, x: np.ndarray, time: np.ndarray) -> np.ndarray:
        """Where charge from drift coordinate x (cm) at a time (us) arrives, in time rows.

        >>> from jaxsparse.simulate.microboone.chamber import MICROBOONE_CHAMBER
        >>> np.floor(MICROBOONE_CHAMBER.row_position(np.array([0.0, 256.0]), np.zeros(2)))
        array([133., 910.])
        """
        return (time + x / self.drift_velocity - self.window[0]) / self.row_time

    def voxel_position(
        self, name: str, points: Float[np.ndarray, "points 3"], time: np.ndarray
    ) -> np.ndarray:
        """Where charge from points (cm) at a time (us) is in units of voxels.

        The first axis of ``"voxels"`` is x where the drift time puts the charge, so that only what
        arrives in time with the trigger is inside; that of ``"row_voxels"`` is the time row of its
        arrival, as on the planes. The others are y and z.

        >>> from jaxsparse.simulate.microboone.chamber import MICROBOONE_CHAMBER
        >>> points = np.array([[0.0, 0.0, 6.0]])
        >>> MICROBOONE_CHAMBER.voxel_position("row_voxels", points, np.zeros(1))
        array([[133.33333333, 388.33333333,  20.        ]])
        """
        position = points.copy()
        position[:, 0] += self.drift_velocity * time
        position = (position - np.array(self.low)) / self.pitch
        if name == ROW_VOXELS:
            position[:, 0] = self.row_position(points[:, 0], time)
        return position

    def dead_wires(self, seed: int = 0) -> dict[str, np.ndarray]:
        """Wires without read-out by plane, in groups as failed chips make them.

        Args:
          seed: another seed is another detector of the same kind.

        Returns:
          Sorted int32 wire numbers by plane name, ``dead_fraction`` of the wires.
        """
        dead = {}
        for number, plane in enumerate(self.planes):
            rng = np.random.default_rng((seed, number))
            mask = np.zeros(plane.wires, bool)
            target = round(self.dead_fraction * plane.wires)
            while (missing := target - mask.sum()) > 0:
                size = min(int(rng.geometric(1 / self.dead_group)), missing)
                start = int(rng.integers(plane.wires - size + 1))
                mask[start : start + size] = True
            dead[plane.name] = np.flatnonzero(mask).astype(np.int32)
        return dead
