"""From free electrons to wire-plane images with the truth of every pixel.

The chain: recombination (:mod:`ionization`), drift with attenuation and diffusion, projection on
each plane's wires, pulse shape, noise, dead wires, saturation, threshold. Charge is kept as sparse
(pixel, instance) sums throughout; no image is ever dense.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from scipy.special import ndtr, ndtri

from jaxsparse.data.deposits import Deposits
from jaxsparse.data.schema import TRUTH_COLUMNS, Event, View
from jaxsparse.detectors.microboone import PLANES, VOXELS
from jaxsparse.particle_data import UNKNOWN_PROCESS
from jaxsparse.simulate.ionization import free_electrons, subdivide
from jaxsparse.simulate.microboone.chamber import WireChamber, WirePlane, peak_share
from jaxsparse.simulate.pixel_truth import Groups, merge, pixel_truth, vertex_distance

LONGEST_STEP = 0.1  # cm: a third of a pixel
VOXEL_TRUTH_FLOOR = 0.01  # MeV
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


def detector_response(
    deposits: Deposits,
    particles: np.ndarray,
    detector: WireChamber,
    rng: np.random.Generator,
    *,
    views: Sequence[str] = PLANES,
    dead_wires: Mapping[str, np.ndarray] | None = None,
    event_id: int = 0,
    topology: str = "",
) -> Event:
    """Images of an event, as a liquid-argon wire chamber shows them, with truth.

    Args:
      deposits: steps of energy loss; outside the active volume they vanish.
      particles: ``PARTICLE_DTYPE`` with ``label``, ``instance`` and ``interaction`` filled in.
      detector: the chamber.
      rng: source of the noise; every view draws from a stream of its own, so that a view is the
        same whichever others are asked for.
      views: wire planes, and ``"voxels"`` for the deposited energy in 3-D.
      dead_wires: wires without read-out by view, all are read out where it says nothing.
      event_id, topology: handed on to the event.

    Returns:
      The event. Wire-plane values are ADC, voxels MeV at the place where the drift time puts them.
    """
    detector.check_views(views)
    groups = Groups.of(particles)
    charges = drift(deposits, particles, groups, detector)
    vertices = interaction_vertices(particles)
    streams = dict(zip(detector.view_names, rng.spawn(len(detector.view_names)), strict=True))
    images = {}
    for name in views:
        if name == VOXELS:
            images[name] = voxel_view(charges, groups, vertices, detector)
        else:
            dead = (dead_wires or {}).get(name, np.zeros(0, np.int32))
            images[name] = wire_view(
                charges, groups, vertices, detector, detector.plane(name), dead, streams[name]
            )
    return Event(event_id=event_id, views=images, particles=particles, topology=topology)


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


def interaction_vertices(particles: np.ndarray) -> np.ndarray:
    """float64 ``[vertices, 4]``: x, y, z (cm) and time (us) of the interaction.

    Where primaries start, unless nobody knows whether they are any.
    """
    primaries = particles[
        (particles["parent"] < 0)
        & particles["interaction"]
        & (particles["process"] != UNKNOWN_PROCESS)
    ]
    return np.unique(np.column_stack([primaries["start"], primaries["time"]]).astype(float), axis=0)


def wire_view(
    charges: Charges,
    groups: Groups,
    vertices: np.ndarray,
    detector: WireChamber,
    plane: WirePlane,
    dead: np.ndarray,
    rng: np.random.Generator,
) -> View:
    """The image of one wire plane."""
    cells, group, adc = merge(*spread(charges, detector, plane), num_groups=len(groups))
    alive = np.ones(plane.wires, bool)
    alive[dead] = False
    read = alive[cells % plane.wires]
    truth = pixel_truth(cells[read], group[read], adc[read], groups, floor=detector.truth_floor)
    pixels, signal = truth.pop("pixels"), truth.pop("values")

    values = signal + plane.noise * rng.standard_normal(len(signal))
    kept = values >= detector.signal_floor
    noise_pixels, noise_values = noise_only(pixels, detector, plane, alive, rng)
    pixels = np.concatenate([pixels[kept], noise_pixels])
    values = np.concatenate([values[kept], noise_values])
    order = np.argsort(pixels)
    columns: dict[str, Any] = {
        name: np.append(column[kept], np.full_like(column, none, shape=len(noise_pixels)))[order]
        for name, column in truth.items()
        for none in [TRUTH_COLUMNS[name].none]
    }
    shape = detector.rows, plane.wires
    coords = np.column_stack(np.unravel_index(pixels[order], shape)).astype(np.int32)
    seen = np.column_stack(
        [
            detector.row_position(vertices[:, 0], vertices[:, 3]),
            plane.position(vertices[:, :3], detector.pitch),
        ]
    )
    return View(
        coords=coords,
        values=np.minimum(values[order], plane.saturation).astype(np.float32),
        shape=shape,
        vertex_distance=vertex_distance(coords, np.floor(seen).astype(np.int64), shape),
        **columns,
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


def noise_only(
    taken: np.ndarray,
    detector: WireChamber,
    plane: WirePlane,
    alive: np.ndarray,
    rng: np.random.Generator,
) -> tuple[np.ndarray, np.ndarray]:
    """Pixels without charge that the noise lifts above ``noise_floor``, and their ADC."""
    chance = ndtr(-detector.noise_floor / plane.noise)
    count = rng.binomial(detector.rows * plane.wires, chance)
    pixels = np.unique(rng.integers(detector.rows * plane.wires, size=count))
    tail = chance * (1 - rng.random(len(pixels)))
    place = np.searchsorted(taken, pixels)
    free = alive[pixels % plane.wires] & (np.append(taken, -1)[place] != pixels)
    return pixels[free], -plane.noise * ndtri(tail[free])


def voxel_view(
    charges: Charges, groups: Groups, vertices: np.ndarray, detector: WireChamber
) -> View:
    """Deposited energy in cubic voxels; x is where the drift time of its charge puts it."""
    shape = detector.view_shape(VOXELS)
    low = np.array(detector.low)

    def voxel(points, time):
        apparent = points.copy()
        apparent[:, 0] += detector.drift_velocity * time
        return np.floor((apparent - low) / detector.pitch).astype(np.int64)

    place = voxel(charges.points, charges.time)
    seen = ((place >= 0) & (place < shape)).all(1)
    flat = np.ravel_multi_index(place[seen].T, shape)
    sums = merge(flat, charges.group[seen], charges.energy[seen], len(groups))
    truth = pixel_truth(*sums, groups, floor=VOXEL_TRUTH_FLOOR)
    pixels, values = truth.pop("pixels"), truth.pop("values")
    kept = values >= detector.voxel_floor
    columns: dict[str, Any] = {name: column[kept] for name, column in truth.items()}
    coords = np.column_stack(np.unravel_index(pixels[kept], shape)).astype(np.int32)
    return View(
        coords=coords,
        values=values[kept].astype(np.float32),
        shape=shape,
        vertex_distance=vertex_distance(coords, voxel(vertices[:, :3], vertices[:, 3]), shape),
        **columns,
    )
