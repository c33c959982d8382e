"""A detector that nobody built: three classes, views of two shapes, values around 1.

One object says what it is; file, inspection, evaluation and pictures follow.
"""

from __future__ import annotations

import json

import numpy as np
import pytest
from matplotlib.colors import to_hex
from matplotlib.image import imread

from jaxsparse import detectors
from jaxsparse.data.description import describe, lines
from jaxsparse.data.event_file import EventFile, EventWriter
from jaxsparse.data.schema import PARTICLE_DTYPE, Event, View
from jaxsparse.detectors import ClassSet, Detector, DetectorView, registry
from jaxsparse.errors import InputError
from jaxsparse.evaluation.evaluator import Options, evaluate
from jaxsparse.training.config import default_config, see_views
from jaxsparse.viz.event_picture import EventPicture
from jaxsparse.viz.event_views import views_figure
from jaxsparse.viz.events import event_figure
from jaxsparse.viz.picture import Picture
from jaxsparse.viz.shared_axis import shared_axis
from tests.evaluation.workdirs import make_workdir
from tests.random_views import random_cells

CLASSES = ("spark", "fog", "dust")
COLOURS = ("#111111", "#22aa22", "#3333cc")
SHAPES = {"top": (40, 24), "side": (40, 56)}
AXES = ("depth", "pad")


def invented(name: str, **classes) -> Detector:
    view = DetectorView(AXES, unit="flashes", low=0.5, high=4.0, mean=1.0, std=0.5, across=0)
    return Detector(name, dict.fromkeys(SHAPES, view), ClassSet(CLASSES, COLOURS, **classes))


