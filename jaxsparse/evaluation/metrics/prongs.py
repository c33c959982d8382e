"""Prong accuracy: the part of the hits whose predicted particle is the one matched to theirs.

Source: HPST (Robles et al., arXiv 2510.09659) and its published code: within an event, over the
hits of all views, true and predicted particles are matched one to one such that as many hits as
possible agree (Hungarian algorithm); the accuracy is pooled over all hits. There particles from the
eleventh on are left out; here none is.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy.optimize import linear_sum_assignment

from jaxsparse.evaluation.metrics.bootstrap import Counts
from jaxsparse.evaluation.metrics.metric import Metric
from jaxsparse.evaluation.overlaps import Overlaps
from jaxsparse.evaluation.scored import Scored
from jaxsparse.evaluation.scores import mean_of


class ProngAccuracy(Metric):
    """Accuracy over all pixels that have a true particle.

    Args:
      counts: how errors are taken.
    """

    keys = ("grouping", "errors")
    headline = (("prong accuracy (HPST)", "grouping.prong_accuracy"),)

    def __init__(self, counts: Counts):
        self.counts = counts

    def update(self, scored: Scored) -> None:
        self.counts.add(prong_counts(scored.overlaps), scored.group)

    def result(self) -> dict[str, Any]:
        value = mean_of(np.asarray(self.counts.total))
        return {
            "grouping": {"prong_accuracy": value},
            "errors": {"grouping.prong_accuracy": self.counts.error(mean_of)},
        }


def prong_counts(overlaps: Overlaps) -> np.ndarray:
    """Of one event int64 ``[2]``: pixels that agree, pixels with a true particle."""
    true, guessed = overlaps.true, overlaps.predicted
    own = np.unique(true.number, return_inverse=True)[1]
    other = np.unique(guessed.number, return_inverse=True)[1]
    agree = np.zeros((own.max(initial=-1) + 1, other.max(initial=-1) + 1), np.int64)
    np.add.at(agree, (own[overlaps.pairs[:, 0]], other[overlaps.pairs[:, 1]]), overlaps.shared)
    matched = agree[linear_sum_assignment(agree, maximize=True)].sum()
    return np.array([matched, true.size.sum()])
