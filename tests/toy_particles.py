"""Event files of straight tracks from a vertex in two views that share the particles."""

from __future__ import annotations

import pathlib

import numpy as np

from jaxsparse.data.event_file import EventWriter
from jaxsparse.data.schema import PARTICLE_DTYPE, Event, View

SHAPE, VIEWS = (24, 20), ("XZ", "YZ")
EVENT_CLASSES, PIXEL_CLASSES = ("dim", "bright"), ("dim", "bright")
VALUES = np.array([30.0, 90.0])  # of a pixel, by its class


def toy_image(rng: np.random.Generator, labels: np.ndarray, truth: tuple[str, ...]) -> View:
    """Tracks of these classes, each into its part of the image, from a vertex at its beginning."""
    owner = np.full(SHAPE, -1)
    start = np.array([2, SHAPE[1] // 2])
    slopes = np.linspace(-0.8, 0.8, len(labels))
    for particle, slope in enumerate(slopes):
        rows = start[0] + np.arange(int(rng.integers(8, 12)))
        columns = start[1] + np.rint(slope * (rows - start[0])).astype(int)
        owner[rows, columns] = particle
    coords = np.argwhere(owner >= 0).astype(np.int32)
    instance = owner[owner >= 0].astype(np.int32)
    known = {
        "labels": labels[instance].astype(np.int8),
        "instance": instance,
        "vertex_distance": np.abs(coords - start).max(axis=1).astype(np.float32),
    }
    values = (VALUES[labels[instance]] + rng.normal(0, 4, len(coords))).astype(np.float32)
    return View(coords, values, SHAPE, **{name: known[name] for name in truth})


def write_particles(
    path: pathlib.Path,
    events: int,
    seed: int,
    *,
    truth: tuple[str, ...] = ("labels", "instance", "vertex_distance"),
) -> pathlib.Path:
    """Events of no, one or two particles; a bright one makes the event bright."""
    rng = np.random.default_rng(seed)
    with EventWriter(
        path, detector="toy", views=dict.fromkeys(VIEWS, SHAPE), class_names=PIXEL_CLASSES,
        event_classes=EVENT_CLASSES,
    ) as writer:  # fmt: skip
        for number in range(events):
            labels = rng.integers(0, 2, 0 if number == 3 else 1 + number % 2)
            particles = np.zeros(len(labels), PARTICLE_DTYPE)
            particles["parent"], particles["direction"] = -1, (0.0, 0.6, 0.8)
            particles["label"], particles["instance"] = labels, np.arange(len(labels))
            views = {name: toy_image(rng, labels, truth) for name in VIEWS}
            writer.append(Event(number, views, particles, label=int(labels.max(initial=0))))
    return path
