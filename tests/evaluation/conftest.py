"""Small files of pixels and of whole events, and work directories of untrained networks."""

from __future__ import annotations

import pathlib

import numpy as np
import pytest
from ml_collections import ConfigDict

from jaxsparse.data.event_file import EventWriter
from jaxsparse.data.schema import PARTICLE_DTYPE, Event, View
from jaxsparse.training.config import default_config
from tests.evaluation.workdirs import make_workdir
from tests.random_views import random_cells, random_view

PIXEL_SHAPE = (48, 80)
EMPTY_IMAGE = 2

SHAPE = (24, 20)
FILE_CLASSES = ("numu", "nue", "nc", "cosmic")
NETWORK_CLASSES = ("nue", "numu", "nc")  # another order, and without cosmics
TOPOLOGIES = ("numu CC QE", "nue CC RES", "NC DIS", "cosmic")
EVENTS, EMPTY_EVENT = 24, 5


def random_image(number: int, *, truth: bool = True) -> Event:
    """Event ``number``; one has no pixel."""
    rng = np.random.default_rng(number)
    pixels = 0 if number == EMPTY_IMAGE else int(rng.integers(100, 300))
    particles = np.zeros(6 if truth else 0, PARTICLE_DTYPE)
    particles["parent"] = -1
    particles["kinetic_energy"] = rng.uniform(1, 2000, len(particles))
    particles["direction"] = (0.0, 0.6, 0.8)
    view = random_view(rng, pixels, PIXEL_SHAPE, truth=truth)
    return Event(10 + number, {"Y": view}, particles, topology="bomb" if truth else "")


def write_images(path: pathlib.Path, events: int, *, truth: bool = True) -> pathlib.Path:
    with EventWriter(path, detector="microboone", views={"Y": PIXEL_SHAPE}) as writer:
        for number in range(events):
            writer.append(random_image(number, truth=truth))
    return path


@pytest.fixture(scope="session")
def truth_file(tmp_path_factory: pytest.TempPathFactory) -> pathlib.Path:
    return write_images(tmp_path_factory.mktemp("evaluation") / "truth.h5", 5)


@pytest.fixture(scope="session")
def plain_file(tmp_path_factory: pytest.TempPathFactory) -> pathlib.Path:
    """Images without truth."""
    return write_images(tmp_path_factory.mktemp("evaluation") / "plain.h5", 3, truth=False)


@pytest.fixture(scope="session")
def eventless_file(tmp_path_factory: pytest.TempPathFactory) -> pathlib.Path:
    return write_images(tmp_path_factory.mktemp("evaluation") / "none.h5", 0)


@pytest.fixture(scope="session")
def tiny_config() -> ConfigDict:
    config = default_config()
    config.model.filters, config.model.depth, config.model.blocks = 2, 2, 1
    config.data.crop = (32, 32)
    config.train.cache_dir = ""
    return config


@pytest.fixture(scope="session")
def workdir(tmp_path_factory: pytest.TempPathFactory, tiny_config) -> pathlib.Path:
    return make_workdir(tmp_path_factory.mktemp("workdir"), tiny_config)


def make_view(rng: np.random.Generator, pixels: int, *, truth: bool) -> View:
    coords = random_cells(rng, pixels, SHAPE)
    labels = rng.integers(-1, 5, pixels).astype(np.int8) if truth else None
    return View(coords, rng.integers(1, 256, pixels).astype(np.float32), SHAPE, labels)


def make_event(number: int, *, truth: bool) -> Event:
    """Event ``number`` of class ``number % 4``, the larger the class the more pixels."""
    rng = np.random.default_rng(number)
    label = number % 4
    views = {
        name: make_view(
            rng, 0 if number == EMPTY_EVENT else int(rng.integers(3, 9)) * (1 + label), truth=truth
        )
        for name in ("XZ", "YZ")
    }
    if not truth:
        return Event(number, views)
    energy = np.nan if label == 3 else 0.5 + number / 4
    return Event(number, views, label=label, topology=TOPOLOGIES[label], energy=energy)


def write_events(path: pathlib.Path, events: int, *, truth: bool = True) -> pathlib.Path:
    classes = FILE_CLASSES if truth else ()
    with EventWriter(
        path, detector="nova", views={"XZ": SHAPE, "YZ": SHAPE}, event_classes=classes
    ) as writer:
        for number in range(events):
            writer.append(make_event(number, truth=truth))
    return path


@pytest.fixture(scope="session")
def event_file(tmp_path_factory: pytest.TempPathFactory) -> pathlib.Path:
    return write_events(tmp_path_factory.mktemp("events") / "events.h5", EVENTS)


@pytest.fixture(scope="session")
def unlabelled_file(tmp_path_factory: pytest.TempPathFactory) -> pathlib.Path:
    """Events without any class."""
    return write_events(tmp_path_factory.mktemp("events") / "unlabelled.h5", 3, truth=False)


@pytest.fixture(scope="session")
def no_events_file(tmp_path_factory: pytest.TempPathFactory) -> pathlib.Path:
    return write_events(tmp_path_factory.mktemp("events") / "nothing.h5", 0)


@pytest.fixture(scope="session")
def classifier_config(event_file: pathlib.Path) -> ConfigDict:
    config = default_config("mobilenet", ("event",))
    config.model.views, config.model.heads.event.num_classes = 2, 3
    config.model.width, config.model.stages, config.model.merge_stage = 0.25, ((1, 8, 1, 2),), 1
    data = config.data
    data.train, data.split = str(event_file), (0.5, 0.5)
    data.views, data.classes = ("XZ", "YZ"), NETWORK_CLASSES
    data.crop, data.low, data.high = (), 1.0, 255.0
    data.mean, data.std, data.num_buckets = 80.0, 40.0, 1
    config.train.batch_size, config.train.accumulate = 16, 2
    config.train.cache_dir = ""
    return config


@pytest.fixture(scope="session")
def classifier(
    tmp_path_factory: pytest.TempPathFactory, classifier_config: ConfigDict
) -> pathlib.Path:
    return make_workdir(tmp_path_factory.mktemp("classifier"), classifier_config)
