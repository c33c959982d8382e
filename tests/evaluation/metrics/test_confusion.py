"""Figures of a classifier of events against numbers worked out by hand."""

import dataclasses
import json
import math

import numpy as np
import pytest

from jaxsparse.evaluation.heads.event import event_metrics
from jaxsparse.evaluation.metrics.metric import measure
from jaxsparse.evaluation.metrics.thresholds import parse_rules
from jaxsparse.evaluation.scored import Scored
from jaxsparse.evaluation.text import dumps

CLASSES = ("numu", "nue", "nc")
# truth, called, score of the called class
EVENTS = [(0, 0, 0.9), (0, 0, 0.8), (0, 1, 0.6), (1, 1, 0.7), (1, 1, 0.5), (-1, 2, 0.9)]


def make(events) -> Scored:
    scores = np.full((len(events), 3), np.nan)
    for row, (_, called, score) in enumerate(events):
        scores[row] = (1 - score) / 2
        scores[row, called] = score
    return Scored.of(scores, [truth for truth, _, _ in events], CLASSES)


def figures_of(scored: Scored, **options):
    return measure(event_metrics(CLASSES, **options), [scored])


def random_results(events: int, seed: int = 0) -> Scored:
    rng = np.random.default_rng(seed)
    return Scored.of(
        rng.dirichlet(np.ones(3), events), rng.integers(0, 3, events), CLASSES,
        rng.uniform(0, 12, events), ["numu CC QE"] * events,
    )  # fmt: skip


def test_counts_matrices_and_class_scores():
    metrics = figures_of(make(EVENTS))
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
    metrics = figures_of(make(EVENTS))
    expected = -np.log([0.9, 0.8, 0.2, 0.7, 0.5]).mean()
    assert metrics["loss"] == pytest.approx(expected, rel=1e-6)
    given = figures_of(dataclasses.replace(make(EVENTS), losses=np.array([1, 2, 3, 4, 5, 100.0])))
    assert given["loss"] == 3.0


def test_a_class_that_is_absent_and_never_called_has_no_figures():
    text = json.loads(dumps(figures_of(make(EVENTS))))
    assert text["per_class"]["nc"] == {"efficiency": None, "purity": None, "iou": None}
    assert text["errors"]["per_class.nc.efficiency"] is None
    assert text["roc"]["nc"]["area"] is None
    assert text["efficiency_matrix"][2] == [None] * 3


@pytest.mark.parametrize("events", [0, 1, 2])
def test_few_events_give_null_and_no_crash(events):
    metrics = json.loads(dumps(figures_of(make(EVENTS[:events]))))
    assert metrics["accuracy"] == (1.0 if events else None)
    assert metrics["loss"] == (pytest.approx(-math.log(0.9) if events == 1 else
                                             -math.log(0.72) / 2) if events else None)  # fmt: skip


def test_events_without_truth_count_nowhere():
    assert figures_of(make(EVENTS))["confusion"] == figures_of(make(EVENTS[:5]))["confusion"]
    assert set(figures_of(make(EVENTS[5:])).values()) == {None}


def test_portions_of_a_pass_give_the_figures_of_the_whole():
    scored = random_results(60)
    portions = [scored.take(np.arange(60) // 25 == part) for part in range(3)]
    assert dumps(measure(event_metrics(CLASSES), portions)) == dumps(figures_of(scored))


def test_the_error_of_the_accuracy_is_binomial():
    results = random_results(900)
    metrics = figures_of(results)
    accuracy = metrics["accuracy"]
    expected = math.sqrt(accuracy * (1 - accuracy) / 900)
    assert metrics["errors"]["accuracy"] == pytest.approx(expected, rel=0.1)
    again = figures_of(results)["errors"]
    assert again == metrics["errors"]  # seeded
    assert figures_of(results, seed=1)["errors"]["accuracy"] != again["accuracy"]


def test_a_threshold_rule_moves_events():
    rules = parse_rules(["nue>0.65"], CLASSES)
    entry = figures_of(make(EVENTS), rules=rules)["threshold_rules"]["nue>0.65"]
    # The events called nue at 0.6 and 0.5 go to the first of two equal others.
    assert entry["confusion"] == [[3, 0, 0], [1, 1, 0], [0, 0, 0]]
