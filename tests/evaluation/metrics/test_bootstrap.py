"""Bootstrap errors against what statistics says they are."""

import numpy as np
import pytest

from jaxsparse.evaluation.metrics import bootstrap
from jaxsparse.evaluation.metrics.bootstrap import (
    GroupedCounts,
    error_of_mean,
    resampled_counts,
)


def mean(table):
    return table[..., 0] / table[..., 1]


def filled(values, groups) -> GroupedCounts:
    counts = GroupedCounts()
    for value, group in zip(values, groups, strict=True):
        counts.add(np.array([value, 1.0]), group)
    return counts


def test_the_error_of_a_mean_of_groups_is_the_spread_over_the_root_of_the_number():
    values = np.random.default_rng(0).normal(size=400)
    error = filled(values, range(400)).error(mean)
    assert error == pytest.approx(values.std(ddof=1) / 20, rel=0.2)


def test_copies_of_an_event_in_one_group_do_not_shrink_the_error():
    values = np.random.default_rng(1).normal(size=200)
    once = filled(values, range(200)).error(mean)
    copies = filled(np.repeat(values, 4), np.repeat(np.arange(200), 4)).error(mean)
    assert copies == pytest.approx(once, rel=1e-6)


def test_arrays_get_errors_in_their_shape_and_undefined_ones_are_nan():
    counts = filled([1.0, 2.0, 3.0], range(3))
    two = counts.error(lambda table: np.stack([table[..., 0], table[..., 0] * np.nan], axis=-1))
    assert two[0] > 0
    assert np.isnan(two[1])


def test_one_group_has_no_error():
    assert np.isnan(filled([1.0, 2.0], [5, 5]).error(mean))


def test_more_groups_than_the_limit_fold_and_lose_nothing(monkeypatch):
    monkeypatch.setattr(bootstrap, "MAX_GROUPS", 4)
    counts = filled(np.arange(10.0), range(10))
    assert counts.num_groups == 4
    assert counts.total.tolist() == [45.0, 10.0]


def test_resampled_tables_spread_as_drawing_events_does():
    cells = np.repeat([0, 1, 2], [50, 30, 20])
    rng = np.random.default_rng(0)
    drawn = [np.bincount(rng.choice(cells, 100), minlength=3) for _ in range(4000)]
    tables = resampled_counts(np.array([50, 30, 20]), samples=4000)
    np.testing.assert_allclose(tables.mean(0), np.mean(drawn, 0), rtol=0.02)
    np.testing.assert_allclose(np.cov(tables.T), np.cov(np.array(drawn).T), rtol=0.15, atol=1)


def test_a_table_without_events_stays_empty():
    assert not resampled_counts(np.zeros((2, 2), int), samples=3).any()
    assert np.isnan(error_of_mean(np.zeros(1)))


def test_the_error_of_a_mean_is_the_spread_over_the_root():
    values = np.random.default_rng(1).normal(size=300)
    assert error_of_mean(values) == pytest.approx(values.std() / np.sqrt(300), rel=0.1)
