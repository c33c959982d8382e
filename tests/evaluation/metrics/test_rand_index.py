"""The adjusted Rand index against scikit-learn."""

import numpy as np
import pytest
from sklearn.metrics import adjusted_rand_score

from jaxsparse.evaluation.metrics.bootstrap import GroupedCounts
from jaxsparse.evaluation.metrics.metric import measure
from jaxsparse.evaluation.metrics.rand_index import RandIndex, adjusted_rand_index, rand_index_sums
from tests.evaluation.random_instances import VIEWS, random_event, true_groups


def sklearn_index(scored, view):
    columns = scored.columns
    counted = (columns["view"] == view) & scored.known & (columns["instance"] >= 0)
    predicted = columns["predicted_instance"].astype(int)
    # A pixel of no instance is an instance of its own.
    alone = np.where(predicted < 0, 100 + np.arange(len(scored)), predicted)
    return adjusted_rand_score(columns["instance"][counted], alone[counted])


@pytest.mark.parametrize("seed", range(6))
def test_the_index_is_that_of_scikit_learn(seed):
    scored = random_event(seed)
    expected = [sklearn_index(scored, view) for view in range(VIEWS)]
    assert rand_index_sums(scored.overlaps) == pytest.approx([sum(expected), VIEWS, 0])


def test_views_of_one_particle_are_counted_apart():
    view = np.repeat([0, 1], 60).astype(np.int32)
    instance = np.where(view == 0, 3, np.arange(120) % 2).astype(np.int32)
    scored = random_event(1, view=view, instance=instance)
    assert len(true_groups(scored)) == 3
    metric = RandIndex(GroupedCounts())
    figures = measure([metric], [scored])["grouping"]["rand_index"]
    assert figures["views"] == 1
    assert figures["part_with_one"] == 0.5
    assert figures["mean"] == pytest.approx(sklearn_index(scored, 1))


def test_single_pixels_that_are_left_alone_are_all_right():
    ones = np.ones(4, int)
    assert adjusted_rand_index(np.zeros(0, int), ones, np.zeros(0, int)) == 1


def test_a_million_pixels_do_not_overflow():
    sizes = np.array([600_000, 500_000])
    assert adjusted_rand_index(sizes, sizes, sizes) == 1


def test_without_any_instance_there_is_no_index_and_no_error():
    nothing = np.full(120, -1, np.int32)
    figures = measure([RandIndex(GroupedCounts())], [random_event(0, instance=nothing)])
    assert np.isnan(figures["grouping"]["rand_index"]["mean"])
    assert np.isnan(figures["errors"]["grouping.rand_index.mean"])
