"""Scores against cases counted by hand and against loops over pixels."""

import math

import numpy as np
import pytest

from jaxsparse.evaluation import scores


@pytest.fixture
def labelling():
    rng = np.random.default_rng(0)
    return rng.integers(-1, 5, 400), rng.integers(0, 5, 400)


def test_confusion_counts_every_pixel_with_truth_once(labelling):
    truth, predicted = labelling
    table = scores.confusion_counts(truth, predicted, 5)
    for row in range(5):
        for column in range(5):
            assert table[row, column] == sum(
                t == row and p == column for t, p in zip(truth, predicted, strict=True)
            )
    assert table.sum() == (truth >= 0).sum()


def test_confusion_of_no_pixel_is_zero():
    empty = np.zeros(0, np.int8)
    assert not scores.confusion_counts(empty, empty, 5).any()
    assert math.isnan(scores.accuracy(np.zeros((5, 5))))


def test_class_scores_by_hand():
    # Ten pixels are a, of which 8 are called a; 4 others are called a too.
    entry = scores.class_scores(np.array([[8, 2], [4, 6]]), ("a", "b"))["a"]
    assert entry["efficiency"] == pytest.approx(8 / 10)
    assert entry["purity"] == pytest.approx(8 / 12)
    assert entry["iou"] == pytest.approx(8 / 14)


def test_a_class_that_is_never_true_or_called_has_no_score():
    entry = scores.class_scores(np.array([[3, 0], [0, 0]]), ("a", "b"))["b"]
    assert all(math.isnan(value) for value in entry.values())


def test_the_balanced_accuracy_does_not_know_the_shares():
    confusion = np.array([[8, 2], [1, 3]])
    other = scores.balanced_accuracy(confusion * np.array([[10], [1]]))
    assert other == scores.balanced_accuracy(confusion)
