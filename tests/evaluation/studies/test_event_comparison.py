"""Paired comparisons of two classifiers against the formulas of statistics."""

import math

import numpy as np
import pytest

from jaxsparse.errors import InputError
from jaxsparse.evaluation.metrics.bootstrap import error_of_mean
from jaxsparse.evaluation.studies.comparison import compare


def test_mcnemar_is_the_exact_binomial_sum():
    first = np.repeat([True, True, False, False], [40, 12, 4, 7])
    second = np.repeat([True, False, True, False], [40, 12, 4, 7])
    tail = sum(math.comb(16, k) for k in range(5)) / 2**16
    result = compare(first, second)
    assert result["p_value"] == pytest.approx(2 * tail)
    assert result["difference"] == pytest.approx(8 / 63)
    assert result["error"] == pytest.approx(math.sqrt((16 / 63 - (8 / 63) ** 2) / 63), rel=0.1)
    swapped = compare(second, first)
    assert swapped["difference"] == pytest.approx(-8 / 63)
    assert swapped["p_value"] == pytest.approx(result["p_value"])


def test_sharing_hard_events_makes_the_difference_sharper_than_the_accuracies():
    rng = np.random.default_rng(2)
    hard = rng.random(2000) < 0.3
    first, second = ~hard, ~hard & (rng.random(2000) > 0.02)
    result = compare(first, second)
    assert result["error"] < 0.5 * error_of_mean(first.astype(float))
    assert result["p_value"] < 1e-4


def test_equal_classifiers_and_no_event():
    same = np.array([True, False, True])
    assert compare(same, same)["p_value"] == 1.0
    nothing = compare(np.zeros(0, bool), np.zeros(0, bool))
    assert np.isnan(nothing["p_value"])
    assert np.isnan(nothing["difference"])


def test_repeats_of_the_same_events_do_not_shrink_the_error():
    rng = np.random.default_rng(3)
    first, second = rng.random((2, 400)) < np.array([[0.8], [0.75]])
    once = compare(first, second)
    four = compare(np.tile(first, (4, 1)), np.tile(second, (4, 1)))
    assert four["error"] == pytest.approx(once["error"], rel=1e-6)
    assert four["only_first"] == once["only_first"]
    z = four["difference"] / four["error"]
    assert four["p_value"] == pytest.approx(math.erfc(abs(z) / math.sqrt(2)))


def test_other_events_cannot_be_compared():
    with pytest.raises(InputError, match=r"first is \[3\] but second \[4\]"):
        compare(np.zeros(3), np.zeros(4))
