"""A detector that nobody described: three classes of other names, views of different shapes."""

import json

import numpy as np
import pytest

from jaxsparse.data.event_file import EventWriter
from jaxsparse.data.schema import Event, View
from jaxsparse.evaluation.evaluator import Options, evaluate
from tests.evaluation.conftest import make_workdir

CLASSES = ("alpha", "beta", "gamma")
SHAPES = {"top": (20, 24), "side": (16, 40)}


def image(rng: np.random.Generator, shape: tuple[int, int]) -> View:
    cells = np.sort(rng.choice(shape[0] * shape[1], 60, replace=False))
    coords = np.stack(np.unravel_index(cells, shape), axis=1).astype(np.int32)
    values = rng.uniform(0.5, 1.5, 60).astype(np.float32)
    return View(coords, values, shape, rng.integers(-1, 3, 60).astype(np.int8))


@pytest.fixture(scope="module")
def out(tiny_config, tmp_path_factory):
    folder = tmp_path_factory.mktemp("own_detector")
    rng = np.random.default_rng(0)
    with EventWriter(
        folder / "own.h5", detector="bubble", views=SHAPES, class_names=CLASSES
    ) as writer:
        for number in range(4):
            views = {name: image(rng, shape) for name, shape in SHAPES.items()}
            writer.append(Event(number, views))
    config = tiny_config.copy_and_resolve_references()
    config.data.views, config.data.crop = ("side",), ()
    config.data.low, config.data.high, config.data.mean, config.data.std = 0.1, 10.0, 0.0, 1.0
    config.model.heads.semantic.num_classes = len(CLASSES)
    evaluate(
        make_workdir(folder / "run", config), folder / "own.h5", folder / "out",
        Options(pictures=1), quiet=True,
    )  # fmt: skip
    return folder / "out"


def test_names_and_shapes_are_those_of_the_file(out):
    metrics = json.loads((out / "metrics.json").read_text())
    assert metrics["classes"] == list(CLASSES)
    assert metrics["image_shape"] == [16, 40]
    assert metrics["num_sites"] + metrics["num_sites_without_truth"] == 4 * 60
    assert "| gamma |" in (out / "report.md").read_text()


def test_nothing_is_said_of_tracks_and_showers(out):
    metrics = json.loads((out / "metrics.json").read_text())
    assert metrics["track_shower"] is None
    assert metrics["threshold_rules"] == {}
    assert "shower" not in (out / "report.md").read_text()


def test_plots_that_nothing_is_known_for_are_left_out(out):
    """The file knows neither particles nor instances."""
    plots = {path.stem for path in (out / "plots").iterdir()}
    assert plots == {"confusion", "calibration", "thresholds", "training"}
