"""Event files for tests: straight tracks and round blobs, a problem a tiny network can learn."""

import contextlib
import os
import pathlib
import shutil
import signal

import jax
import numpy as np
import pytest

from jaxsparse.data.event_file import EventWriter
from jaxsparse.data.schema import Event, View
from jaxsparse.models import BACKBONES
from jaxsparse.training.config import default_config
from jaxsparse.training.display import Display
from jaxsparse.training.loop import train
from tests.random_views import random_cells
from tests.toy_events import toy_view, write_toy_file
from tests.training.tiny_classifier import TinyClassifier


@pytest.fixture(scope="session", name="toy_view")
def toy_view_maker():
    """Makes a view from a random generator."""
    return toy_view


@pytest.fixture(scope="session")
def toy_files(tmp_path_factory: pytest.TempPathFactory) -> tuple[pathlib.Path, pathlib.Path]:
    """(training file, validation file)."""
    folder = tmp_path_factory.mktemp("toy")
    return write_toy_file(folder / "t.h5", 24, seed=1), write_toy_file(folder / "v.h5", 6, seed=2)


@pytest.fixture
def toy_config(toy_files, cache_dir):
    """Eight steps of a network that compiles in a second."""
    config = default_config()
    config.model.filters, config.model.depth, config.model.blocks = 4, 1, 1
    config.data.train, config.data.validation = map(str, toy_files)
    config.data.crop = ()
    config.data.num_buckets = 1
    config.optimizer.learning_rate = 0.02
    config.train.batch_size, config.train.steps = 4, 8
    config.train.devices = 1
    config.train.cache_dir = cache_dir
    return config


EVENT_SHAPE, EVENT_CLASSES = (20, 16), ("numu", "nue", "nc", "cosmic")


def toy_event(rng: np.random.Generator, number: int) -> Event:
    """Some pixels in two views; their charge names the class. Every ninth has no pixel in YZ."""
    label = int(rng.integers(len(EVENT_CLASSES)))
    views = {}
    for name in ("XZ", "YZ"):
        pixels = 0 if name == "YZ" and number % 9 == 8 else int(rng.integers(3, 12))
        coords = random_cells(rng, pixels, EVENT_SHAPE)
        values = np.round(40 * (label + 1) + rng.normal(0, 6, pixels)).astype(np.float32)
        views[name] = View(coords, values, EVENT_SHAPE)
    return Event(number, views, label=-1 if number % 11 == 10 else label)


def write_event_file(path: pathlib.Path, events: int, seed: int) -> pathlib.Path:
    rng = np.random.default_rng(seed)
    shapes = dict.fromkeys(("XZ", "YZ"), EVENT_SHAPE)
    with EventWriter(path, detector="toy", views=shapes, event_classes=EVENT_CLASSES) as writer:
        for number in range(events):
            writer.append(toy_event(rng, number))
    return path


@pytest.fixture(scope="session")
def event_files(tmp_path_factory: pytest.TempPathFactory) -> tuple[pathlib.Path, pathlib.Path]:
    """(training file, validation file) of whole events in two views."""
    folder = tmp_path_factory.mktemp("whole")
    return write_event_file(folder / "t.h5", 120, 1), write_event_file(folder / "v.h5", 30, 2)


@pytest.fixture
def event_config(event_files, monkeypatch):
    """A classification of three of the four classes by the tiny network."""
    monkeypatch.setitem(BACKBONES, "tiny", TinyClassifier)
    config = default_config("tiny", ("event",))
    config.model.views, config.model.heads.event.num_classes = 2, 3
    data = config.data
    data.train, data.validation = map(str, event_files)
    data.views, data.classes = ("XZ", "YZ"), ("nc", "numu", "nue")
    data.crop, data.low, data.high = (), 0.0, 1e9
    data.flip_time = data.flip_wire = False
    data.mean, data.std, data.fluctuation = 80.0, 40.0, 0.01
    data.num_buckets = 1
    config.optimizer.learning_rate, config.optimizer.momentum = 0.2, 0.9
    config.optimizer.plateau_metric = "accuracy"
    config.train.batch_size, config.train.devices = 16, 1
    return config


@pytest.fixture(scope="module")
def _programs(tmp_path_factory):
    """A folder of compiled programs for the runs of a module; JAX is left as it was."""
    names = ("jax_compilation_cache_dir", "jax_persistent_cache_min_compile_time_secs")
    before = {name: getattr(jax.config, name) for name in names}
    yield str(tmp_path_factory.mktemp("programs"))
    for name, value in before.items():
        jax.config.update(name, value)


@pytest.fixture
def cache_dir(_programs, monkeypatch):
    """For ``train.cache_dir`` of a run, which neither the user's folder nor TensorBoard sees."""
    monkeypatch.setattr("jaxsparse.training.loop.open_board", lambda *_: None)
    monkeypatch.delenv("JAX_COMPILATION_CACHE_DIR", raising=False)
    return _programs


@pytest.fixture(scope="module")
def _finished(tmp_path_factory):
    return tmp_path_factory.mktemp("finished") / "run"


@pytest.fixture
def finished_run(_finished):
    """``finished_run(config, workdir)`` copies the one run of that config that a module makes."""

    def copied(config, workdir: pathlib.Path) -> pathlib.Path:
        if not _finished.exists():
            train(config, _finished)
        return shutil.copytree(_finished, workdir)

    return copied


@pytest.fixture
def stop_at(monkeypatch):
    """``with stop_at(step):`` sends SIGTERM as soon as the sums of that step are in."""

    @contextlib.contextmanager
    def stopping(step_to_stop: int):
        advance = Display.advance

        def advance_and_stop(self, step, **numbers):
            advance(self, step, **numbers)
            if step == step_to_stop:
                os.kill(os.getpid(), signal.SIGTERM)

        with monkeypatch.context() as patch:
            patch.setattr(Display, "advance", advance_and_stop)
            yield

    return stopping
