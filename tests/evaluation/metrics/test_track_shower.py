"""Track against shower, counted by hand."""

import json

import numpy as np
import pytest

from jaxsparse.evaluation.metrics.bootstrap import GroupedCounts
from jaxsparse.evaluation.metrics.metric import measure
from jaxsparse.evaluation.metrics.track_shower import TrackShower, merged_sides, side_scores
from jaxsparse.evaluation.scored import Scored
from jaxsparse.evaluation.text import dumps

CLASSES = ("HIP", "MIP", "shower", "delta", "Michel")
# (truth, called) -> pixels: a proton called muon is a track called track, and so on.
PIXELS = {(0, 1): 30, (1, 3): 10, (2, 4): 45, (3, 0): 15}


def scored_of(pixels) -> Scored:
    truth, called = np.repeat(np.array([*pixels]), [*pixels.values()], axis=0).T
    return Scored.of(np.eye(5)[called], truth, CLASSES)


def test_both_sides_count_alike_however_many_pixels_they_have():
    metric = TrackShower((0, 1), GroupedCounts())
    both = measure([metric], [scored_of(PIXELS)])["track_shower"]
    assert both["confusion"] == [[30, 10], [15, 45]]
    assert both["accuracy"] == pytest.approx(75 / 100)
    assert both["track"] == {"efficiency": 30 / 40, "purity": 30 / 45}
    assert both["shower"] == {"efficiency": 45 / 60, "purity": 45 / 55}
    assert both["efficiency"] == pytest.approx((30 / 40 + 45 / 60) / 2)
    assert both["purity"] == pytest.approx((30 / 45 + 45 / 55) / 2)
    assert both["purity"] != pytest.approx(both["accuracy"])  # as a pooled purity would be


def test_confusion_among_tracks_is_no_error_of_track_against_shower():
    both = side_scores(merged_sides(np.diag([3, 4, 5, 6, 7])[[1, 0, 3, 4, 2]], (0, 1)))
    assert (both["accuracy"], both["purity"], both["efficiency"]) == (1, 1, 1)


def test_the_errors_are_of_drawing_events():
    right, wrong = scored_of({(0, 0): 10, (2, 2): 10}), scored_of({(0, 2): 10, (2, 0): 10})
    portions = [
        Scored(one.scores, one.truth, CLASSES, one.losses, group=number)
        for number, one in enumerate([right] * 3 * 20 + [wrong] * 20)
    ]
    errors = measure([TrackShower((0, 1), GroupedCounts())], portions)["errors"]
    assert errors["track_shower.accuracy"] == pytest.approx(np.sqrt(0.75 * 0.25 / 80), rel=0.2)


def test_classes_without_the_two_sides_have_no_such_figure():
    metric = TrackShower(None, GroupedCounts())
    figures = measure([metric], [Scored.of(np.eye(3), [0, 1, 2], "abc")])
    assert figures["track_shower"] is None
    assert metric.section(json.loads(dumps(figures))) == []


def test_the_report_says_which_classes_count_as_showers():
    metric = TrackShower((0, 1), GroupedCounts())
    figures = measure([metric], [scored_of(PIXELS)])
    (said,) = metric.section({**json.loads(dumps(figures)), "classes": CLASSES})
    assert said.startswith("Tracks are HIP, MIP; all other classes count as showers (shower, delt")
