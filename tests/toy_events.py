"""Event files of straight tracks and round blobs, a problem that a tiny network can learn."""

from __future__ import annotations

import pathlib

import numpy as np

from jaxsparse.data.event_file import EventWriter
from jaxsparse.data.schema import PARTICLE_DTYPE, Event, View
from jaxsparse.detectors.microboone import CLASS_NAMES, MIP, SHOWER

SHAPE = (48, 40)


def toy_view(rng: np.random.Generator) -> View:
    """A horizontal track and a blob with more charge; now and then an event without a pixel."""
    labels = np.full(SHAPE, -1)
    if rng.random() < 0.9:
        row, column = rng.integers(4, SHAPE[0] - 4), rng.integers(4, 12)
        labels[row, column : column + 20] = MIP
        row, column = rng.integers(4, SHAPE[0] - 8), rng.integers(24, SHAPE[1] - 6)
        labels[row : row + 5, column : column + 5] = SHOWER
    coords = np.argwhere(labels >= 0).astype(np.int32)
    classes = labels[labels >= 0].astype(np.int8)
    values = np.where(classes == MIP, 40, 90) + rng.normal(0, 5, len(classes))
    return View(
        coords=coords,
        values=values.astype(np.float32),
        shape=SHAPE,
        labels=classes,
        instance=(classes == SHOWER).astype(np.int32),
        vertex_distance=np.full(len(classes), np.inf, np.float32),
        interaction=np.ones(len(classes), bool),
        overlap=np.ones(len(classes), np.uint8),
    )


def write_toy_file(path: pathlib.Path, events: int, seed: int) -> pathlib.Path:
    rng = np.random.default_rng(seed)
    particles = np.zeros(2, PARTICLE_DTYPE)  # instance 0 is the track, 1 the blob
    particles["parent"], particles["label"], particles["instance"] = -1, (MIP, SHOWER), (0, 1)
    views = {"Y": SHAPE}
    with EventWriter(path, detector="toy", views=views, class_names=CLASS_NAMES) as writer:
        for number in range(events):
            writer.append(Event(number, {"Y": toy_view(rng)}, particles))
    return path
