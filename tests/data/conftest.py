"""Small events with all truth columns, files of them, and the config parts that loading reads."""

from __future__ import annotations

import numpy as np
import pytest

from jaxsparse.data.event_file import EventFile, EventWriter
from jaxsparse.data.links import Links
from jaxsparse.data.schema import PARTICLE_DTYPE, Event, View
from jaxsparse.detectors.microboone import CLASS_NAMES
from jaxsparse.training.config import default_config
from tests.random_views import random_cells

SHAPE = (40, 60)
NUM_EVENTS = 23


def random_view(rng: np.random.Generator, pixels: int, shape: tuple[int, ...] = SHAPE) -> View:
    coords = random_cells(rng, pixels, shape)
    distance = np.full(pixels, np.inf, np.float32)
    interaction = np.zeros(pixels, bool)
    if pixels:
        vertex = coords[rng.integers(pixels)]
        distance = np.abs(coords - vertex).max(axis=1).astype(np.float32)
        interaction = distance < rng.integers(1, max(shape) + 1)
    return View(
        coords,
        rng.uniform(5, 320, pixels).astype(np.float32),
        shape,
        labels=rng.integers(-1, 5, pixels).astype(np.int8),
        instance=rng.integers(-1, 4, pixels).astype(np.int32),
        vertex_distance=distance,
        interaction=interaction,
        overlap=rng.integers(1, 4, pixels).astype(np.uint8),
        share=rng.random(pixels).astype(np.float32),
        primary_share=rng.random(pixels).astype(np.float32),
        along=rng.normal(0, 90, pixels).astype(np.float32),
        along_spread=rng.random(pixels).astype(np.float32),
        further={"time": np.random.default_rng(pixels).normal(3, 9, pixels).astype(np.float32)},
    )


def random_links(rng: np.random.Generator, pixels: int, rows: int) -> Links:
    """Every pixel to up to four rows, or to none; shares of a third of them add up to 1."""
    owner = rng.integers(0, max(pixels, 1), 2 * pixels if rows else 0)
    charge = rng.choice([0.0, 1.0, 2.5], len(owner)) + 1e-3
    lost = rng.choice([0.0, 1.0, 3.0], pixels)
    total = np.bincount(owner, charge, pixels) + lost
    chosen = rng.integers(0, max(rows, 1), len(owner))
    return Links.of(owner, chosen, charge / total[owner], pixels)


def random_event(number: int) -> Event:
    """Event ``number``: the same for the same number; every fifth has no pixel at all."""
    rng = np.random.default_rng(number)
    pixels = 0 if number % 5 == 4 else int(rng.integers(1, 300))
    particles = np.zeros(4, PARTICLE_DTYPE)
    particles["pdg"] = [13, -11, 2212, 22]
    particles["kinetic_energy"] = rng.uniform(1, 2000, 4)
    return Event(
        event_id=1000 + number,
        views={"U": random_view(rng, pixels // 2), "Y": random_view(rng, pixels, (40, 80))},
        particles=particles,
        label=number % 3,
        topology="bomb",
    )


@pytest.fixture(scope="session")
def make_view():
    return random_view


@pytest.fixture(scope="session")
def make_links():
    return random_links


@pytest.fixture(scope="session")
def make_event():
    return random_event


@pytest.fixture(scope="session")
def write_events():
    """Function that writes events to a path and returns the path."""

    def write(path, events, **options):
        views = {"U": SHAPE, "Y": (40, 80)}
        settings = {
            "detector": "toy", "views": views, "class_names": CLASS_NAMES, "made_by": {"seed": 3},
            **options,
        }  # fmt: skip
        with EventWriter(path, **settings) as writer:
            for event in events:
                writer.append(event)
        return path

    return write


@pytest.fixture(scope="session")
def events_path(tmp_path_factory, write_events):
    path = tmp_path_factory.mktemp("events") / "events.h5"
    return write_events(
        path, map(random_event, range(NUM_EVENTS)), dead_wires={"Y": np.array([3, 79])}
    )


@pytest.fixture
def events(events_path):
    file = EventFile(events_path)
    yield file
    file.close()


@pytest.fixture
def data_config():
    config = default_config().data
    config.update({"views": ("Y",), "crop": (32, 32), "num_buckets": 3})
    return config
