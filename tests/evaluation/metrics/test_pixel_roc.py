"""The binned area under the ROC curve of pixels against scikit-learn's exact one."""

import dataclasses

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from jaxsparse.evaluation.metrics.bootstrap import GroupedCounts
from jaxsparse.evaluation.metrics.metric import measure
from jaxsparse.evaluation.metrics.pixel_roc import PixelRoc
from jaxsparse.evaluation.scored import Scored

CLASSES = ("a", "b", "c")


@pytest.fixture(scope="module")
def events():
    """Pixels whose scores say their class more or less, up to certainty."""
    events = []
    for number in range(3):
        rng = np.random.default_rng(number)
        truth = rng.choice(3, 4000, p=[0.7, 0.25, 0.05])
        logits = 6 * (np.eye(3)[truth] + rng.normal(size=(4000, 3)))
        scored = Scored.of_logits(logits, truth, CLASSES, group=number)
        events.append(
            dataclasses.replace(scored, truth=np.where(rng.random(4000) < 0.9, truth, -1))
        )
    return events


def test_areas_are_those_of_scikit_learn(events):
    figures = measure([PixelRoc(CLASSES, GroupedCounts())], events)
    whole = Scored.join(events)
    whole = whole.take(whole.known)
    for label, name in enumerate(CLASSES):
        exact = roc_auc_score(whole.truth == label, whole.scores[:, label])
        assert figures["area_under_roc"]["per_class"][name] == pytest.approx(exact, abs=2e-4)
    exact = roc_auc_score(whole.truth, whole.scores, multi_class="ovr", average="weighted")
    assert figures["area_under_roc"]["weighted"] == pytest.approx(exact, abs=2e-4)
    assert 0 < figures["errors"]["area_under_roc.weighted"] < 0.01


def test_a_class_without_a_pixel_has_no_area_and_no_weight():
    scored = Scored.of([[0.9, 0.1, 0], [0.2, 0.8, 0]], [0, 1], CLASSES)
    figures = measure([PixelRoc(CLASSES, GroupedCounts())], [scored])["area_under_roc"]
    assert np.isnan(figures["per_class"]["c"])
    assert figures["weighted"] == 1


def test_scores_of_zero_and_one_are_counted():
    scored = Scored.of([[1, 0, 0], [0, 1, 0], [1, 0, 0]], [0, 0, 1], CLASSES)
    figures = measure([PixelRoc(CLASSES, GroupedCounts())], [scored])["area_under_roc"]
    assert figures["per_class"]["a"] == 0.25
