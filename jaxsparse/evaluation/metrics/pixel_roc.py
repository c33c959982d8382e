"""Area under the ROC curve of pixel scores, one class against the rest.

HPST's AUC (Robles et al., arXiv 2510.09659): its published code takes the mean of the classes'
areas weighted by how many pixels a class has. Pixels are too many to be kept, so their scores are
counted in narrow bins of ``log(score / (1 - score))``; pixels of one bin are ties, half of which
count as right.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from scipy.special import logit

from jaxsparse.evaluation.metrics.bootstrap import Counts
from jaxsparse.evaluation.metrics.metric import Metric
from jaxsparse.evaluation.scored import Scored
from jaxsparse.evaluation.scores import ratio

BINS = 512
LOWEST, HIGHEST = -32.0, 16.0  # float32 knows scores much nearer to 0 than to 1


class PixelRoc(Metric):
    """The area of each class, and their weighted mean.

    Args:
      classes: class names.
      counts: how errors are taken.
    """

    keys = ("area_under_roc", "errors")
    headline = (("area under ROC, mean of classes by pixels", "area_under_roc.weighted"),)

    def __init__(self, classes: Sequence[str], counts: Counts):
        self.classes, self.counts = tuple(classes), counts

    def update(self, scored: Scored) -> None:
        self.counts.add(score_counts(scored), scored.group)

    def result(self) -> dict[str, Any]:
        table = np.asarray(self.counts.total)
        per_class = dict(zip(self.classes, areas(table), strict=True))
        return {
            "area_under_roc": {"weighted": weighted_area(table), "per_class": per_class},
            "errors": {"area_under_roc.weighted": self.counts.error(weighted_area)},
        }


def score_counts(scored: Scored) -> np.ndarray:
    """Pixels of one event by class, whether they are of it, and its score.

    Returns:
      int32 ``[classes, 2, BINS]``: pixels of the rest, pixels of the class.
    """
    known, classes = scored.known, len(scored.classes)
    with np.errstate(divide="ignore"):
        height = logit(scored.scores[known].astype(np.float64))
    place = (height - LOWEST) * (BINS / (HIGHEST - LOWEST))
    bins = np.clip(place, 0, BINS - 1).astype(np.int64)
    of_class = scored.truth[known, None] == np.arange(classes)
    cell = (np.arange(classes) * 2 + of_class) * BINS + bins
    counts = np.bincount(cell.ravel(), minlength=classes * 2 * BINS)
    return counts.reshape(classes, 2, BINS).astype(np.int32)


def areas(table: np.ndarray) -> np.ndarray:
    """Area of every class of tables ``[..., classes, 2, BINS]``; NaN without a class or a rest.

    >>> areas(np.array([[[1, 1, 0], [0, 1, 1]]]))  # of 4 pairs 3 are right, and one a tie
    array([0.875])
    """
    rest, own = table[..., 0, :].astype(np.float64), table[..., 1, :].astype(np.float64)
    below = np.cumsum(rest, axis=-1) - rest / 2
    return ratio((own * below).sum(-1), own.sum(-1) * rest.sum(-1))


def weighted_area(table: np.ndarray) -> np.ndarray:
    """Mean of the areas by the number of pixels of each class."""
    values, weights = areas(table), table[..., 1, :].sum(-1).astype(np.float64)
    weights = np.where(np.isfinite(values), weights, 0)
    return ratio((np.nan_to_num(values) * weights).sum(-1), weights.sum(-1))
