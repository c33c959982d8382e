"""Files of events that a page may be asked to show."""

import pathlib

import numpy as np

from jaxsparse.data.event_file import EventWriter
from jaxsparse.data.schema import PARTICLE_DTYPE, Event, View
from jaxsparse.detectors import ClassSet, Detector, DetectorView
from tests.random_views import random_cells

NASTY = "</script><img src=x onerror=alert(1)>"
CLASSES = ("muon", NASTY, "b&c")
SHAPES = {"top": (20, 24), "cube": (9, 8, 7)}
DETECTOR = Detector(
    "cloud chamber",
    {
        "top": DetectorView(("depth", "pad"), "flashes", across=0),
        "cube": DetectorView(("x", "y", "z"), "MeV"),
    },
    ClassSet(CLASSES, ("#e000e0", "teal", "#00a0a0")),
)


def view(
    rng: np.random.Generator, pixels: int, shape: tuple[int, ...], *, truth: bool = True
) -> View:
    coords = random_cells(rng, pixels, shape)
    values = rng.uniform(1, 9, pixels).astype(np.float32)
    if not truth:
        return View(coords, values, shape)
    return View(
        coords, values, shape,
        labels=rng.integers(-1, 3, pixels).astype(np.int8),
        instance=rng.integers(-1, 2, pixels).astype(np.int32),
        vertex_distance=np.full(pixels, np.inf, np.float32),
        interaction=np.ones(pixels, bool),
    )  # fmt: skip


def write(path: pathlib.Path, *, truth: bool = True) -> pathlib.Path:
    """Three events of an invented detector with a plane and a cube; the second has no pixel."""
    rng = np.random.default_rng(0)
    particles = np.zeros(2 if truth else 0, PARTICLE_DTYPE)
    particles["pdg"], particles["kinetic_energy"] = (13, -11)[: len(particles)], 125.0
    classes = CLASSES if truth else ()
    with EventWriter(
        path, detector=DETECTOR.name, described=DETECTOR, views=SHAPES, class_names=classes
    ) as writer:
        for number, pixels in enumerate((30, 0, 50)):
            views = {name: view(rng, pixels, shape, truth=truth) for name, shape in SHAPES.items()}
            writer.append(Event(100 + number, views, particles))
    return path
