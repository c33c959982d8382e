"""Bars of few: as wide as the binomial says, and never beyond 0 and 1."""

import numpy as np
import pytest
from scipy.stats import binomtest, norm

from jaxsparse.viz.error_bars import error_bars, wilson


@pytest.mark.parametrize(("right", "number"), [(3, 3), (0, 5), (7, 20), (900, 1000)])
def test_the_interval_is_wilsons_at_one_standard_deviation(right, number):
    low, high = wilson(np.array([right / number]), np.array([number]))
    expected = binomtest(right, number).proportion_ci(2 * norm.cdf(1) - 1, method="wilson")
    np.testing.assert_allclose([low[0], high[0]], [expected.low, expected.high], atol=1e-12)


def test_a_bar_is_the_longer_of_bootstrap_and_binomial_and_ends_at_0_and_1():
    parts = np.array([1.0, 0.5, 0.98, np.nan])
    bars = error_bars(parts, [3, 10_000, 10_000, 0], [0.0, 0.125, 0.05, np.nan])
    np.testing.assert_allclose(bars[:, 0], [0.25, 0.0])
    np.testing.assert_allclose(bars[:, 1], [0.125, 0.125])
    np.testing.assert_allclose(bars[:, 2], [0.05, 0.02])
    np.testing.assert_array_equal(bars[:, 3], 0)
