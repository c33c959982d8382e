"""Pictures of whole events of own detectors: what the heads say of them, and how views lie."""

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from jaxsparse.data.event_writer import EventWriter
from jaxsparse.data.schema import Event, View
from jaxsparse.detectors import ClassSet, Detector, DetectorView
from jaxsparse.evaluation.data_set import DataSet, Portion
from jaxsparse.evaluation.heads import HEADS
from jaxsparse.evaluation.options import Options
from jaxsparse.training.config import default_config
from jaxsparse.viz import event_views
from tests.random_views import random_cells

LAYER, STRIP = ("layer", 40), ("strip", 24)
WIDE = ("strip", 30)
FIRST, SECOND = (LAYER, STRIP), (STRIP, LAYER)
CLASSES, KINDS = ("track", "noise"), ("signal", "rest")


def write(path, axes, across, pixels):
    """Two events of two views."""
    views = {
        name: DetectorView(tuple(axis for axis, _ in own), "pe", low=0.1, across=number)
        for name, own, number in zip("ab", axes, across, strict=True)
    }
    shapes = {name: tuple(n for _, n in own) for name, own in zip("ab", axes, strict=True)}
    described = Detector("drawn", views, ClassSet(CLASSES), ClassSet(KINDS))
    with EventWriter(path, detector="drawn", views=shapes, described=described) as writer:
        for number in range(2):
            rng = np.random.default_rng(number)
            images = {}
            for (name, shape), count in zip(shapes.items(), pixels, strict=True):
                coords, kind = random_cells(rng, count, shape), rng.integers(0, 2, count)
                values = np.ones(count, np.float32)
                images[name] = View(coords, values, shape, kind.astype(np.int8))
            writer.append(Event(number, images, label=number))
    return path


def drawn(path, folder, heads, monkeypatch, **options) -> Any:
    """The event picture of one event by a network that says noise of every pixel."""
    config = default_config("uresnet", heads)
    config.data.views, config.data.crop = ("a", "b"), ()
    config.data.low, config.data.high, config.data.mean, config.data.std = 0.1, 9.0, 0.0, 1.0
    config.model.views = config.model.heads.event.num_classes = 2
    config.model.depth = 2
    if "semantic" in heads:
        config.model.heads.semantic.num_classes = len(CLASSES)
    data_set = DataSet(path, config, Options(part="all", pictures=1, **options))
    made = {name: HEADS[name](data_set, None, {}, quiet=True) for name in heads}
    portion = Portion(np.array([0]), data_set.pipeline.pixels(np.array([0])))
    batch: Any = SimpleNamespace(num_active=0, views=[SimpleNamespace(targets={})] * 2)
    outputs = {
        "event": np.array([[1.0, 0.0]], np.float32),
        "semantic": [
            np.tile(np.array([0, 1], np.float32), (len(own), 1)) for own in portion.images
        ],
    }
    for name, head in made.items():
        (folder / name).mkdir(parents=True)
        with head.writing(folder / name):
            list(head.scored(portion, batch, outputs))
    seen = []
    figure_of = event_views.views_figure

    def views_figure(event):
        seen.append((event, figure_of(event)))
        return seen[-1][1]

    monkeypatch.setattr(event_views, "views_figure", views_figure)
    made["event"].heads = made
    made["event"].draw(folder / "event", {"accuracy": None})
    assert (folder / "event/pictures/event_000000.png").stat().st_size > 5000
    return seen[0]


def titles(figure) -> list[str]:
    return [title for ax in figure.axes if (title := ax.get_title(loc="left"))]


@pytest.mark.parametrize(
    ("axes", "across"),
    [
        ((FIRST, (LAYER, WIDE)), (0, 0)),
        ((SECOND, (WIDE, LAYER)), (1, 1)),
        ((FIRST, (WIDE, LAYER)), (0, 0)),
        ((SECOND, (LAYER, WIDE)), (1, 1)),
    ],
    ids=["first", "second", "first and second", "second and first"],
)
def test_the_shared_axis_of_a_described_detector_is_in_line(axes, across, tmp_path, monkeypatch):
    path = write(tmp_path / "own.h5", axes, across, (30, 40))
    event, figure = drawn(path, tmp_path / "out", ("event", "semantic"), monkeypatch)
    assert event.shared == {name: own.index(LAYER) for name, own in zip("ab", axes, strict=True)}
    panels = [ax for ax in figure.axes if ax.get_title(loc="left")]
    assert len({ax.get_xlim() for ax in panels}) == 1
    assert {ax.get_xlabel() for ax in panels} == {"", "layer"}
    assert {ax.get_ylabel() for ax in panels} == {"", "strip"}
    upper, lower = (
        next(ax for ax in panels if ax.get_title(loc="left").startswith(f"{name}, value"))
        for name in "ab"
    )
    assert upper.get_position().x0 == lower.get_position().x0
    assert upper.get_position().y0 > lower.get_position().y1


def test_every_view_shows_what_the_network_says_of_its_pixels(tmp_path, monkeypatch):
    path = write(tmp_path / "own.h5", (FIRST, FIRST), (0, 0), (30, 40))
    heads = ("event", "semantic")
    event, figure = drawn(path, tmp_path / "out", heads, monkeypatch, grouping="dbscan")
    tracks = {name: int((image.view.labels == 0).sum()) for name, image in event.views.items()}
    assert all(image.instance is not None for image in event.views.values())
    for name, number in (("a", 30), ("b", 40)):
        assert f"{name}, true classes" in titles(figure)
        assert f"{name}, predicted classes" in titles(figure)
        assert f"{name}, predicted particles, a colour each" in titles(figure)
        words = f"{name}, {tracks[name]} of {number} pixels wrong, coloured by truth"
        assert words in titles(figure)


def test_without_a_grouping_there_are_no_particles(tmp_path, monkeypatch):
    path = write(tmp_path / "own.h5", (FIRST, FIRST), (0, 0), (30, 40))
    _, figure = drawn(path, tmp_path / "out", ("event", "semantic"), monkeypatch)
    assert not any("predicted particles" in title for title in titles(figure))
    assert sum("predicted classes" in title for title in titles(figure)) == 2


def test_a_network_that_names_events_alone_shows_what_the_file_knows(tmp_path, monkeypatch):
    path = write(tmp_path / "own.h5", (FIRST, FIRST), (0, 0), (30, 40))
    _, figure = drawn(path, tmp_path / "out", ("event",), monkeypatch)
    kinds = {title.split(", ")[1].split(" [")[0] for title in titles(figure)}
    assert kinds == {"value", "true classes"} | kinds & {"true particles"}


@pytest.mark.parametrize("pixels", [(30, 0), (0, 0)], ids=["one empty view", "empty event"])
def test_events_and_views_without_pixels_are_drawn(pixels, tmp_path, monkeypatch):
    path = write(tmp_path / "own.h5", (FIRST, (WIDE, LAYER)), (0, 0), pixels)
    heads = ("event", "semantic")
    _, figure = drawn(path, tmp_path / "out", heads, monkeypatch, grouping="dbscan")
    assert "b, value [pe], 0 pixels" in titles(figure)
    assert len(titles(figure)) % 2 == 0
    assert len({ax.get_xlim() for ax in figure.axes if ax.get_title(loc="left")}) == 1
