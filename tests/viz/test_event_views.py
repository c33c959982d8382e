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
from jaxsparse.viz import figures
from jaxsparse.viz.event_gallery import gallery_figure
from jaxsparse.viz.event_picture import RIGHT, WRONG, EventPicture
from jaxsparse.viz.event_views import views_figure
from jaxsparse.viz.picture import Picture
from jaxsparse.viz.style import save
from tests.random_views import random_cells

CLASSES = ("numu", "nue", "nc")


def make_view(pixels: int, shape=(100, 80), *, truth: bool = True) -> View:
    rng = np.random.default_rng(pixels)
    coords = random_cells(rng, pixels, shape)
    labels = rng.integers(-1, len(NOVA_PIXEL_CLASSES), pixels).astype(np.int8) if truth else None
    return View(coords, rng.integers(1, 256, pixels).astype(np.float32), shape, labels)


def make_picture(*views: View, axes=NOVA_AXES, across: int = 0, **changes) -> EventPicture:
    images = {
        f"view {i}": Picture(view, classes=NOVA_PIXEL_CLASSES, axes=axes, across=across)
        for i, view in enumerate(views)
    }
    values = dict(
        views=images, classes=CLASSES, truth=1, scores=np.array([0.7, 0.2, 0.1]), energy=2.125,
        details="nue CC RES", name="event 12",
    )  # fmt: skip
    return EventPicture(**{**values, **changes})


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
    assert make_picture(view).colour == WRONG
    assert make_picture(view, truth=0).colour == RIGHT
    assert make_picture(view, truth=-1).colour not in (RIGHT, WRONG)


def test_the_plane_along_the_beam_goes_from_left_to_right():
    view = View(np.array([[90, 10]], np.int32), np.ones(1, np.float32), (100, 80))
    shown = views_figure(make_picture(view)).axes[0]
    assert (shown.get_xlabel(), shown.get_ylabel()) == ("plane", "cell")
    assert shown.get_xlim()[1] > 90 > shown.get_xlim()[0] > 10
    as_it_is = views_figure(make_picture(view, across=1)).axes[0]
    assert (as_it_is.get_xlabel(), as_it_is.get_ylabel()) == ("cell", "plane")


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
    path = save(views_figure(picture), tmp_path / "event.png")
    assert path.stat().st_size > 5000


def test_a_display_has_a_panel_a_view_and_row_and_one_for_scores():
    def panels(picture):
        return [ax.get_title(loc="left") for ax in views_figure(picture).axes]

    both = panels(make_picture(make_view(8), make_view(7)))
    assert sum("charge" in title for title in both) == 2
    assert sum("true classes" in title for title in both) == 2
    bare = panels(make_picture(make_view(8, truth=False), scores=None))
    assert sum(bool(title) for title in bare) == 1


ALL = {
    "charge", "true classes", "predicted classes", "pixels wrong", "true particles",
    "predicted particles",
}  # fmt: skip


def told(view: View, *, instances: bool = True, truth: bool = True) -> Picture:
    """A view of which everything is known: every pixel is called 2 and of particle 7."""
    numbers = np.arange(len(view)) % 3 if truth else None
    known = View(view.coords, view.values, view.shape, numbers, numbers)
    scores = np.tile(np.eye(3, dtype=np.float32)[2], (len(view), 1))
    instance = np.full(len(view), 7) if instances else None
    return Picture(known, scores, classes="abc", axes=NOVA_AXES, across=0, instance=instance)


def kinds(*views: Picture, shared=None) -> list[set[str]]:
    """By view which panels there are."""
    images = {f"view {i}": view for i, view in enumerate(views)}
    event = EventPicture(images, shared or {}, CLASSES, scores=np.array([0.7, 0.2, 0.1]))
    titles = [ax.get_title(loc="left") for ax in views_figure(event).axes]
    return [
        {kind for kind in ALL if any(name in title and kind in title for title in titles)}
        for name in images
    ]


@pytest.mark.parametrize("shared", [{}, {"view 0": 0, "view 1": 0}, {"view 0": 1, "view 1": 1}])
@pytest.mark.parametrize("pixels", [(30, 20), (30, 0), (0, 0)])
def test_all_that_is_known_of_pixels_is_shown_of_every_view(pixels, shared):
    assert kinds(*(told(make_view(number)) for number in pixels), shared=shared) == [ALL, ALL]


