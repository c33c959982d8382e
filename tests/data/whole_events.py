"""A file of small events in two views, some without pixels or class, for tests of whole events."""

from __future__ import annotations

import numpy as np
import pytest

from jaxsparse.data.event_file import EventFile, EventWriter
from jaxsparse.data.schema import Event, View
from jaxsparse.training.config import classifier_config
from tests.random_views import random_cells

SHAPE, NUM_EVENTS, LEVELS = (24, 20), 40, 3
CLASSES = ("numu", "nue", "nc")


def view_of(rng, pixels):
    coords = random_cells(rng, pixels, SHAPE)
    return View(coords, rng.integers(1, 256, pixels).astype(np.float32), SHAPE)


def event_of(number):
    """Every sixth without a pixel in YZ, every thirteenth without any, every fifth unlabelled."""
    rng = np.random.default_rng(number)
    pixels = {
        "XZ": 0 if number % 13 == 12 else int(rng.integers(1, 90)),
        "YZ": 0 if number % 6 == 5 or number % 13 == 12 else int(rng.integers(1, 60)),
    }
    views = {name: view_of(rng, count) for name, count in pixels.items()}
    return Event(number, views, label=-1 if number % 5 == 4 else number % 3)


@pytest.fixture(scope="module")
def source(tmp_path_factory):
    path = tmp_path_factory.mktemp("whole_events") / "events.h5"
    shapes = dict.fromkeys(("XZ", "YZ"), SHAPE)
    with EventWriter(path, detector="toy", views=shapes, event_classes=CLASSES) as writer:
        for number in range(NUM_EVENTS):
            writer.append(event_of(number))
    file = EventFile(path)
    yield file
    file.close()


@pytest.fixture
def data():
    return classifier_config().data
