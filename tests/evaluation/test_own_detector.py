"""Detectors that are none of ours: three classes of other names, views of different shapes.

One that nobody described, and the same one as its file describes it.
"""

import json

import numpy as np
import pytest
from matplotlib.image import imread

from jaxsparse import detectors
from jaxsparse.data.event_file import EventWriter
from jaxsparse.data.schema import Event, View
from jaxsparse.detectors import ClassSet, Detector, DetectorView, registry
from jaxsparse.evaluation.evaluator import Options, evaluate
from tests.evaluation.conftest import make_workdir
from tests.random_views import random_cells

CLASSES = ("alpha", "beta", "gamma")
SHAPES = {"top": (20, 24), "side": (16, 40)}
DESCRIBED = Detector(
    "cloud",
    dict.fromkeys(SHAPES, DetectorView(("depth", "pad"), "flashes", across=0)),
    ClassSet(CLASSES, ("#e000e0", "#101010", "#00a0a0"), tracks=("alpha",), rules=("gamma>0.4",)),
)


def image(rng: np.random.Generator, shape: tuple[int, int]) -> View:
    coords = random_cells(rng, 60, shape)
    values = rng.uniform(0.5, 1.5, 60).astype(np.float32)
    return View(coords, values, shape, rng.integers(-1, 3, 60).astype(np.int8))


def write(path, detector):
    rng = np.random.default_rng(0)
    with EventWriter(path, detector=detector, views=SHAPES, class_names=CLASSES) as writer:
        for number in range(4):
            views = {name: image(rng, shape) for name, shape in SHAPES.items()}
            writer.append(Event(number, views))
    return path


@pytest.fixture(scope="module")
def workdir(tiny_config, tmp_path_factory):
    config = tiny_config.copy_and_resolve_references()
    config.data.views, config.data.crop = ("side",), ()
    config.data.low, config.data.high, config.data.mean, config.data.std = 0.1, 10.0, 0.0, 1.0
    config.model.heads.semantic.num_classes = len(CLASSES)
    return make_workdir(tmp_path_factory.mktemp("own_detector") / "run", config)


@pytest.fixture(scope="module")
def out(workdir):
    folder = workdir.parent
    path = write(folder / "own.h5", "bubble")
    evaluate(workdir, path, folder / "out", Options(pictures=1), quiet=True)
    return folder / "out"


def test_names_and_shapes_are_those_of_the_file(out):
    metrics = json.loads((out / "metrics.json").read_text())
    assert metrics["classes"] == list(CLASSES)
    assert metrics["image_shape"] == [16, 40]
    assert metrics["num_sites"] + metrics["num_sites_without_truth"] == 4 * 60
    assert "| gamma |" in (out / "report.md").read_text()
    page = (out / "report.html").read_text(encoding="utf-8")
    assert page.count('<img src="data:image/png;base64,') == len(list(out.rglob("*.png")))


def test_nothing_is_said_of_tracks_and_showers(out):
    metrics = json.loads((out / "metrics.json").read_text())
    assert metrics["track_shower"] is None
    assert metrics["threshold_rules"] == {}
    assert "shower" not in (out / "report.md").read_text()


def test_plots_that_nothing_is_known_for_are_left_out(out):
    """The file knows neither particles nor instances."""
    plots = {path.stem for path in (out / "plots").iterdir()}
    assert plots == {"confusion", "calibration", "thresholds", "training"}


def test_an_evaluation_follows_the_description_in_the_file(workdir, tmp_path, monkeypatch):
    with monkeypatch.context() as program:  # the one that writes the file
        program.setattr(registry, "_REGISTERED", {})
        detectors.register(DESCRIBED)
        path = write(tmp_path / "own.h5", "cloud")
    monkeypatch.setattr(registry, "_REGISTERED", {})
    detectors.register(Detector("fog", {}, ClassSet(CLASSES, tracks=("beta",))))  # no matter here
    metrics = evaluate(workdir, path, tmp_path / "out", Options(pictures=1), quiet=True)
    assert metrics["track_shower"] is not None
    assert list(metrics["threshold_rules"]) == ["gamma>0.4"]
    assert metrics["colours"] == list(DESCRIBED.pixel_classes.colours)
    confusion, both = np.array(metrics["confusion"]), np.array(metrics["track_shower"]["confusion"])
    assert both[0, 0] == confusion[0, 0]
    picture = imread(tmp_path / "out/pictures/event_00000.png")[..., :3]
    for colour in ((0xE0, 0, 0xE0), (0, 0xA0, 0xA0)):
        painted = np.abs(picture - np.array(colour) / 255).max(axis=-1) < 0.01
        assert painted.sum() > 100
