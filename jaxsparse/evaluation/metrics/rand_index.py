"""Adjusted Rand index of a grouping: whether pairs of pixels are rightly together or apart.

Source: L. Hubert, P. Arabie, "Comparing partitions", Journal of Classification 2 (1985) 193,
equation 5. It is 1 for the truth and 0 on average for a random grouping of the same sizes. A view
with one particle has no pair that belongs apart, so the mean is over views with two or more.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from jaxsparse.evaluation.metrics.bootstrap import Counts
from jaxsparse.evaluation.metrics.metric import Metric
from jaxsparse.evaluation.overlaps import Overlaps
from jaxsparse.evaluation.scored import Scored
from jaxsparse.evaluation.scores import mean_of, ratio


class RandIndex(Metric):
    """Mean over the views that have two or more true instances.

    A pixel of no predicted instance is an instance of its own.

    Args:
      counts: how errors are taken.
    """

    keys = ("grouping", "errors")
    headline = (("adjusted Rand index", "grouping.rand_index.mean"),)

    def __init__(self, counts: Counts):
        self.counts = counts

    def update(self, scored: Scored) -> None:
        self.counts.add(rand_index_sums(scored.overlaps), scored.group)

    def result(self) -> dict[str, Any]:
        """``mean``; ``views`` that it is over; ``part_with_one``, of the views with a true instance
        those with only one, which count nowhere.
        """
        total = np.asarray(self.counts.total)
        _, several, one = total.tolist()
        summary = {
            "mean": mean_of(total[:2]),
            "views": int(several),
            "part_with_one": ratio(one, several + one),
        }
        error = self.counts.error(lambda table: mean_of(table[..., :2]))
        return {
            "grouping": {"rand_index": summary}, "errors": {"grouping.rand_index.mean": error}
        }  # fmt: skip


def rand_index_sums(overlaps: Overlaps) -> np.ndarray:
    """Of one event the sum of the views' indices, how many views that is, and views of one."""
    true, guessed = overlaps.true, overlaps.predicted
    sums = np.zeros(3)
    for view in np.unique(true.view):
        sizes = true.size[true.view == view]
        if len(sizes) == 1:
            sums[2] += 1
            continue
        inside = true.view[overlaps.pairs[:, 0]] == view
        called = guessed.size[guessed.view == view]
        sums[:2] += adjusted_rand_index(overlaps.shared[inside], sizes, called), 1
    return sums


def adjusted_rand_index(shared: np.ndarray, true: np.ndarray, predicted: np.ndarray) -> float:
    """The index from counts of pixels.

    Args:
      shared: integer ``[pairs]``, pixels of each pair of a true and a predicted instance.
      true: integer ``[true]``, pixels of the true instances; they add up to all pixels.
      predicted: integer ``[predicted]``, pixels of the predicted ones. What they lack to all
        pixels is of none: every such pixel is an instance of its own.

    >>> adjusted_rand_index(np.array([2, 2]), np.array([2, 2]), np.array([2, 2]))
    1.0
    >>> round(adjusted_rand_index(np.array([2, 1]), np.array([3, 1]), np.array([2, 1])), 3)
    0.333
    """
    both, apart, called = _pairs(shared), _pairs(true), _pairs(predicted)
    pixels = int(true.sum())
    every = pixels * (pixels - 1) // 2
    largest = (apart + called) * every - 2 * apart * called
    return 2 * (both * every - apart * called) / largest if largest else 1.0


def _pairs(sizes: np.ndarray) -> int:
    """Pairs of pixels within the same instance, a Python integer: products never overflow."""
    return int((sizes * (sizes - 1) // 2).sum())
