"""A file of one event with as many voxels as one likes: walks of a hundred particles."""

import pathlib

import numpy as np

from jaxsparse.data.event_file import EventWriter
from jaxsparse.data.schema import PARTICLE_DTYPE, Event, View

SHAPE = (500, 500, 500)


def write_voxels(path: pathlib.Path, voxels: int) -> pathlib.Path:
    rng = np.random.default_rng(0)
    steps = rng.normal(0, 1.2, (100, voxels // 70, 3)).cumsum(1) + rng.uniform(
        100, 400, (100, 1, 3)
    )
    cells = np.unique(np.clip(steps.reshape(-1, 3), 0, 499).astype(np.int32), axis=0)
    coords = cells[np.sort(rng.choice(len(cells), voxels, replace=False))]
    view = View(
        coords, rng.exponential(1, voxels).astype(np.float32), SHAPE,
        labels=rng.integers(0, 3, voxels).astype(np.int8),
        instance=rng.integers(0, 100, voxels).astype(np.int32),
    )  # fmt: skip
    particles = np.zeros(100, PARTICLE_DTYPE)
    with EventWriter(
        path, detector="cube", views={"cube": SHAPE}, class_names=("a", "b", "c")
    ) as writer:
        writer.append(Event(0, {"cube": view}, particles))
    return path
