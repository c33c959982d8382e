"""Figures of a classifier of events against numbers worked out by hand."""

import json
import math

import numpy as np
import pytest

from jaxsparse.evaluation.classification.metrics import (
    TRUTH_KEYS,
    balanced_accuracy,
    event_metrics,
)
from jaxsparse.evaluation.classification.results import EventResults
from jaxsparse.evaluation.text import dumps
from jaxsparse.evaluation.thresholds import parse_rules

CLASSES = ("numu", "nue", "nc")
# truth, called, score of the called class
EVENTS = [(0, 0, 0.9), (0, 0, 0.8), (0, 1, 0.6), (1, 1, 0.7), (1, 1, 0.5), (-1, 2, 0.9)]


def make(events) -> EventResults:
    scores = np.full((len(events), 3), np.nan)
    for row, (_, called, score) in enumerate(events):
        scores[row] = (1 - score) / 2
        scores[row, called] = score
    return EventResults.of(scores, [truth for truth, _, _ in events], CLASSES)


def random_results(events: int, seed: int = 0) -> EventResults:
    rng = np.random.default_rng(seed)
    return EventResults.of(
        rng.dirichlet(np.ones(3), events), rng.integers(0, 3, events), CLASSES,
        rng.uniform(0, 12, events), ["numu CC QE"] * events,
    )  # fmt: skip


def test_counts_matrices_and_class_scores():
    metrics = event_metrics(make(EVENTS))
    assert metrics.keys() == set(TRUTH_KEYS)
    assert metrics["confusion"] == [[2, 1, 0], [0, 2, 0], [0, 0, 0]]
    assert metrics["accuracy"] == pytest.approx(4 / 5)
    assert metrics["accuracy_balanced"] == pytest.approx((2 / 3 + 1) / 2)
    np.testing.assert_allclose(
        metrics["efficiency_matrix"], [[2 / 3, 1 / 3, 0.0], [0.0, 1.0, 0.0], [np.nan] * 3]
    )
    np.testing.assert_allclose(
        metrics["purity_matrix"], [[1.0, 1 / 3, np.nan], [0.0, 2 / 3, np.nan], [0.0, 0.0, np.nan]]
    )
    assert metrics["per_class"]["nue"] == pytest.approx(
        {"efficiency": 1.0, "purity": 2 / 3, "iou": 2 / 3}
    )
    assert metrics["class_shares"] == pytest.approx({"numu": 0.6, "nue": 0.4, "nc": 0.0})
    assert metrics["baselines"]["majority"]["accuracy"] == pytest.approx(3 / 5)


def test_the_loss_is_the_mean_logarithm_of_the_true_score():
    metrics = event_metrics(make(EVENTS))
    expected = -np.log([0.9, 0.8, 0.2, 0.7, 0.5]).mean()
    assert metrics["loss"] == pytest.approx(expected, rel=1e-6)
    given = event_metrics(make(EVENTS), losses=np.array([1, 2, 3, 4, 5, 100.0]))
    assert given["loss"] == 3.0


def test_a_class_that_is_absent_and_never_called_has_no_figures():
    text = json.loads(dumps(event_metrics(make(EVENTS))))
    assert text["per_class"]["nc"] == {"efficiency": None, "purity": None, "iou": None}
    assert text["errors"]["per_class.nc.efficiency"] is None
    assert text["roc"]["nc"]["area"] is None
    assert text["efficiency_matrix"][2] == [None] * 3


@pytest.mark.parametrize("events", [0, 1, 2])
def test_few_events_give_null_and_no_crash(events):
    metrics = json.loads(dumps(event_metrics(make(EVENTS[:events]))))
    assert metrics["accuracy"] == (1.0 if events else None)
    assert metrics["loss"] == (pytest.approx(-math.log(0.9) if events == 1 else
                                             -math.log(0.72) / 2) if events else None)  # fmt: skip


def test_events_without_truth_count_nowhere():
    metrics = json.loads(dumps(event_metrics(make(EVENTS[5:]))))
    assert metrics["accuracy"] is None
    assert metrics["confusion"] == [[0] * 3] * 3
    assert metrics["accuracy_against"]["energy"] is None


def test_the_error_of_the_accuracy_is_binomial():
    results = random_results(900)
    metrics = event_metrics(results)
    accuracy = metrics["accuracy"]
    expected = math.sqrt(accuracy * (1 - accuracy) / 900)
    assert metrics["errors"]["accuracy"] == pytest.approx(expected, rel=0.1)
    again = event_metrics(results)["errors"]
    assert again == metrics["errors"]  # seeded
    assert event_metrics(results, seed=1)["errors"]["accuracy"] != again["accuracy"]


def test_the_balanced_accuracy_does_not_know_the_shares():
    confusion = np.array([[8, 2], [1, 3]])
    assert balanced_accuracy(confusion * np.array([[10], [1]])) == balanced_accuracy(confusion)


def test_a_threshold_rule_moves_events():
    rules = parse_rules(["nue>0.65"], CLASSES)
    entry = event_metrics(make(EVENTS), rules=rules)["threshold_rules"]["nue>0.65"]
    # The events called nue at 0.6 and 0.5 go to the first of two equal others.
    assert entry["confusion"] == [[3, 0, 0], [1, 1, 0], [0, 0, 0]]


def test_the_forest_stands_beside_the_network_on_the_same_events():
    results = make(EVENTS)
    forest = np.eye(3)[[0, 1, 0, 1, 0, 0]]
    entry = event_metrics(results, forest=forest, forest_note="somewhere")["baselines"]["forest"]
    assert entry["accuracy"] == pytest.approx(3 / 5)
    pair = entry["network_against_it"]
    assert (pair["only_first"], pair["only_second"]) == (2, 1)
    assert pair["difference"] == pytest.approx(1 / 5)
    assert pair["p_value"] == pytest.approx(1.0)  # 1 of 3, two-sided
    nothing = event_metrics(results, forest_note="no scikit-learn")["baselines"]["forest"]
    assert nothing == {"fitted_on": "no scikit-learn", "accuracy": None}
