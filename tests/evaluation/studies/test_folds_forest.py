"""Folds, pooled figures of a cross-validation, size summaries and the forest on them."""

import numpy as np
import pytest

from jaxsparse.data.pixels import Pixels
from jaxsparse.errors import InputError
from jaxsparse.evaluation.studies import forest
from jaxsparse.evaluation.studies.folds import CrossValidated, stratified_folds
from jaxsparse.evaluation.studies.sizes import NAMES, size_features


@pytest.mark.parametrize("counts", [(150, 150, 150, 150), (7, 1, 13), (5,)])
def test_folds_differ_by_one_event_of_a_class_and_by_one_event(counts):
    truth = np.random.default_rng(0).permutation(np.repeat(np.arange(len(counts)), counts))
    for fold in stratified_folds(truth, 5, repeats=3):
        table = np.array([np.bincount(fold[truth == c], minlength=5) for c in range(len(counts))])
        assert np.ptp(table, axis=1).max() <= 1
        assert np.ptp(table.sum(0)) <= 1


def test_repeats_and_seeds_are_other_partitions_and_the_same_seed_the_same():
    truth = np.zeros(50, int)
    first = stratified_folds(truth, 5, repeats=2, seed=1)
    assert (first[0] != first[1]).any()
    np.testing.assert_array_equal(first, stratified_folds(truth, 5, repeats=2, seed=1))
    assert (first != stratified_folds(truth, 5, repeats=2, seed=2)).any()


def test_a_group_is_never_on_both_sides():
    rng = np.random.default_rng(0)
    groups = rng.integers(0, 40, 200)
    truth = groups % 3
    (fold,) = stratified_folds(truth, 4, groups=groups)
    for group in np.unique(groups):
        assert len(np.unique(fold[groups == group])) == 1
    sizes = np.bincount(fold, minlength=4)
    assert np.ptp(sizes) <= 2 * np.bincount(groups).max()


@pytest.mark.parametrize("folds", [1, 4])
def test_impossible_folds_are_one_line(folds):
    with pytest.raises(InputError, match=f"folds is {folds}"):
        stratified_folds(np.zeros(3, int), folds)


def test_pooled_figures_count_an_event_once_however_often_it_is_tested():
    truth = np.array([0, 0, 1, 1])
    called = np.array([[0, 0, 1, 0], [0, 1, 1, 0]])
    cross = CrossValidated(np.eye(2)[called].astype(np.float32), truth, ("a", "b"))
    summary = cross.summary()
    assert summary["accuracy_by_repeat"] == [0.75, 0.5]
    assert summary["accuracy"] == 0.625
    assert summary["deviation_of_repeats"] == pytest.approx(np.std([0.75, 0.5], ddof=1))
    # Of an event the parts of its repeats that are right: 1, 1/2, 1, 0.
    assert summary["error"] == pytest.approx(np.std([1, 0.5, 1, 0]) / 2, rel=0.1)
    assert summary["confusion"] == [[1.5, 0.5], [1.0, 1.0]]
    assert summary["per_class"]["a"]["efficiency"] == 0.75
    # Together the second event is a tie, which goes to the first class.
    assert summary["accuracy_of_mean_score"] == 0.75


def test_size_summaries_by_hand():
    coords = np.array([[10, 4], [10, 8], [13, 4]], np.int32)
    values = np.array([2.0, 4.0, 2.0], np.float32)
    view = Pixels(np.tile(coords, (2, 1)), np.tile(values, 2), np.array([0, 3, 0, 3, 0]), (100, 80))
    row, column = np.array([10, 10, 13]), np.array([4, 8, 4])
    weight = np.array([0.25, 0.5, 0.25])
    expected = [
        3, 8, 8 / 3, np.std([2, 4, 2]), 4, 4, 5,
        np.sqrt(weight @ (row - weight @ row) ** 2),
        np.sqrt(weight @ (column - weight @ column) ** 2),
    ]  # fmt: skip
    empty = view.take(np.zeros(6, bool))
    features = size_features([view, empty, view])
    assert features.shape == (5, 3 * len(NAMES))
    assert not features[[0, 2, 4]].any()
    assert not features[:, 9:18].any()
    for event in (1, 3):
        np.testing.assert_allclose(features[event, :9], expected)
        np.testing.assert_allclose(features[event, 18:], expected)


@pytest.fixture
def sized():
    """Two classes that differ in size, one without an event, and one event of unknown class."""
    rng = np.random.default_rng(0)
    truth = np.repeat([0, 2, -1], [40, 40, 1])
    return rng.normal(size=(81, 3)) + 3 * truth[:, None], truth


def test_the_forest_learns_what_size_tells_and_never_calls_an_absent_class(sized, monkeypatch):
    pytest.importorskip("sklearn")
    monkeypatch.setattr(forest, "TREES", 20)
    features, truth = sized
    (fold,) = stratified_folds(truth, 2)
    scores = forest.cross_scores(features, truth, fold, 4)
    assert scores.shape == (81, 4)
    assert (scores.argmax(1) == truth)[:80].mean() > 0.95
    assert not scores[:, [1, 3]].any()
    np.testing.assert_allclose(scores.sum(1), 1, rtol=1e-5)


def test_no_event_teaches_the_forest_that_scores_it(sized, monkeypatch):
    fitted = []

    def spy(fit_features, fit_truth, features, num_classes, *, seed):
        fitted.append({tuple(row) for row in fit_features} & {tuple(row) for row in features})
        return np.zeros((len(features), num_classes), np.float32)

    monkeypatch.setattr(forest, "forest_scores", spy)
    features, truth = sized
    forest.cross_scores(features, truth, stratified_folds(truth, 3, repeats=2), 3)
    assert fitted == [set()] * 6


def test_a_forest_without_scikit_learn_or_events_is_one_line(sized, monkeypatch):
    features, truth = sized
    monkeypatch.setattr(forest, "have_forest", lambda: False)
    with pytest.raises(InputError, match=r"pip install scikit-learn"):
        forest.forest_scores(features, truth, features, 3)
    monkeypatch.setattr(forest, "have_forest", lambda: True)
    pytest.importorskip("sklearn")
    with pytest.raises(InputError, match="no event of known class"):
        forest.forest_scores(features, np.full(81, -1), features, 3)
