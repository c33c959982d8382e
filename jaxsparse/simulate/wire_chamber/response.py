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
from jaxsparse.detectors.microboone import PLANES, ROW_VOXELS
from jaxsparse.particle_data import UNKNOWN_PROCESS
from jaxsparse.simulate.pixel_truth import Groups, merge, pixel_truth, vertex_distance
from jaxsparse.simulate.wire_chamber.chamber import WireChamber, WirePlane
from jaxsparse.simulate.wire_chamber.charges import Charges, drift, spread
from jaxsparse.simulate.wire_chamber.voxels import voxel_links, voxel_view


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
      views: wire planes, and ``"voxels"`` or ``"row_voxels"`` for the deposited energy in 3-D; to
        the latter the pixels of the planes are linked.
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
        if name in detector.voxel_names:
            images[name] = voxel_view(name, charges, groups, vertices, detector)
        else:
            dead = (dead_wires or {}).get(name, np.zeros(0, np.int32))
            images[name] = wire_view(
                charges, groups, vertices, detector, detector.plane(name), dead, streams[name]
            )
    if ROW_VOXELS in images:
        for plane in detector.planes:
            if plane.name in images:
                pixels, voxels = images[plane.name], images[ROW_VOXELS]
                links = voxel_links(ROW_VOXELS, voxels, pixels, charges, detector, plane)
                images[plane.name] = dataclasses.replace(pixels, links={ROW_VOXELS: links})
    return Event(event_id=event_id, views=images, particles=particles, topology=topology)


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