def test_a_network_without_instances_has_no_panel_of_them():
    own = {"predicted particles"}
    assert kinds(*[told(make_view(30), instances=False)] * 2) == [ALL - own] * 2


def test_without_truth_only_predictions_are_shown():
    known = {"charge", "predicted classes", "predicted particles"}
    for views in (1, 2, 3):
        assert kinds(*[told(make_view(30), truth=False)] * views) == [known] * views


def test_true_particles_of_a_file_are_shown_of_networks_that_tell_none():
    view = told(make_view(30)).view
    shown = kinds(Picture(view, classes="abc"), Picture(make_view(9, truth=False)))
    assert shown == [{"charge", "true classes", "true particles"}, {"charge"}]


def colours(figure, words: str) -> list[set[tuple[float, ...]]]:
    """What the panels of these words are painted in."""
    panels = [ax for ax in figure.axes if words in ax.get_title(loc="left")]
    found = []
    for ax in panels:
        dots = np.asarray(ax.get_images()[0].get_array()).reshape(-1, 4)
        found.append(
            {tuple(dot) for dot in np.unique(dots[dots[:, 3] > 0].round(3), axis=0).tolist()}
        )
    return found


def test_a_particle_has_one_colour_in_all_views_true_and_predicted():
    """The second view has one particle of the first alone, and the network finds both."""
    first, second = make_view(30), make_view(12)
    of_first, of_second = np.arange(30) % 2, np.ones(12, int)

    def image(view: View, numbers: np.ndarray) -> Picture:
        known = View(view.coords, view.values, view.shape, numbers, numbers)
        return Picture(known, classes="ab", axes=NOVA_AXES, across=0, instance=5 - numbers)

    views = {"XZ": image(first, of_first), "YZ": image(second, of_second)}
    figure = views_figure(EventPicture(views, {"XZ": 0, "YZ": 0}))
    both, one = colours(figure, "true particles")
    assert len(both) == 2
    assert len(one) == 1
    assert one < both
    assert colours(figure, "predicted particles") == [both, one]


def test_predicted_particles_without_true_ones_have_colours_of_their_own():
    view = make_view(20, truth=False)
    picture = Picture(view, np.eye(2)[np.arange(20) % 2], classes="ab", instance=np.arange(20) % 4)
    (shown,) = colours(views_figure(EventPicture({"Y": picture})), "predicted particles")
    assert len(shown) == 4


def test_the_legend_names_true_and_predicted_classes():
    figure = views_figure(EventPicture({"Y": told(make_view(2))}))  # 0 and 1 are true, 2 is called
    (legend,) = figure.legends
    assert [text.get_text() for text in legend.get_texts()] == ["a", "b", "c"]


def test_views_of_a_gallery_are_in_line():
    event = make_picture(make_view(30), make_view(20), shared={"view 0": 0, "view 1": 0})
    upper, lower = gallery_figure({"right": [event]}, "Surest").axes
    assert upper.get_xlim() == lower.get_xlim() == (-0.5, 99.5)
    assert upper.get_position().x0 == lower.get_position().x0
    assert upper.get_position().y0 > lower.get_position().y1


def test_a_gallery_shows_every_event_and_says_where_there_is_none():
    event = make_picture(make_view(30), make_view(20))
    figure = gallery_figure({"right": [event] * 3, "wrong": []}, "Surest")
    assert len(figure.axes) == 3 * 2
    words = [text.get_text() for text in figure.texts]
    assert "none" in words
    assert any("called numu 0.700" in word for word in words)
    assert gallery_figure({"right": [], "wrong": []}, "Surest").axes == []


def test_a_row_of_a_gallery_without_events_leaves_no_blank():
    event = make_picture(make_view(30), make_view(20))
    alone, none, one = (
        gallery_figure(rows, "Surest").get_figheight()
        for rows in (
            {"right": [event]}, {"right": [event], "wrong": []},
            {"right": [event], "wrong": [event]},
        )
    )  # fmt: skip
    assert none - alone < 0.6 * (one - alone)


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
