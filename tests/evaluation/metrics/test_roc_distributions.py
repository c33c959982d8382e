"""ROC curves and score distributions against loops over pairs and events."""

import itertools

import numpy as np
import pytest

from jaxsparse.evaluation.metrics.distributions import EDGES, ScoreDistributions
from jaxsparse.evaluation.metrics.metric import measure
from jaxsparse.evaluation.metrics.roc import POINTS, RocCurves, roc_curve
from jaxsparse.evaluation.scored import Scored


@pytest.fixture(scope="module")
def drawn():
    rng = np.random.default_rng(3)
    signal = rng.random(150) < 0.4
    score = np.round(rng.normal(size=150) + signal, 1)  # with ties
    return score, signal


def test_the_area_is_the_part_of_the_pairs_in_order(drawn):
    score, signal = drawn
    pairs = [(a > b) + 0.5 * (a == b) for a, b in itertools.product(score[signal], score[~signal])]
    curve = roc_curve(score, signal)
    assert curve.area == pytest.approx(np.mean(pairs))
    assert np.trapezoid(curve.efficiency, curve.background) == pytest.approx(curve.area)


def test_every_point_is_a_cut_on_the_score(drawn):
    score, signal = drawn
    curve = roc_curve(score, signal)
    for efficiency, background, cut in zip(
        curve.efficiency, curve.background, curve.threshold, strict=True
    ):
        assert efficiency == pytest.approx((score[signal] >= cut).mean())
        assert background == pytest.approx((score[~signal] >= cut).mean())


def test_the_error_of_the_area_is_what_new_samples_show():
    rng = np.random.default_rng(4)

    def sample():
        signal = np.repeat([True, False], [60, 90])
        return roc_curve(rng.normal(size=150) + signal, signal)

    curves = [sample() for _ in range(400)]
    spread = np.std([curve.area for curve in curves])
    assert np.mean([curve.area_error for curve in curves]) == pytest.approx(spread, rel=0.12)


def test_one_sided_and_empty_samples_have_no_area():
    for signal in ([], [True, True], [False]):
        curve = roc_curve(np.zeros(len(signal)), np.array(signal, bool))
        assert np.isnan(curve.area)
        assert np.isnan(curve.area_error)
    one = roc_curve(np.array([0.2, 0.1]), np.array([True, False]))
    assert one.area == 1.0
    assert np.isnan(one.area_error)


def test_a_stored_curve_is_short_and_keeps_its_ends():
    rng = np.random.default_rng(5)
    results = Scored.of(rng.dirichlet((1, 1), 5000), rng.integers(-1, 2, 5000), "ab")
    entry = measure([RocCurves()], [results])["roc"]["b"]
    assert len(entry["background"]) <= POINTS + 2
    assert (entry["background"][0], entry["efficiency"][0]) == (0, 0)
    assert (entry["background"][-1], entry["efficiency"][-1]) == (1, 1)
    thinned = np.trapezoid(entry["efficiency"], entry["background"])
    assert thinned == pytest.approx(entry["area"], abs=5e-3)


def test_right_missed_and_wrongly_called_events_by_score():
    rng = np.random.default_rng(6)
    scores, truth = rng.dirichlet(np.ones(3), 300).astype(np.float32), rng.integers(-1, 3, 300)
    figures = measure([ScoreDistributions()], [Scored.of(scores, truth, "abc")])
    summary = figures["score_distributions"]
    assert summary["edges"] == EDGES.tolist()
    for c, name in enumerate("abc"):
        expected = {key: np.zeros(len(EDGES) - 1, int) for key in summary[name]}
        for row, label in zip(scores, truth, strict=True):
            if label < 0:
                continue
            column = max(k for k in range(len(EDGES) - 1) if row[c] >= EDGES[k])
            called = int(np.argmax(row))
            if label == c:
                expected["right" if called == c else "missed"][column] += 1
            elif called == c:
                expected["wrongly_called"][column] += 1
        assert summary[name] == {key: value.tolist() for key, value in expected.items()}
