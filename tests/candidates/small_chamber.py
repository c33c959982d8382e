"""A wire chamber of a few thousand voxels, and events of random pixels in it."""

import dataclasses

import numpy as np

from jaxsparse.data.schema import View
from jaxsparse.simulate.microboone.chamber import MICROBOONE_CHAMBER
from tests.random_views import random_cells

WIRES = {"U": 26, "V": 28, "Y": 20}  # plane U ends before the corner of the box
OFFSET = {"U": 2.6, "V": 2.6, "Y": 0.0}
ROWS = 4

CHAMBER = dataclasses.replace(
    MICROBOONE_CHAMBER,
    low=(0.0, -3.0, 0.0),
    high=(10.0, 3.0, 6.0),
    rows=ROWS,
    planes=tuple(
        dataclasses.replace(plane, offset=OFFSET[plane.name], wires=WIRES[plane.name])
        for plane in MICROBOONE_CHAMBER.planes
    ),
)


def plane_view(coords, name, **columns):
    coords = np.array(coords, np.int32).reshape(-1, 2)
    values = np.arange(1, len(coords) + 1, dtype=np.float32)
    return View(coords, values, (ROWS, WIRES[name]), **columns)


def random_planes(seed, pixels=25):
    rng = np.random.default_rng(seed)
    return {
        name: plane_view(random_cells(rng, pixels, (ROWS, wires)), name)
        for name, wires in WIRES.items()
    }


def random_dead(seed):
    rng = np.random.default_rng(seed)
    return {name: np.flatnonzero(rng.random(wires) < 0.2) for name, wires in WIRES.items()}
