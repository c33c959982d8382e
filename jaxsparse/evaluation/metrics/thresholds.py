"""Score thresholds: giving one class more or fewer pixels than the highest score would.

The rule "class > t": a pixel whose score of the class is above t gets the class; every other pixel
gets the best of the **other** classes. With t low the class takes pixels from the rest (efficiency
up, purity down), with t high it gives them back. The published network is used with delta > 0.5 and
MIP > 0.5 (arXiv 2012.08513).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from jaxsparse.errors import InputError
from jaxsparse.evaluation import scores as score_functions
from jaxsparse.evaluation.metrics.metric import Metric
from jaxsparse.evaluation.scored import Scored
from jaxsparse.evaluation.text import figure

STEPS = 50
THRESHOLDS = np.arange(STEPS) / STEPS  # 0.00, 0.02, ..., 0.98; 0.5 is one of them


class Thresholds(Metric):
    """Scores under some rules, and of every class at every threshold.

    Args:
      classes: class names.
      rules: of :func:`parse_rules`.
    """

    title = "Rules on scores"
    keys = ("threshold_rules", "threshold_curves")

    def __init__(self, classes: Sequence[str], rules: Sequence[tuple[str, int, float]]):
        self.classes, self.rules = tuple(classes), rules
        number = len(self.classes)
        self.confusions = np.zeros((len(rules), number, number), np.int64)
        self.curves = np.zeros((number, STEPS, number, number), np.int64)

    def update(self, scored: Scored) -> None:
        self.curves += threshold_counts(scored.truth, scored.scores)
        for confusion, (_, label, threshold) in zip(self.confusions, self.rules, strict=True):
            called = apply_threshold(scored.scores, label, threshold)
            confusion += score_functions.confusion_counts(scored.truth, called, len(self.classes))

    def result(self) -> dict[str, Any]:
        """``threshold_curves`` has ``thresholds`` and by class name ``efficiency`` and ``purity``
        of that class and the ``accuracy`` of all classes, one value per threshold.
        """
        confusions = threshold_confusions(self.curves)
        curves = {
            name: {
                "efficiency": score_functions.efficiency(confusions[c])[:, c].tolist(),
                "purity": score_functions.purity(confusions[c])[:, c].tolist(),
                "accuracy": score_functions.accuracy(confusions[c]).tolist(),
            }
            for c, name in enumerate(self.classes)
        }
        return {
            "threshold_rules": {
                rule: score_functions.confusion_scores(confusion, self.classes)
                for confusion, (rule, _, _) in zip(self.confusions, self.rules, strict=True)
            },
            "threshold_curves": {"thresholds": THRESHOLDS.tolist(), **curves},
        }

    def section(self, metrics: dict[str, Any]) -> list[str]:
        lines = []
        for rule, entry in metrics["threshold_rules"].items():
            name = rule.partition(">")[0]
            own = entry["per_class"][name]
            lines.append(
                f"With {rule}: accuracy {figure(entry['accuracy'])}, {name} efficiency "
                f"{figure(own['efficiency'])}, purity {figure(own['purity'])}."
            )
        return lines


def parse_rules(rules: Sequence[str], classes: Sequence[str]) -> list[tuple[str, int, float]]:
    """Reads rules such as ``delta>0.5``.

    Returns:
      (rule, class number, threshold) for each.

    Raises:
      InputError: an unknown class, or a threshold that is no number in [0, 1).

    >>> parse_rules(["MIP>0.5"], ("HIP", "MIP"))
    [('MIP>0.5', 1, 0.5)]
    """
    parsed = []
    for rule in rules:
        name, _, text = rule.partition(">")
        if name.strip() not in classes:
            raise InputError(
                f"--thresholds={rule}: {name.strip()!r} is no class of this network, "
                f"use one of {', '.join(classes)}, for example {classes[-1]}>0.5."
            )
        try:
            threshold = float(text)
        except ValueError:
            threshold = -1.0
        if not 0 <= threshold < 1:
            raise InputError(
                f"--thresholds={rule}: {text.strip()!r} must be a number from 0 to below 1, "
                f"for example {name.strip()}>0.5."
            )
        parsed.append((rule.replace(" ", ""), list(classes).index(name.strip()), threshold))
    return parsed


def apply_threshold(scores: np.ndarray, label: int, threshold: float) -> np.ndarray:
    """The class of each pixel under "label > threshold", otherwise the best other class.

    >>> apply_threshold(np.array([[0.4, 0.6], [0.1, 0.9]]), label=1, threshold=0.7)
    array([0, 1])
    """
    return np.where(scores[:, label] > threshold, label, best_other(scores, label))


def best_other(scores: np.ndarray, label: int) -> np.ndarray:
    """The class of the highest score among all classes but ``label``."""
    others = scores.copy()
    others[:, label] = -1.0
    return others.argmax(1)


def threshold_counts(truth: np.ndarray, scores: np.ndarray) -> np.ndarray:
    """Counts from which the confusion at every threshold of every class follows.

    Returns:
      int64 ``[classes, STEPS, classes, classes]``: pixels by class c, by the number of
      thresholds that the score of c is above less one (scores that are not above 0 are in the
      first row too), by truth, by best other class.
    """
    known = truth >= 0
    truth, scores = truth[known].astype(np.int64), scores[known]
    num_classes = scores.shape[1]
    table = np.zeros((num_classes, STEPS * num_classes**2), np.int64)
    for c in range(num_classes):
        passed = np.searchsorted(THRESHOLDS.astype(scores.dtype), scores[:, c], side="left")
        cell = np.maximum(passed - 1, 0) * num_classes + truth
        cell = cell * num_classes + best_other(scores, c)
        table[c] = np.bincount(cell, minlength=table.shape[1])
    return table.reshape(num_classes, STEPS, num_classes, num_classes)


def threshold_confusions(table: np.ndarray) -> np.ndarray:
    """Confusion counts at every threshold: ``[classes, STEPS, truth, predicted]``.

    ``result[c, k]`` is the confusion under the rule "c > THRESHOLDS[k]".
    """
    num_classes = len(table)
    above = np.cumsum(table[:, ::-1], axis=1)[:, ::-1]  # passed threshold k or a later one
    below = table.sum(1, keepdims=True) - above
    result = below.copy()
    for c in range(num_classes):
        result[c, :, :, c] += above[c].sum(-1)
    return result
