"""Threshold curves and calibration against loops over pixels."""

import numpy as np
import pytest

from jaxsparse.errors import InputError
from jaxsparse.evaluation.metrics import calibration, thresholds
from jaxsparse.evaluation.metrics.metric import measure
from jaxsparse.evaluation.scored import Scored
from jaxsparse.evaluation.scores import confusion_counts


@pytest.fixture(scope="module")
def pixels():
    rng = np.random.default_rng(0)
    scores = rng.dirichlet(np.full(4, 0.4), 500).astype(np.float32)
    scores[:3] = np.array([[0.5, 0.5, 0, 0], [1, 0, 0, 0], [0.25, 0.25, 0.25, 0.25]])
    return rng.integers(-1, 4, 500), scores


def test_one_table_gives_the_confusion_of_every_class_at_every_threshold(pixels):
    truth, scores = pixels
    confusions = thresholds.threshold_confusions(thresholds.threshold_counts(truth, scores))
    for label in range(4):
        for k, threshold in enumerate(thresholds.THRESHOLDS.astype(np.float32)):
            if k == 0:
                continue  # a score of exactly 0 counts as passed there
            called = []
            for row in scores:
                others = [c for c in range(4) if c != label]
                best = max(others, key=lambda c: (row[c], -c))
                called.append(label if row[label] > threshold else best)
            expected = confusion_counts(truth, np.array(called), 4)
            np.testing.assert_array_equal(confusions[label, k], expected)


def test_a_rule_says_the_same_as_the_curve_at_its_threshold(pixels):
    truth, scores = pixels
    confusions = thresholds.threshold_confusions(thresholds.threshold_counts(truth, scores))
    half = thresholds.THRESHOLDS.tolist().index(0.5)
    called = thresholds.apply_threshold(scores, 2, 0.5)
    np.testing.assert_array_equal(confusions[2, half], confusion_counts(truth, called, 4))


def test_a_lower_threshold_never_loses_efficiency(pixels):
    truth, scores = pixels
    metric = thresholds.Thresholds("abcd", ())
    summary = measure([metric], [Scored.of(scores, truth, "abcd")])["threshold_curves"]
    for name in "abcd":
        assert (np.diff(summary[name]["efficiency"]) <= 0).all()


@pytest.mark.parametrize("rule", ["gamma>0.5", "delta", "delta>x", "delta>1", "delta>-0.1"])
def test_a_bad_rule_is_one_line(rule):
    with pytest.raises(InputError, match=r"--thresholds=.*") as caught:
        thresholds.parse_rules([rule], ("delta", "MIP"))
    assert "\n" not in str(caught.value)


def test_calibration_error_against_a_loop(pixels):
    truth, scores = pixels
    known = truth >= 0
    best, called = scores[known].max(1), scores[known].argmax(1)
    expected = 0.0
    for b in range(calibration.BINS):
        low, high = b / calibration.BINS, (b + 1) / calibration.BINS
        inside = (best > low) & (best <= high)
        if inside.any():
            right = (called == truth[known])[inside].mean()
            expected += inside.mean() * abs(right - best[inside].mean())
    tables = calibration.reliability_counts(truth, scores)
    assert calibration.calibration_error(tables["calibration"]) == pytest.approx(expected)


def test_scores_that_say_the_frequency_are_calibrated():
    # 70 of 100 pixels with score 0.7 are right.
    truth = np.array([0] * 70 + [1] * 30)
    scores = np.tile(np.array([0.7, 0.3], np.float32), (100, 1))
    metric = calibration.Calibration(("a", "b"), "pixels")
    summary = measure([metric], [Scored.of(scores, truth, "ab")])["calibration"]
    assert summary["expected_calibration_error"] == pytest.approx(0, abs=1e-6)
    assert summary["per_class"]["b"] == pytest.approx(0, abs=1e-6)
    assert sum(summary["pixels"]) == 100
    assert summary["score_minus_purity"]["a"] == pytest.approx(0, abs=1e-6)
    assert np.isnan(summary["score_minus_purity"]["b"])  # nothing is called so


def test_the_mean_score_of_what_is_called_a_class_is_compared_with_its_purity():
    # Called a: scores 0.9 and 0.8, one of them right; called b: 0.6, right.
    scores = np.array([[0.9, 0.1], [0.8, 0.2], [0.4, 0.6], [0.3, 0.7]], np.float32)
    metric = calibration.Calibration(("a", "b"), "pixels")
    summary = measure([metric], [Scored.of(scores, np.array([0, 1, 1, -1]), "ab")])["calibration"]
    assert summary["score_minus_purity"]["a"] == pytest.approx(0.85 - 0.5)
    assert summary["score_minus_purity"]["b"] == pytest.approx(0.6 - 1)


def test_no_pixel_counts_nothing():
    truth, scores = np.zeros(0, np.int8), np.zeros((0, 4), np.float32)
    assert not thresholds.threshold_counts(truth, scores).any()
    assert not calibration.reliability_counts(truth, scores)["calibration"].any()
