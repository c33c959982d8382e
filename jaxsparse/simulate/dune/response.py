"""From energy deposits to hits: recombination, drift, wires, pulses, and the hits found in them.

The pixel maps are made of reconstructed hits, not of waveforms: a pulse on a wire is one pixel.
Pulses are followed in bins of two ticks. A wire holds charge in few of them, so that the bins of
all wires of all events lie one after the other on a tape that leaves out what is empty.
"""

from __future__ import annotations

import dataclasses

import numpy as np

from jaxsparse.data.columns import Columns
from jaxsparse.data.deposits import Deposits
from jaxsparse.simulate.dune.detector import FarDetector, WireView
from jaxsparse.simulate.ionization import free_electrons, subdivide
from jaxsparse.simulate.wire_chamber.charges import gaussian_shares

LONGEST_STEP = 0.15  # cm: a third of a wire
BIN = 2.0  # ticks
SMALLEST_PART = 20.0  # electrons: less on a wire is dropped, a thousandth of a hit
REACH = 1  # wires to either side that a charge diffuses to: 3.5 sigma after the longest drift
SPAN = 1 << 15  # bins of a wire, more than any event has
WIRES = 1 << 13  # more than any view has


@dataclasses.dataclass(frozen=True)
class Charges:
    """Point charges that drift to the wires.

    Attributes:
      points: float64 ``[points, 3]``, cm.
      tick: float64 ``[points]``, when they arrive, both drifts on one axis.
      drift_time: float64 ``[points]``, us.
      electrons: float64 ``[points]``, that arrive.
      event: int64 ``[points]``.
    """

    points: np.ndarray
    tick: np.ndarray
    drift_time: np.ndarray
    electrons: np.ndarray
    event: np.ndarray


@dataclasses.dataclass(frozen=True)
class Hits(Columns):
    """Hits of one view, in order of event, wire and time.

    Attributes:
      event: int64 ``[hits]``.
      wire: int64 ``[hits]``, growing along the beam.
      tick: float64 ``[hits]``, mean time of the charge.
      integral: float64 ``[hits]``, counts times ticks.
    """

    event: np.ndarray
    wire: np.ndarray
    tick: np.ndarray
    integral: np.ndarray

    def __len__(self) -> int:
        return len(self.event)


def drift(
    deposits: Deposits,
    pdg: np.ndarray,
    event: np.ndarray,
    detector: FarDetector,
    rng: np.random.Generator,
) -> Charges:
    """Point charges of at most 1.5 mm of track that reach the wires.

    Args:
      deposits: steps of energy loss.
      pdg: code of every particle.
      event: number of every particle's event.
      detector: the chamber.
      rng: of the diffusion along the drift.
    """
    electrons = free_electrons(deposits, pdg, detector.field)
    points, share, row = subdivide(deposits, LONGEST_STEP)
    seen = detector.active(points)
    points, share, row = points[seen], share[seen], row[seen]
    drift_time = detector.drift_time(points)
    arrived = electrons[row] * share * np.exp(-drift_time / detector.electron_lifetime)
    spread = np.sqrt(2.0 * detector.diffusion_along * drift_time) / detector.drift_velocity
    tick = detector.clock(points, deposits.time[row])
    tick += spread / detector.tick * rng.standard_normal(len(tick))
    return Charges(points, tick, drift_time, arrived, event[deposits.particle[row]])


