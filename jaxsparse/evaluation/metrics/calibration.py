"""Calibration: of the pixels (or events) given a score of 0.8, are 80 % what the score says?

Source: Guo et al., "On Calibration of Modern Neural Networks", arXiv 1706.04599, equation 3. The
training weights of pixels single out small clusters and vertices, so their scores answer the
weighted question and are expected to lean towards rare classes.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from jaxsparse.evaluation.metrics.metric import Metric
from jaxsparse.evaluation.scored import Scored
from jaxsparse.evaluation.scores import ratio
from jaxsparse.evaluation.text import figure

BINS = 15  # as in the source


class Calibration(Metric):
    """Expected calibration error and reliability by score.

    Args:
      classes: class names.
      counted: what is scored, ``"pixels"`` or ``"events"``.
    """

    title = "Calibration"
    keys = ("calibration",)

    def __init__(self, classes: Sequence[str], counted: str):
        self.classes, self.counted = tuple(classes), counted
        self.tables: dict[str, np.ndarray] = {}

    def update(self, scored: Scored) -> None:
        for name, table in reliability_counts(scored.truth, scored.scores).items():
            self.tables[name] = self.tables.get(name, 0) + table

    def result(self) -> dict[str, Any]:
        """``expected_calibration_error``; ``mean_score``, ``accuracy`` and the number in each
        of the bins of the highest score; ``per_class`` {name: expected calibration error of its
        score}; ``score_minus_purity`` {name: mean score of what is called so, less its purity}.
        """
        table = self.tables["calibration"]
        called, score, right = self.tables["called_calibration"].T
        surplus = ratio(score - right, called)
        each = zip(self.classes, self.tables["class_calibration"], strict=True)
        summary = {
            "expected_calibration_error": calibration_error(table),
            "mean_score": ratio(table[:, 1], table[:, 0]).tolist(),
            "accuracy": ratio(table[:, 2], table[:, 0]).tolist(),
            self.counted: table[:, 0].astype(int).tolist(),
            "per_class": {name: calibration_error(own) for name, own in each},
            "score_minus_purity": dict(zip(self.classes, surplus.tolist(), strict=True)),
        }
        return {"calibration": summary}

    def section(self, metrics: dict[str, Any]) -> list[str]:
        error = metrics["calibration"]["expected_calibration_error"]
        return [f"Expected calibration error {figure(error)}."]


def reliability_counts(truth: np.ndarray, scores: np.ndarray) -> dict[str, np.ndarray]:
    """Sums over pixels by score bin, for the called class and for each class by itself.

    Args:
      truth: integer ``[pixels]``; a negative label counts nowhere.
      scores: ``[pixels, classes]``, adding up to 1.

    Returns:
      ``calibration`` float64 ``[BINS, 3]``: pixels, sum of the highest score, right pixels, by
      the highest score; ``class_calibration`` ``[classes, BINS, 3]``: pixels, sum of the score
      of the class, pixels of the class, by that score. Bins have equal width; an upper edge
      belongs to its bin. ``called_calibration`` ``[classes, 3]``: pixels called so, sum of their
      highest scores, right pixels.
    """
    known = truth >= 0
    truth, scores = truth[known], scores[known].astype(np.float64)
    num_classes = scores.shape[1]
    called = scores.argmax(1)
    top = _bin_sums(scores.max(1, initial=0.0), called == truth)
    each = [_bin_sums(scores[:, c], truth == c) for c in range(num_classes)]
    sums = [np.ones(len(called)), scores.max(1, initial=0.0), called == truth]
    of_called = np.stack([np.bincount(called, one, num_classes) for one in sums], axis=1)
    return {
        "calibration": top, "class_calibration": np.stack(each), "called_calibration": of_called
    }  # fmt: skip


def _bin_sums(score: np.ndarray, right: np.ndarray) -> np.ndarray:
    rows = np.clip(np.ceil(score * BINS).astype(int) - 1, 0, BINS - 1)
    return np.stack(
        [
            np.bincount(rows, minlength=BINS),
            np.bincount(rows, score, minlength=BINS),
            np.bincount(rows, right, minlength=BINS),
        ],
        axis=1,
    )


def calibration_error(table: np.ndarray) -> float:
    """Expected calibration error ``sum_b (n_b / N) |right_b / n_b - score_b / n_b|``.

    Args:
      table: ``[bins, 3]``: pixels, sum of scores, right pixels.

    >>> calibration_error(np.array([[10, 5.5, 5], [30, 27.0, 24]]))
    0.0875
    """
    count, score, right = table.T
    return float(ratio(np.abs(right - score).sum(), count.sum()))
