"""A small file with all truth, and a work directory with an untrained network."""

from __future__ import annotations

import pathlib

import numpy as np
import pytest

from jaxsparse.data.event_file import EventWriter
from jaxsparse.data.schema import PARTICLE_DTYPE, Event
from jaxsparse.training.checkpoint import Checkpoints
from jaxsparse.training.config import default_config
from jaxsparse.training.inputs import inputs_of
from jaxsparse.training.optimizer import build_optimizer
from jaxsparse.training.state import create_state
from jaxsparse.training.step import init_variables
from jaxsparse.training.task import build_task
from jaxsparse.training.workdir import claim
from tests.random_views import random_view

SHAPE = (48, 80)
EMPTY_EVENT = 2


def random_event(number: int, *, truth: bool = True) -> Event:
    """Event ``number``; one has no pixel."""
    rng = np.random.default_rng(number)
    pixels = 0 if number == EMPTY_EVENT else int(rng.integers(100, 300))
    particles = np.zeros(6 if truth else 0, PARTICLE_DTYPE)
    particles["parent"] = -1
    particles["kinetic_energy"] = rng.uniform(1, 2000, len(particles))
    particles["direction"] = (0.0, 0.6, 0.8)
    view = random_view(rng, pixels, SHAPE, truth=truth)
    return Event(10 + number, {"Y": view}, particles, topology="bomb" if truth else "")


def write(path: pathlib.Path, events: int, *, truth: bool = True) -> pathlib.Path:
    with EventWriter(path, detector="microboone", views={"Y": SHAPE}) as writer:
        for number in range(events):
            writer.append(random_event(number, truth=truth))
    return path


@pytest.fixture(scope="session")
def truth_file(tmp_path_factory: pytest.TempPathFactory) -> pathlib.Path:
    return write(tmp_path_factory.mktemp("evaluation") / "truth.h5", 5)


@pytest.fixture(scope="session")
def plain_file(tmp_path_factory: pytest.TempPathFactory) -> pathlib.Path:
    """Images without truth."""
    return write(tmp_path_factory.mktemp("evaluation") / "plain.h5", 3, truth=False)


@pytest.fixture(scope="session")
def eventless_file(tmp_path_factory: pytest.TempPathFactory) -> pathlib.Path:
    return write(tmp_path_factory.mktemp("evaluation") / "none.h5", 0)


@pytest.fixture(scope="session")
def tiny_config():
    config = default_config()
    config.model.filters, config.model.depth, config.model.blocks = 2, 2, 1
    config.data.crop = (32, 32)
    config.train.cache_dir = ""
    return config


@pytest.fixture(scope="session")
def workdir(tmp_path_factory: pytest.TempPathFactory, tiny_config) -> pathlib.Path:
    """What a training run of no length leaves: config, one checkpoint, a few lines of metrics."""
    folder = tmp_path_factory.mktemp("workdir")
    claim(folder, tiny_config, inputs_of(tiny_config, {}))
    variables = init_variables(build_task(tiny_config), seed=0)
    state = create_state(variables, build_optimizer(tiny_config.optimizer), seed=0)
    checkpoints = Checkpoints(folder, create=True)
    checkpoints.save(state, {}, tiny_config, loss=1.0)
    checkpoints.close()
    line = '{"step": %d, "split": "%s", "loss": %f, "accuracy": 0.5, "learning_rate": 0.1}\n'
    (folder / "metrics.jsonl").write_text(
        line % (1, "train", 2.0) + line % (2, "train", 1.0) + line % (2, "validation", 1.5)
    )
    return folder
