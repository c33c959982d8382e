"""ROC curves: one class against the rest, as the cut on its score moves.

The area under the curve is the chance that a drawn event of the class scores higher than a drawn
event of the rest, a tie counting one half (Mann-Whitney). Its standard error is DeLong's: E.
DeLong, D. DeLong, D. Clarke-Pearson, Biometrics 44 (1988) 837, with the placement values from ranks
as in X. Sun, W. Xu, IEEE Signal Processing Letters 21 (2014) 1389.
"""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
from scipy.stats import rankdata

from jaxsparse.evaluation.metrics.metric import RowMetric
from jaxsparse.evaluation.text import with_error
from jaxsparse.viz.used_classes import used_classes

POINTS = 201  # that a stored curve has at most


class RocCurves(RowMetric):
    """The curve of every class against the rest."""

    title = "Area under ROC"
    keys = ("roc",)

    def result(self) -> dict[str, Any]:
        """By class name ``area``, ``error``, and at most 201 points of the curve: ``background``,
        ``efficiency``, ``threshold`` (``null`` for infinity).
        """
        rows, summary = self.rows, {}
        known = rows.take(rows.known)
        for c, name in enumerate(known.classes):
            curve = roc_curve(known.scores[:, c], known.truth == c)
            chosen = _thinned(curve)
            summary[name] = {
                "area": curve.area,
                "error": curve.area_error,
                "background": curve.background[chosen].tolist(),
                "efficiency": curve.efficiency[chosen].tolist(),
                "threshold": curve.threshold[chosen].tolist(),
            }
        return {"roc": summary}

    def section(self, metrics: dict[str, Any]) -> list[str]:
        used = used_classes(metrics, list(metrics["roc"]))
        return [
            "| class | area under ROC |",
            "| --- | --- |",
            *(
                f"| {name} | {with_error(curve['area'], curve['error'])} |"
                for name, curve in metrics["roc"].items()
                if name in used
            ),
        ]


@dataclasses.dataclass(frozen=True)
class Roc:
    """One class against the rest.

    Attributes:
      efficiency: float ``[points]``, part of the class with a score of at least ``threshold``.
      background: float ``[points]``, part of the rest with such a score, rising from 0 to 1.
      threshold: float ``[points]``, falling from infinity.
      area, area_error: under the curve; NaN without an event of the class, or of the rest.
    """

    efficiency: np.ndarray
    background: np.ndarray
    threshold: np.ndarray
    area: float
    area_error: float


def roc_curve(score: np.ndarray, signal: np.ndarray) -> Roc:
    """The curve of one score.

    Args:
      score: float ``[events]``.
      signal: bool ``[events]``, of the class.

    >>> curve = roc_curve(np.array([0.9, 0.8, 0.7, 0.1]), np.array([True, False, True, False]))
    >>> curve.efficiency.tolist(), curve.background.tolist(), curve.area
    ([0.0, 0.5, 0.5, 1.0, 1.0], [0.0, 0.0, 0.5, 0.5, 1.0], 0.75)
    """
    order = np.argsort(-score, kind="stable")
    score, signal = score[order], signal[order]
    # A cut cannot part equal scores: one point a distinct score.
    last = np.flatnonzero(np.append(np.diff(score) != 0, True)) if len(score) else np.zeros(0, int)
    number, rest = int(signal.sum()), int((~signal).sum())
    with np.errstate(divide="ignore", invalid="ignore"):
        efficiency = np.append(0, np.cumsum(signal)[last]) / number
        background = np.append(0, np.cumsum(~signal)[last]) / rest
    threshold = np.append(np.inf, score[last])
    area, error = _area(score[signal], score[~signal])
    return Roc(efficiency, background, threshold, area, error)


def _area(signal: np.ndarray, rest: np.ndarray) -> tuple[float, float]:
    """Area and DeLong's standard error."""
    m, n = len(signal), len(rest)
    if not m or not n:
        return float("nan"), float("nan")
    ranks = rankdata(np.concatenate([signal, rest]))
    # Of each event, the part of the other side on the right side of it.
    above_rest = (ranks[:m] - rankdata(signal)) / n
    below_signal = 1 - (ranks[m:] - rankdata(rest)) / m
    area = float(above_rest.mean())
    if m < 2 or n < 2:
        return area, float("nan")
    return area, float(np.sqrt(above_rest.var(ddof=1) / m + below_signal.var(ddof=1) / n))


def _thinned(curve: Roc) -> np.ndarray:
    """Numbers of points evenly along the curve, with both ends."""
    length = np.nan_to_num(curve.background) + np.nan_to_num(curve.efficiency)
    wanted = np.linspace(0, length[-1], POINTS)
    near = np.searchsorted(length, wanted, side="left")
    return np.unique(np.append(near, [0, len(length) - 1]))
