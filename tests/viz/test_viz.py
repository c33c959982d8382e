"""Pictures: which pixel is painted where and in which colour; figures of every kind of event."""

import dataclasses
import json

import numpy as np
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import to_rgba
from matplotlib.figure import Figure

from jaxsparse.data.schema import View
from jaxsparse.detectors.microboone import CLASS_NAMES
from jaxsparse.errors import InputError
from jaxsparse.viz import canvas, curves, events, panels
from jaxsparse.viz.picture import Picture
from jaxsparse.viz.style import count_axis, save
from tests.random_views import random_cells

RED, BLUE = np.array(to_rgba("red")), np.array(to_rgba("blue"))


def make_view(pixels: int, shape=(40, 60), *, truth: bool = True) -> View:
    rng = np.random.default_rng(pixels)
    coords = random_cells(rng, pixels, shape)
    values = rng.uniform(10, 300, pixels).astype(np.float32)
    labels = rng.integers(-1, 5, pixels).astype(np.int8) if truth else None
    return View(coords, values, shape, labels)


def make_picture(view: View, *, scores: bool = True) -> Picture:
    rng = np.random.default_rng(0)
    return Picture(
        view,
        rng.dirichlet(np.ones(5), len(view)).astype(np.float32) if scores else None,
        None if view.labels is None else np.full(len(view), 1e-2, np.float32),
        CLASS_NAMES,
        "an event",
    )


def test_a_pixel_of_a_huge_image_still_paints_two_dots_each_way():
    window = canvas.whole((1000, 3000))
    coords = np.array([[500, 1500], [999, 2999]])
    image = canvas.paint(coords, np.stack([BLUE, RED]), window, dots=(100, 300))
    assert image.shape == (100, 300, 4)
    np.testing.assert_allclose(image[99, 299], RED)  # at the corner nothing is left to grow into
    np.testing.assert_allclose(image[50:52, 150:152], np.tile(BLUE, (2, 2, 1)))
    assert (image[..., 3] > 0).sum() == 5


def test_a_pixel_of_a_small_image_paints_a_square():
    window = canvas.Window((10, 20), (14, 24))
    image = canvas.paint(np.array([[11, 22]]), RED[None], window, dots=(40, 40))
    assert (image[10:20, 20:30] == RED.astype(np.float32)).all()
    assert (image[..., 3] > 0).sum() == 100


def test_the_pixel_drawn_last_stays_and_those_outside_are_left_out():
    coords = np.array([[0, 0], [0, 1], [0, 1], [50, 0]])
    image = canvas.paint(
        coords, np.stack([RED, RED, BLUE, RED]), canvas.Window((0, 0), (2, 2)), dots=(2, 2)
    )
    np.testing.assert_allclose(image[0, 0], RED)
    np.testing.assert_allclose(image[0, 1], BLUE)
    assert (image[1, :, 3] == 0).all()


def test_the_active_window_holds_all_pixels_inside_the_image():
    view = make_view(30)
    window = canvas.active_window(view.coords, view.shape)
    assert window.holds(view.coords).all()
    assert window.low >= (0, 0)
    assert window.high <= view.shape
    assert canvas.active_window(view.coords[:0], view.shape) == canvas.whole(view.shape)


def test_the_densest_window_finds_the_cluster():
    cluster = np.argwhere(np.ones((5, 5))) + np.array([70, 240])
    coords = np.concatenate([[[0, 0], [99, 399]], cluster])
    window = canvas.densest_window(coords, (100, 400), 40)
    assert window.holds(cluster).all()
    assert window.size == (40, 40)
    assert canvas.densest_window(coords[:1], (30, 30), 40).size == (30, 30)


@pytest.mark.parametrize(
    "picture",
    [
        make_picture(make_view(200)),
        make_picture(make_view(200, (30, 120))),
        make_picture(make_view(0)),
        make_picture(make_view(1)),
        make_picture(make_view(50, truth=False)),
        make_picture(make_view(50, truth=False), scores=False),
        make_picture(make_view(60, (8, 20, 20))),
    ],
    ids=["crop", "wide", "empty", "one", "no truth", "charge only", "voxels"],
)
def test_every_kind_of_event_is_drawn(picture, tmp_path):
    window = canvas.whole(picture.view.shape) if picture.view.coords.shape[1] == 2 else None
    path = save(events.event_figure(picture, window=window), tmp_path / "a.png")
    assert path.stat().st_size > 3000


