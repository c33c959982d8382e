"""Classes of which nothing is, and which nothing is called, are in no table and no plot."""

import itertools
import json

import numpy as np
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg

from jaxsparse.detectors import find
from jaxsparse.evaluation.metrics.bootstrap import GroupedCounts
from jaxsparse.evaluation.metrics.confusion import Confusion
from jaxsparse.evaluation.metrics.metric import measure
from jaxsparse.evaluation.scored import Scored
from jaxsparse.evaluation.text import dumps
from jaxsparse.viz import figures
from jaxsparse.viz.used_classes import used_classes

NAMES = find("nova").pixel_classes.names
USED, UNUSED = NAMES[:7], NAMES[7:]


@pytest.fixture(scope="module")
def metrics():
    """Of pixels of the first seven classes, the last of which nothing is called; and particles."""
    truth = np.arange(70) % 7
    scores = np.eye(len(NAMES))[truth % 6]
    values = measure([Confusion(NAMES, GroupedCounts())], [Scored.of(scores, truth, NAMES)])
    edges = [0, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, None]
    there = {name: int(name in USED) for name in NAMES}
    profile = {
        name: {"number": [20 * n] * 11, "efficiency": [0.5] * 11, "error": [0.1] * 11}
        for name, n in there.items()
    }
    values["grouping"] = {
        "clusters": {
            "least_pixels": 3,
            "per_class": {name: {"number": n, "predicted": n} for name, n in there.items()},
            "by_energy": {"edges": edges, **profile},
            "by_overlap": {"edges": edges, **profile},
        },
        "panoptic": {
            "per_class": {
                name: dict.fromkeys(("pq", "sq", "rq"), 0.5 if n else None)
                for name, n in there.items()
            }
        },
    }
    about = {"task": "segmentation", "classes": NAMES, "num_sites": 70, "num_events": 1}
    return json.loads(dumps({**about, **values}))


@pytest.fixture(scope="module")
def drawn(metrics):
    plots = dict(figures.figures_of(metrics))
    for figure in plots.values():
        FigureCanvasAgg(figure).draw()
    return plots


def words(artists):
    return [artist.get_text() for artist in artists]


def test_tables_leave_them_out_and_one_line_names_them(metrics):
    lines = Confusion(NAMES, GroupedCounts()).section(metrics)
    assert [line.split(" |")[0] for line in lines[2:9]] == [f"| {name}" for name in USED]
    assert f"| truth, called | {' | '.join(USED)} |" in lines
    assert lines[-1] == (
        "Left out of all tables and plots, because no pixel is of them and none is called so: "
        f"{', '.join(UNUSED)}."
    )


def test_no_line_where_every_class_is_used():
    scored = Scored.of(np.eye(2), [0, 1], ("a", "b"))
    confusion = Confusion(("a", "b"), GroupedCounts())
    figures = measure([confusion], [scored])
    assert "Left out" not in " ".join(confusion.section(json.loads(dumps(figures))))


def test_a_class_of_predicted_particles_alone_is_used():
    per_class = {"a": {"number": 1, "predicted": 0}, "b": {"number": 0, "predicted": 1}}
    grouping = {"clusters": {"per_class": per_class}}
    metrics = {"confusion": np.diag([3, 0, 0]).tolist(), "grouping": grouping}
    assert used_classes(metrics, ("a", "b", "c")) == ["a", "b"]


def test_plots_have_the_others_alone(drawn):
    axes = drawn["confusion"].axes[0]
    assert words(axes.get_xticklabels()) == words(axes.get_yticklabels()) == list(USED)
    (legend,) = drawn["grouping"].legends
    assert words(legend.get_texts()) == list(USED)


@pytest.mark.parametrize("name", ["confusion", "grouping"])
def test_names_at_the_ticks_do_not_run_into_each_other(drawn, name):
    for axes in drawn[name].axes:
        labels = axes.get_xticklabels()
        slanted = {label.get_rotation() for label in labels} == {30.0}
        boxes = [label.get_window_extent() for label in labels]
        assert slanted or all(a.x1 < b.x0 for a, b in itertools.pairwise(boxes))


def test_the_legend_of_particles_lies_inside_the_figure(drawn):
    figure = drawn["grouping"]
    box = figure.legends[0].get_window_extent()
    assert box.x0 >= 0
    assert box.x1 <= figure.bbox.x1
