"""Prong accuracy: the part of the hits whose predicted particle is the one matched to theirs.

Source: HPST (Robles et al., arXiv 2510.09659) and its published code: within an event, over the
hits of all views, true and predicted particles are matched one to one such that as many hits as
possible agree (Hungarian algorithm); the accuracy is pooled over all hits. There particles from the
eleventh on are left out; here none is.
"""

from __future__ import annotations

import numpy as np
from scipy.optimize import linear_sum_assignment

from jaxsparse.evaluation.overlaps import Overlaps


def prong_counts(overlaps: Overlaps) -> np.ndarray:
    """Of one event int64 ``[2]``: pixels that agree, pixels with a true particle."""
    true, guessed = overlaps.true, overlaps.predicted
    own = np.unique(true.number, return_inverse=True)[1]
    other = np.unique(guessed.number, return_inverse=True)[1]
    agree = np.zeros((own.max(initial=-1) + 1, other.max(initial=-1) + 1), np.int64)
    np.add.at(agree, (own[overlaps.pairs[:, 0]], other[overlaps.pairs[:, 1]]), overlaps.shared)
    matched = agree[linear_sum_assignment(agree, maximize=True)].sum()
    return np.array([matched, true.size.sum()])