def test_a_picture_has_the_panels_that_its_data_allows():
    def names(picture):
        titles = [title for title, _ in panels.panels_of(picture, canvas.whole(picture.view.shape))]
        return ["wrong" if "wrong" in title else title.split()[0] for title in titles]

    assert names(make_picture(make_view(9))) == [
        "charge", "truth", "weight", "prediction", "wrong", "highest",
    ]  # fmt: skip
    assert names(make_picture(make_view(9, truth=False))) == ["charge", "prediction", "highest"]


def test_how_many_pixels_are_wrong_stands_above_them_and_counts_those_in_the_window():
    coords = np.array([[0, 0], [0, 1], [9, 9], [9, 8]])
    view = View(coords, np.ones(4, np.float32), (10, 10), np.array([0, 0, 1, -1], np.int8))
    picture = Picture(view, np.array([[1, 0], [0, 1], [1, 0], [1, 0]], np.float32), classes="ab")
    figure = events.event_figure(picture, window=canvas.Window((0, 0), (5, 5)))
    titles = [ax.get_title(loc="left") for ax in figure.axes]
    assert "1 of 2 pixels wrong, coloured by truth" in titles
    assert not any(ax.texts for ax in figure.axes)


def test_axes_that_count_show_whole_numbers():
    for most, numbers in ((2, {"0", "1", "2"}), (5000, {"1", "10", "100", "1,000"})):
        figure = Figure()
        ax = figure.subplots()
        ax.bar([0, 1], [1, most])
        count_axis(ax, most, "clusters")
        FigureCanvasAgg(figure).draw()
        low, high = ax.get_ylim()
        labels = [one for one in ax.get_yticklabels() if low <= one.get_position()[1] <= high]
        assert {label.get_text() for label in labels} == numbers
        assert ax.get_ylabel() == "clusters"


def test_voxels_are_seen_along_the_shortest_side():
    view = View(np.array([[3, 0, 0], [4, 9, 8]], np.int32), np.ones(2, np.float32), (10, 10, 10))
    flat = Picture(view, axes=("x", "y", "z")).flat()
    assert flat.axes == ("y", "z")
    assert flat.view.coords.tolist() == [[0, 0], [9, 8]]


def test_training_curves_forgive_a_last_line_without_its_end(tmp_path):
    path = tmp_path / "metrics.jsonl"
    lines = [json.dumps({"step": s, "split": "train", "loss": 1 / s}) for s in (1, 2)]
    path.write_text("\n".join([*lines, '{"step": 3, "spl']))
    columns = curves.read_metrics(path)["train"]
    assert columns["loss"].tolist() == [1.0, 0.5]
    assert np.isnan(columns["accuracy"]).all()
    assert curves.training_figure(path) is not None


def test_a_broken_line_in_the_middle_is_named(tmp_path):
    path = tmp_path / "metrics.jsonl"
    path.write_text('{"step": 1, "split": "train"}\nnonsense\n{"step": 2, "split": "train"}\n')
    with pytest.raises(InputError, match="line 2"):
        curves.read_metrics(path)
    with pytest.raises(InputError, match="train into"):
        curves.read_metrics(tmp_path / "missing.jsonl")


@pytest.mark.parametrize("weights", [np.full(50, 0.01674), np.linspace(0.01, 0.09, 50)])
def test_what_a_colour_bar_says_is_inside_the_figure(weights):
    picture = dataclasses.replace(make_picture(make_view(50)), weights=weights)
    figure = events.event_figure(picture)
    canvas_of = FigureCanvasAgg(figure)
    canvas_of.draw()
    bars = [child for ax in figure.axes for child in ax.child_axes]
    assert len(bars) == 3  # charge, weight, highest score
    for bar in bars:
        labels = [label for label in bar.get_yticklabels() if label.get_text()]
        assert labels
        for label in labels:
            assert label.get_window_extent().x1 < figure.bbox.x1
            assert len(label.get_text()) < 7


def test_axes_count_in_the_detectors_own_pixels():
    window = canvas.Window((0, 10), (20, 30))
    picture = Picture(make_view(9), corner=(100, 2000), pixel=2)
    assert picture.extent(window) == (2019.5, 2059.5, 99.5, 139.5)
    lying = dataclasses.replace(picture, across=0).flat()
    assert lying.corner == (2000, 100)
    assert make_picture(make_view(9)).extent(window) == (9.5, 29.5, -0.5, 19.5)
    (image,) = events.event_figure(picture, window=window).axes[0].images
    assert tuple(image.get_extent()) == picture.extent(window)


@pytest.mark.parametrize(
    ("unit", "title"),
    [("", "charge"), ("ADC", "charge [ADC]"), ("MIP", "value [MIP]"), ("MeV", "value [MeV]")],
)
def test_energies_are_not_called_charge(unit, title):
    assert dataclasses.replace(make_picture(make_view(9)), unit=unit).charge == title
