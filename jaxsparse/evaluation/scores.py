"""Scores of a labelling: confusion counts and every ratio that is read off them.

All functions are numpy on small tables of counts. Counts add up over events, so a score of a whole
file, of a bootstrap sample or of one event is the same function of another sum. A ratio whose
denominator is zero is NaN here and ``null`` in ``metrics.json``.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np


def confusion_counts(truth: np.ndarray, predicted: np.ndarray, num_classes: int) -> np.ndarray:
    """Counts pixels by true and predicted class.

    Args:
      truth: integer ``[pixels]``; a negative label counts nowhere.
      predicted: integer ``[pixels]`` in ``[0, num_classes)``.
      num_classes: number of classes.

    Returns:
      int64 ``[num_classes, num_classes]``, rows truth, columns prediction.

    >>> confusion_counts(np.array([0, 0, 1, -1]), np.array([0, 1, 1, 0]), 2)
    array([[1, 1],
           [0, 1]])
    """
    known = truth >= 0
    cells = truth[known].astype(np.int64) * num_classes + predicted[known]
    return np.bincount(cells, minlength=num_classes**2).reshape(num_classes, num_classes)


def ratio(numerator: Any, denominator: Any) -> np.ndarray:
    """``numerator / denominator`` in float64, NaN where the denominator is zero.

    >>> ratio([1, 1], [2, 0])
    array([0.5, nan])
    """
    numerator, denominator = np.asarray(numerator, float), np.asarray(denominator, float)
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(denominator > 0, numerator / denominator, np.nan)


def mean_of(sums: np.ndarray) -> np.ndarray:
    """Means of ``[..., 2]``, sum and number.

    >>> mean_of(np.array([[3.0, 2], [0, 0]]))
    array([1.5, nan])
    """
    return ratio(sums[..., 0], sums[..., 1])


def accuracy(confusion: np.ndarray) -> np.ndarray:
    """Right pixels over all pixels; leading axes of ``[..., classes, classes]`` stay.

    >>> accuracy(np.array([[3, 1], [0, 4]])).item()
    0.875
    """
    return ratio(np.trace(confusion, axis1=-2, axis2=-1), confusion.sum((-2, -1)))


def efficiency(confusion: np.ndarray) -> np.ndarray:
    """Of the pixels that are of a class, the part called so (recall): ``[..., classes]``."""
    return ratio(np.diagonal(confusion, axis1=-2, axis2=-1), confusion.sum(-1))


def purity(confusion: np.ndarray) -> np.ndarray:
    """Of the pixels called a class, the part that is of it (precision): ``[..., classes]``."""
    return ratio(np.diagonal(confusion, axis1=-2, axis2=-1), confusion.sum(-2))


def intersection_over_union(confusion: np.ndarray) -> np.ndarray:
    """Pixels that are and are called a class, over those that are or are called so."""
    right = np.diagonal(confusion, axis1=-2, axis2=-1)
    return ratio(right, confusion.sum(-1) + confusion.sum(-2) - right)


def merge_classes(confusion: np.ndarray, groups: Sequence[Sequence[int]]) -> np.ndarray:
    """The confusion of groups of classes: ``[..., groups, groups]``.

    >>> merge_classes(np.array([[1, 2, 3], [4, 5, 6], [7, 8, 9]]), [(0, 1), (2,)])
    array([[12,  9],
           [15,  9]])
    """
    member = np.zeros((len(groups), confusion.shape[-1]), confusion.dtype)
    for row, group in enumerate(groups):
        member[row, list(group)] = 1
    return member @ confusion @ member.T


def balanced_accuracy(confusion: np.ndarray) -> np.ndarray:
    """Mean efficiency of the classes that have a row: free of the sample's class shares.

    >>> balanced_accuracy(np.array([[8, 0, 0], [1, 1, 0], [0, 0, 0]])).item()
    0.75
    """
    values = efficiency(confusion)
    present = np.isfinite(values)
    return ratio(np.where(present, values, 0).sum(-1), present.sum(-1))


def efficiency_matrix(confusion: np.ndarray) -> np.ndarray:
    """Of the rows of each true class, the part called each class: they add up to 1.

    >>> efficiency_matrix(np.array([[3, 1], [0, 0]])).tolist()
    [[0.75, 0.25], [nan, nan]]
    """
    return ratio(confusion, confusion.sum(-1, keepdims=True))


def purity_matrix(confusion: np.ndarray) -> np.ndarray:
    """Of what is called each class (column), the part of each true class: columns add up to 1.

    >>> purity_matrix(np.array([[3, 0], [1, 0]])).tolist()
    [[0.75, nan], [0.25, nan]]
    """
    return ratio(confusion, confusion.sum(-2, keepdims=True))


def class_scores(confusion: np.ndarray, classes: Sequence[str]) -> dict[str, dict[str, float]]:
    """Efficiency, purity and intersection over union of every class, by name."""
    columns = {
        "efficiency": efficiency(confusion),
        "purity": purity(confusion),
        "iou": intersection_over_union(confusion),
    }
    return {
        name: {score: float(values[c]) for score, values in columns.items()}
        for c, name in enumerate(classes)
    }


def confusion_scores(confusion: np.ndarray, classes: Sequence[str]) -> dict[str, Any]:
    """Accuracy, confusion and class scores of one labelling."""
    return {
        "accuracy": float(accuracy(confusion)),
        "confusion": confusion.tolist(),
        "per_class": class_scores(confusion, classes),
    }


def majority_guess(confusion: np.ndarray) -> np.ndarray:
    """The confusion of calling everything the class that most of them are.

    >>> majority_guess(np.array([[3, 1], [2, 5]]))
    array([[0, 4],
           [0, 7]])
    """
    counts = confusion.sum(1)
    guess = np.zeros_like(confusion)
    guess[:, counts.argmax()] = counts
    return guess
