"""Point charges that drift to the wires, and the pixels of a plane over which they spread."""

from __future__ import annotations

import dataclasses

import numpy as np
from scipy.special import ndtr

from jaxsparse.data.deposits import Deposits
from jaxsparse.simulate.ionization import free_electrons, subdivide
from jaxsparse.simulate.pixel_truth import Groups
from jaxsparse.simulate.wire_chamber.chamber import WireChamber, WirePlane, peak_share

LONGEST_STEP = 0.1  # cm: a third of a pixel
REACH = 2  # pixels to either side over which a point charge is spread: 2.5 sigma at the worst


@dataclasses.dataclass(frozen=True)
class Charges:
    """Point charges inside the active volume.

    Attributes:
      points: float64 ``[points, 3]``, cm.
      time: float64 ``[points]``, us after the trigger.
      electrons: float64 ``[points]``, that reach the wires.
      energy: float64 ``[points]``, MeV deposited.
      group: int64 ``[points]``, number in the event's :class:`Groups`.
    """

    points: np.ndarray
    time: np.ndarray
    electrons: np.ndarray
    energy: np.ndarray
    group: np.ndarray


def drift(
    deposits: Deposits, particles: np.ndarray, groups: Groups, detector: WireChamber
) -> Charges:
    """Point charges of at most 1 mm of track that reach the wires within the read-out window."""
    electrons = free_electrons(deposits, particles["pdg"], detector.field, detector.recombination)
    points, share, row = subdivide(deposits, LONGEST_STEP)
    time = deposits.time[row]
    arrival = detector.row_position(points[:, 0], time)
    inside = (arrival > -REACH) & (arrival < detector.rows + REACH)
    for axis in range(3):
        inside &= (points[:, axis] >= detector.low[axis]) & (points[:, axis] < detector.high[axis])
    points, share, row, time = points[inside], share[inside], row[inside], time[inside]
    lost = np.exp(-points[:, 0] / (detector.drift_velocity * detector.electron_lifetime))
    return Charges(
        points=points,
        time=time,
        electrons=electrons[row] * share * lost,
        energy=deposits.energy[row] * share,
        group=groups.of_particle[deposits.particle[row]],
    )


def spread(
    charges: Charges, detector: WireChamber, plane: WirePlane
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Flat pixel, group and ADC of the parts into which the point charges fall.

    A charge is a Gaussian in time (pulse and longitudinal diffusion) and across the wires
    (induction and transverse diffusion); a pixel gets its integral over the pixel.
    """
    drift_time = charges.points[:, 0] / detector.drift_velocity
    row = detector.row_position(charges.points[:, 0], charges.time)
    wire = plane.position(charges.points, detector.pitch)
    pulse = plane.pulse_sigma / detector.row_time
    gain = 1 / (detector.electrons_per_adc * peak_share(pulse))
    along = 2 * detector.diffusion_along / detector.drift_velocity**2 / detector.row_time**2
    across = 2 * detector.diffusion_across / detector.pitch**2

    cells = _cells_of_tracks(row, wire, charges.group, charges.electrons * gain, drift_time)
    row, wire, group, adc, drift_time, row_variance, wire_variance = cells
    row_width = np.sqrt(pulse**2 + along * drift_time + row_variance)
    wire_width = np.sqrt(
        (plane.wire_sigma / detector.pitch) ** 2 + across * drift_time + wire_variance
    )
    first_wire, wire_shares = gaussian_shares(wire, wire_width)
    on_wire = adc.astype(np.float32)[:, None] * wire_shares
    cell, step = np.nonzero(
        on_wire > detector.smallest_part
    )  # most charges are on one or two wires
    wires, on_wire = first_wire[cell] + step, on_wire[cell, step]
    first_row, row_shares = gaussian_shares(row, row_width)
    parts = on_wire[:, None] * row_shares[cell]
    part, step = np.nonzero(parts > detector.smallest_part)
    rows, wires = first_row[cell[part]] + step, wires[part]
    seen = (rows >= 0) & (rows < detector.rows) & (wires >= 0) & (wires < plane.wires)
    flat = rows[seen].astype(np.int64) * plane.wires + wires[seen]
    return flat, group[cell[part[seen]]], parts[part, step][seen].astype(float)


def _cells_of_tracks(row, wire, group, adc, drift_time):
    """Merges consecutive points of one instance in one pixel: charge, centre, and variance.

    Points follow their track, so that runs need no sorting; what a run does not join is joined
    after the spreading. The first two moments are exact, which the Gaussian makes good use of.
    """
    if not len(row):
        return row, wire, group, adc, drift_time, row, wire
    key = np.stack([np.floor(row), np.floor(wire), group])
    starts = np.flatnonzero(np.concatenate([[True], (key[:, 1:] != key[:, :-1]).any(0)]))
    total = np.add.reduceat(adc, starts)

    def mean(values):
        return np.add.reduceat(adc * values, starts) / total

    length = np.diff(np.append(starts, len(adc)))
    row_mean, wire_mean = mean(row), mean(wire)
    row_variance = mean((row - np.repeat(row_mean, length)) ** 2)
    wire_variance = mean((wire - np.repeat(wire_mean, length)) ** 2)
    return row_mean, wire_mean, group[starts], total, mean(drift_time), row_variance, wire_variance


def gaussian_shares(
    position: np.ndarray, width: np.ndarray, reach: int = REACH
) -> tuple[np.ndarray, np.ndarray]:
    """First of ``2 reach + 1`` bins around each position, and a Gaussian's shares of them.

    What lies beyond is in the outer bins, so that the shares sum to 1.
    """
    own = np.floor(position)
    edges = np.arange(1 - reach, reach + 1, dtype=np.float32)
    inside = edges - (position - own).astype(np.float32)[:, None]
    below = np.zeros((len(position), 2 * reach + 2), np.float32)
    below[:, 1:-1] = ndtr(inside / width.astype(np.float32)[:, None])
    below[:, -1] = 1
    return own.astype(np.int32) - reach, np.diff(below, axis=1)
