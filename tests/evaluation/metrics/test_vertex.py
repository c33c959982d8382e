"""Distances of named pixels from the vertex, against numbers counted by hand."""

import numpy as np
import pytest

from jaxsparse.data.pixels import Pixels
from jaxsparse.evaluation.heads.vertex import CLASSES, named
from jaxsparse.evaluation.metrics.bootstrap import GroupedCounts
from jaxsparse.evaluation.metrics.metric import measure
from jaxsparse.evaluation.metrics.vertex import VertexDistance
from jaxsparse.evaluation.scored import Scored

VIEWS = ("XZ", "YZ")


def image(distance, values=None):
    """Four pixels, two in the first row of the image."""
    coords = np.array([[1, 2], [1, 5], [3, 0], [6, 6]], np.int32)[: len(distance)]
    columns = {} if distance[0] is None else {"vertex_distance": np.array(distance, np.float32)}
    values = np.ones(len(coords), np.float32) if values is None else np.array(values, np.float32)
    return Pixels(coords, values, np.array([len(coords)]), (8, 8), columns)


def test_the_highest_score_names_a_pixel_and_the_guess_the_brightest_of_the_first_row():
    said = named(image([3, 2, 1, 1], values=[4, 9, 20, 1]), np.array([0.0, 1.0, 3.0, 1.0]))
    assert (said["row"], said["distance"], said["first_distance"], said["nearest"]) == (2, 1, 2, 1)
    weights = np.exp([0.0, 1.0, 3.0, 1.0])
    assert said["score"] == pytest.approx(weights[2] / weights.sum())
    assert said["loss"] == pytest.approx(-np.log((weights[2] + weights[3]) / weights.sum()))


@pytest.mark.parametrize("pixels", [image([None, None]), image([np.inf, np.inf])])
def test_an_image_without_a_vertex_has_a_pixel_that_is_named_and_no_distance(pixels):
    said = named(pixels, np.array([0.0, 1.0]))
    assert said["row"] == 1
    assert said["distance"] == said["nearest"] == np.inf


def test_an_image_without_a_pixel_names_none():
    empty = Pixels(np.zeros((0, 2), np.int32), np.zeros(0, np.float32), np.array([0]), (8, 8))
    said = named(empty, np.zeros(0))
    assert (said["row"], said["score"], said["nearest"]) == (-1, 0.0, np.inf)


def event(*images):
    """An event of (distance, first distance, nearest) in both views."""
    distance, first, nearest = np.array(images, float).T
    known = np.isfinite(nearest)
    return Scored(
        np.ones((2, 1), np.float32), np.where(known, 0, -1).astype(np.int32), CLASSES,
        np.where(known, 0.5, 0.0),
        {"distance": distance, "first_distance": first, "nearest": nearest, "view": np.arange(2)},
    )  # fmt: skip


def test_figures_are_over_the_images_that_have_a_vertex():
    far = (np.inf,) * 3
    events = [event((0, 4, 0), (3, 1, 1)), event((1, 1, 1), far), event(far, far)]
    metric = VertexDistance(VIEWS, GroupedCounts())
    figures = measure([metric], events)
    assert figures["loss"] == pytest.approx(1.5 / 3)  # an event
    assert figures["accuracy"] == pytest.approx(2 / 3)
    vertex = figures["vertex"]
    assert vertex["images"] == 3
    assert vertex["within"] == pytest.approx({"0": 1 / 3, "1": 2 / 3, "2": 2 / 3, "5": 1, "10": 1})
    assert vertex["percentiles"]["50"] == 1
    assert vertex["nearest"]["50"] == 1
    assert vertex["per_view"]["XZ"]["accuracy"] == 1
    assert vertex["per_view"]["YZ"]["images"] == 1
    assert figures["baselines"]["first"]["accuracy"] == pytest.approx(2 / 3)
    assert "| YZ | 1 | 0.0000 |" in "\n".join(metric.section(figures))


def test_without_a_vertex_there_is_no_figure():
    figures = measure(
        [VertexDistance(VIEWS, GroupedCounts())], [event((np.inf,) * 3, (np.inf,) * 3)]
    )
    assert figures["accuracy"] is None