@pytest.fixture(scope="module", autouse=True)
def registered():
    """Known while these tests run."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(registry, "_REGISTERED", {})
        yield detectors.register(invented("invented", tracks=("spark",), rules=("fog>0.4",)))


def an_event(number: int) -> Event:
    rng = np.random.default_rng(number)
    views = {}
    for name, shape in SHAPES.items():
        coords = random_cells(rng, 120, shape)
        labels = rng.integers(-1, 3, 120).astype(np.int8)
        instance = np.where(labels >= 0, labels, -1).astype(np.int32)
        values = rng.normal(1.0, 0.2, 120).clip(0.1).astype(np.float32)
        views[name] = View(coords, values, shape, labels, instance)
    particles = np.zeros(3, PARTICLE_DTYPE)
    particles["kinetic_energy"], particles["direction"] = 50.0, (0.6, 0.0, 0.8)
    particles["parent"], particles["label"], particles["instance"] = -1, range(3), range(3)
    return Event(number, views, particles)


def write(path, detector: str, **options):
    with EventWriter(path, detector=detector, views=SHAPES, **options) as writer:
        for number in range(4):
            writer.append(an_event(number))
    return path


@pytest.fixture(scope="module")
def path(tmp_path_factory, registered):
    return write(tmp_path_factory.mktemp("invented") / "events.h5", "invented")


@pytest.fixture(scope="module")
def evaluated(tmp_path_factory, path):
    """Folder and figures of an evaluation of both views by an untrained network."""
    folder = tmp_path_factory.mktemp("evaluated")
    config = default_config()
    config.model.filters, config.model.depth, config.model.blocks = 2, 2, 1
    config.model.heads.semantic.num_classes = 3
    see_views(config, detectors.find("invented"), *SHAPES)
    config.data.crop, config.train.batch_size, config.train.cache_dir = (), 2, ""
    workdir = make_workdir(folder / "run", config)
    return folder, evaluate(workdir, path, folder / "out", Options(pictures=2), quiet=True)


def test_a_file_says_what_its_detector_is(path):
    file = EventFile(path)
    assert file.class_names == CLASSES
    assert file.axes == dict.fromkeys(SHAPES, AXES)
    assert file.value_units == dict.fromkeys(SHAPES, "flashes")


def test_inspection_goes_by_the_mask_of_the_detector(path, tmp_path):
    found = describe(str(path), picture=str(tmp_path / "a.png"))
    assert found["views"]["side"]["mask"] == [0.5, 4.0]
    text = "\n".join(lines(found))
    assert "view top: 40 x 24, 0 dead wires; below: pixels of 0.5 to 4 flashes" in text
    assert "spark" in text
    assert imread(tmp_path / "a.png").std() > 0


def test_a_config_sees_what_the_detector_says():
    config = default_config()
    see_views(config, detectors.find("invented"), *SHAPES)
    assert config.data.views == ("top", "side")
    assert (config.data.low, config.data.high) == (0.5, 4.0)
    assert (config.data.mean, config.data.std) == (1.0, 0.5)


def test_an_evaluation_knows_classes_tracks_and_rules(evaluated):
    _, metrics = evaluated
    assert metrics["classes"] == list(CLASSES)
    assert metrics["num_events"] == 4
    confusion = np.array(metrics["confusion"])
    both = np.array(metrics["track_shower"]["confusion"])
    assert both[0, 0] == confusion[0, 0]
    assert both[1, 1] == confusion[1:, 1:].sum()
    assert list(metrics["threshold_rules"]) == ["fog>0.4"]
    against = metrics["efficiency_against"]  # nothing drifts there, and no wire is known
    assert any(any(against["energy"][name]["pixels"]) for name in CLASSES)
    for name in CLASSES:
        assert not any(against["angle_to_drift"][name]["pixels"])
        assert not any(against["angle_to_wires"][name]["pixels"])


def test_every_plot_and_picture_shows_something(evaluated):
    folder, _ = evaluated
    drawn = {path.name for path in (folder / "out").rglob("*.png")}
    assert drawn >= {f"event_0000{number}_{view}.png" for number in (0, 3) for view in SHAPES} | {
        "confusion.png",
        "instances.png",
    }
    for path in (folder / "out").rglob("*.png"):
        image = imread(path)[..., :3]
        assert (image.min(axis=-1) < 0.5).sum() > 200, f"{path.name} is empty"
    assert json.loads((folder / "out/metrics.json").read_text())["classes"] == list(CLASSES)


def test_pictures_have_the_colours_of_the_detector():
    view = an_event(0).views["top"]
    figure = event_figure(
        Picture(view, np.eye(3)[view.labels], classes=CLASSES, axes=AXES, unit="flashes")
    )
    legend = {text.get_text(): patch for text, patch in _legend(figure)}
    assert [to_hex(legend[name].get_facecolor()) for name in CLASSES] == list(COLOURS)
    assert "value [flashes]" in {ax.get_title(loc="left") for ax in figure.axes}


def test_a_picture_lies_as_the_detector_says():
    view = an_event(0).views["side"]
    lying = Picture(view, axes=AXES, across=0).flat()
    assert (lying.view.shape, lying.axes) == ((56, 40), ("pad", "depth"))
    np.testing.assert_array_equal(lying.view.coords[:, ::-1], view.coords)
    assert Picture(view).flat().view is view


def test_views_of_two_shapes_lie_along_the_axis_that_they_share():
    views = {
        name: Picture(view, classes=CLASSES, axes=AXES, across=0)
        for name, view in an_event(0).views.items()
    }
    shared = shared_axis(dict.fromkeys(SHAPES, AXES), SHAPES)
    figure = views_figure(EventPicture(views, shared))
    assert len(figure.axes) == 3 * len(views)  # charge, classes and particles
    legend = {text.get_text(): patch for text, patch in _legend(figure)}
    assert [to_hex(legend[name].get_facecolor()) for name in CLASSES] == list(COLOURS)
    assert {ax.get_xlabel() for ax in figure.axes} == {"", "depth"}
    assert {ax.get_xlim() for ax in figure.axes} == {(-0.5, 39.5)}


def _legend(figure):
    (legend,) = figure.legends
    return zip(legend.get_texts(), legend.get_patches(), strict=True)


def test_an_unknown_detector_has_sensible_defaults(tmp_path):
    file = EventFile(write(tmp_path / "a.h5", "never heard of", class_names=("a", "b", "c")))
    assert file.axes["top"] == ("row", "column")
    assert file.value_units["top"] == ""
    found = describe(str(tmp_path / "a.h5"))
    assert "mask" not in found["views"]["top"]
    assert found["views"]["top"]["figures"]["values"]["mean"] == pytest.approx(1.0, abs=0.1)
    assert detectors.class_set(file.class_names).colours == detectors.palette(3)
    assert detectors.class_set(file.class_names).track_numbers == ()


def test_classes_without_names_are_refused_with_a_remedy(tmp_path):
    with pytest.raises(InputError, match="class_names is empty: name them"):
        write(tmp_path / "a.h5", "never heard of")


def test_what_is_registered_is_a_detector():
    with pytest.raises(InputError, match="detector is 'mine': it must be a Detector"):
        detectors.register("mine")  # type: ignore[arg-type]


def test_a_name_belongs_to_one_detector(registered):
    assert detectors.register(registered) is registered
    for name in ("invented", "microboone", "nova-far"):
        with pytest.raises(InputError, match=f"There is a detector '{name}' already"):
            detectors.register(invented(name))
