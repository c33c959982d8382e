"""Symmetric best Dice of a grouping.

Source: H. Scharr et al., "Leaf segmentation in plant phenotyping: a collation study", Machine
Vision and Applications 27 (2016) 585. The best Dice of instances A against instances B is the mean
over A of the largest ``2 |a & b| / (|a| + |b|)``; of a view the smaller of both directions counts.
Instances of all sizes do.
"""

from __future__ import annotations

import numpy as np

from jaxsparse.evaluation.overlaps import Overlaps


def best_dice_sums(overlaps: Overlaps) -> np.ndarray:
    """Of one event the sum over views with a true instance, and how many views that is."""
    true, guessed = overlaps.true, overlaps.predicted
    own, other = overlaps.pairs.T
    dice = 2 * overlaps.shared / (true.size[own] + guessed.size[other])
    best_true, best_guessed = np.zeros(len(true)), np.zeros(len(guessed))
    np.maximum.at(best_true, own, dice)
    np.maximum.at(best_guessed, other, dice)
    sums = np.zeros(2)
    for view in np.unique(true.view):
        there = guessed.view == view
        found = best_guessed[there].mean() if there.any() else 0.0
        sums += min(best_true[true.view == view].mean(), found), 1
    return sums