def find_hits(
    charges: Charges, view: WireView, detector: FarDetector, rng: np.random.Generator
) -> Hits:
    """Hits of all events on the wires of a view.

    A region above ``end_of_hit`` is cut where the waveform has a minimum, and every part of it that
    is long is cut to parts of ``long_pulse``. A part is a hit if it is high enough.

    Args:
      charges: of all events.
      view: the wires.
      detector: the chamber.
      rng: of the noise.
    """
    keys, height = _tape(*_on_wires(charges, view, detector), detector.pulse / BIN)
    height *= detector.counts_per_electron / BIN  # counts: integrals are in counts times ticks
    parts = _parts(height, detector)
    if not len(parts):
        none = np.zeros(0, np.int64)
        return Hits(none, none, np.zeros(0), np.zeros(0))
    inside = height > detector.end_of_hit
    height, keys = height[inside], keys[inside]
    total = np.add.reduceat(height, parts)
    mean = np.add.reduceat(height * (keys % SPAN), parts) / total
    found = np.maximum.reduceat(height, parts) >= detector.threshold
    wire = keys[parts[found]] // SPAN
    integral = total[found] * BIN
    integral += detector.noise * rng.standard_normal(len(integral))
    event, number = np.divmod(wire, WIRES)
    tick = (mean[found] + 0.5 - SPAN // 2) * BIN
    return Hits(event, number - WIRES // 2, tick, np.maximum(integral, 1.0))


def _on_wires(
    charges: Charges, view: WireView, detector: FarDetector
) -> tuple[np.ndarray, np.ndarray]:
    """Sorted keys (event, wire, bin) and the electrons in each."""
    position = view.position(charges.points)
    width = np.sqrt(2.0 * detector.diffusion_across * charges.drift_time) / view.pitch
    first, shares = gaussian_shares(position, np.maximum(width, 0.05), REACH)
    parts = charges.electrons[:, None] * shares
    point, step = np.nonzero(parts > SMALLEST_PART)
    wire = first[point] + step + WIRES // 2
    place = np.floor(charges.tick[point] / BIN).astype(np.int64) + SPAN // 2
    keys = (charges.event[point] * WIRES + wire) * SPAN + place
    keys, where = np.unique(keys, return_inverse=True)
    return keys, np.bincount(where, parts[point, step], minlength=len(keys))


def _tape(keys: np.ndarray, electrons: np.ndarray, sigma: float) -> tuple[np.ndarray, np.ndarray]:
    """Keys of all bins near charge, and the electrons in them spread by the pulse (bins)."""
    reach = int(np.ceil(3.0 * sigma))
    gap = 2 * reach + 2  # an empty bin between what is not connected
    jump = np.minimum(np.diff(keys, prepend=keys[:1]), gap)
    place = np.cumsum(jump) + reach
    size = int(place[-1]) + reach + 1 if len(keys) else 0
    tape = np.zeros(size)
    tape[place] = electrons
    offsets = np.arange(-reach, reach + 1)
    pulse = np.exp(-0.5 * (offsets / sigma) ** 2)
    tape = np.convolve(tape, pulse / pulse.sum(), mode="same") if size else tape
    # A bin belongs to the charge before it up to ``reach``, further on to the one behind it.
    bins = np.arange(size)
    before = np.searchsorted(place, bins - reach)
    nearest = np.minimum(before, max(len(keys) - 1, 0))
    return (keys[nearest] + bins - place[nearest] if size else keys), tape


def _parts(height: np.ndarray, detector: FarDetector) -> np.ndarray:
    """First bins of the parts of all regions, numbered among the bins above ``end_of_hit``."""
    inside = height > detector.end_of_hit
    number = np.cumsum(inside) - 1
    before = np.concatenate([[0.0], height[:-1]])
    after = np.concatenate([height[1:], [0.0]])
    begins = inside & ~np.concatenate([[False], inside[:-1]])
    valley = inside & (height <= before) & (height < after)
    starts = number[begins | valley]
    length = np.diff(np.append(starts, inside.sum()))
    pieces = np.where(
        length * BIN > 1.5 * detector.long_pulse,
        np.ceil(length * BIN / detector.long_pulse).astype(np.int64),
        1,
    )
    index = np.arange(pieces.sum()) - np.repeat(np.cumsum(pieces) - pieces, pieces)
    step = np.repeat(length / pieces, pieces)
    return np.repeat(starts, pieces) + np.floor(index * step).astype(np.int64)
