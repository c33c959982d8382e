"""Displays of whole events and plots of their classifiers: what is drawn, and that all of it is."""

import json

import numpy as np
import pytest

from jaxsparse.data.schema import View
from jaxsparse.detectors import find
from jaxsparse.detectors.nova import NOVA_AXES, NOVA_PIXEL_CLASSES
from jaxsparse.evaluation.heads.event import event_metrics
from jaxsparse.evaluation.metrics.metric import measure
from jaxsparse.evaluation.scored import Scored
from jaxsparse.evaluation.studies.neutral_currents import nc_summary
from jaxsparse.evaluation.studies.pions import Pions
from jaxsparse.evaluation.text import dumps
from jaxsparse.viz import event_views, figures
from jaxsparse.viz.style import save
from tests.random_views import random_cells

CLASSES = ("numu", "nue", "nc")


def make_view(pixels: int, shape=(100, 80), *, truth: bool = True) -> View:
    rng = np.random.default_rng(pixels)
    coords = random_cells(rng, pixels, shape)
    labels = rng.integers(-1, len(NOVA_PIXEL_CLASSES), pixels).astype(np.int8) if truth else None
    return View(coords, rng.integers(1, 256, pixels).astype(np.float32), shape, labels)


def make_picture(*views: View, **changes) -> event_views.EventPicture:
    values = dict(
        views={f"view {i}": view for i, view in enumerate(views)}, classes=CLASSES, truth=1,
        scores=np.array([0.7, 0.2, 0.1]), energy=2.125, details="nue CC RES", name="event 12",
        pixel_classes=NOVA_PIXEL_CLASSES, axes=NOVA_AXES, across=0,
    )  # fmt: skip
    return event_views.EventPicture(**{**values, **changes})


def test_the_title_says_what_is_known():
    view = make_view(5)
    assert make_picture(view).title() == (
        "event 12   true nue (nue CC RES, 2.12 GeV)   called numu (0.70)"
    )
    plain = make_picture(view, truth=-1, scores=None, energy=np.nan, details="")
    assert plain.title() == "event 12"
    cosmic = make_picture(view, classes=("cosmic", "b", "c"), truth=0, details="cosmic",
                          energy=np.nan)  # fmt: skip
    assert cosmic.title() == "event 12   true cosmic   called cosmic (0.70)"


def test_wrong_predictions_are_red_and_right_ones_green():
    view = make_view(5)
    assert make_picture(view).colour == event_views.WRONG
    assert make_picture(view, truth=0).colour == event_views.RIGHT
    assert make_picture(view, truth=-1).colour not in (event_views.RIGHT, event_views.WRONG)


def test_the_plane_along_the_beam_goes_from_left_to_right():
    view = View(np.array([[90, 10]], np.int32), np.ones(1, np.float32), (100, 80))
    upright = make_picture(view).images()["view 0"].view
    assert (upright.coords.tolist(), upright.shape) == ([[10, 90]], (80, 100))
    figure = event_views.views_figure(make_picture(view))
    assert figure.axes[0].get_xlabel() == "plane"
    as_it_is = make_picture(view, across=1).images()["view 0"].view
    assert as_it_is.coords.tolist() == [[90, 10]]


@pytest.mark.parametrize(
    "picture",
    [
        make_picture(make_view(80), make_view(60)),
        make_picture(make_view(0), make_view(1)),
        make_picture(make_view(300, (500, 500), truth=False), make_view(0, (500, 500), truth=False),
                     make_view(20, (500, 500), truth=False), across=1),
        make_picture(make_view(9, truth=False), truth=-1, scores=None),
        make_picture(make_view(50, (9, 20, 30)), axes=("x", "y", "z")),
    ],
    ids=["two views", "empty view", "three large views", "charge only", "voxels"],
)  # fmt: skip
def test_every_kind_of_event_is_drawn(picture, tmp_path):
    path = save(event_views.views_figure(picture), tmp_path / "event.png")
    assert path.stat().st_size > 5000


def test_a_display_has_a_panel_a_view_and_row_and_one_for_scores():
    def panels(picture):
        return [ax.get_title(loc="left") for ax in event_views.views_figure(picture).axes]

    both = panels(make_picture(make_view(8), make_view(7)))
    assert sum("charge" in title for title in both) == 2
    assert sum("true classes" in title for title in both) == 2
    bare = panels(make_picture(make_view(8, truth=False), scores=None))
    assert sum(bool(title) for title in bare) == 1


def test_a_gallery_shows_every_event_and_says_where_there_is_none():
    event = make_picture(make_view(30), make_view(20))
    figure = event_views.gallery_figure({"right": [event] * 3, "wrong": []}, "Surest")
    assert len(figure.axes) == 3 * 2
    words = [text.get_text() for text in figure.texts]
    assert "none" in words
    assert any("called numu 0.700" in word for word in words)
    assert event_views.gallery_figure({"right": [], "wrong": []}, "Surest").axes == []


def metrics_of(events: int):
    rng = np.random.default_rng(0)
    truth = rng.integers(-1, 2, events)  # the third class is absent
    scores = rng.dirichlet(np.ones(3), events)
    topology = [("numu CC QE", "nutau CC DIS electron", "")[i] for i in rng.integers(0, 3, events)]
    results = Scored.of(scores, truth, CLASSES, rng.uniform(0, 9, events), topology)
    metrics = {"task": "classification", "classes": CLASSES, "num_events": events,
               "num_sites": 9, "num_events_without_truth": int((truth < 0).sum())}  # fmt: skip
    pions = Pions(*rng.uniform(1, 90, (3, events)))
    nova = find("nova")
    assert nova.neutral_currents is not None
    values = measure(event_metrics(CLASSES, detector=nova), [results])
    called = nc_summary(results, pions, nova.neutral_currents)
    return json.loads(dumps({**metrics, **values, "nc_called": called}))


@pytest.mark.parametrize("events", [200, 3])
def test_every_plot_is_drawn_from_the_json_alone(events, tmp_path):
    drawn = dict(figures.figures_of(metrics_of(events)))
    assert set(drawn) >= {"confusion", "calibration", "thresholds", "roc", "scores", "energy"}
    for name, figure in drawn.items():
        assert save(figure, tmp_path / f"{name}.png").stat().st_size > 5000


def test_what_a_file_does_not_know_has_no_page():
    results = Scored.of(np.eye(2), [0, 1], ("a", "b"))  # no energies, no kinds
    about = {"task": "classification", "classes": ("a", "b"), "num_events": 2, "num_sites": 9}
    metrics = json.loads(dumps({**about, **measure(event_metrics(("a", "b")), [results])}))
    names = {name for name, _ in figures.figures_of(metrics)}
    assert names == {"confusion", "calibration", "thresholds", "roc", "scores"}
