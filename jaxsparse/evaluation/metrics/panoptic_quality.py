"""Panoptic quality: instances and their classes in one figure.

Source: Kirillov et al., "Panoptic Segmentation", arXiv 1801.00868, section 4. Of each class, with
true positives TP (pairs of a true and a predicted instance of the class with IoU > 0.5, of which
there is at most one an instance), false positives FP and false negatives FN::

    PQ = sum over TP of IoU / (TP + FP / 2 + FN / 2) = SQ * RQ
    SQ = mean IoU of TP                    segmentation quality
    RQ = TP / (TP + FP / 2 + FN / 2)       recognition quality

counted over the views of all events. As there (section 4.2), pixels that cannot be asked for are
void: those without a true particle and those of too small true instances. They are taken out of
predicted instances before the IoU, and a predicted instance without a match that is void by more
than half is no false positive. A predicted instance that is too small is void too: it is neither
matched nor a false positive.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from jaxsparse.evaluation.metrics.bootstrap import Counts
from jaxsparse.evaluation.metrics.metric import Metric
from jaxsparse.evaluation.overlaps import Overlaps
from jaxsparse.evaluation.scored import Scored
from jaxsparse.evaluation.scores import ratio
from jaxsparse.evaluation.text import figure, with_error


class PanopticQuality(Metric):
    """The quality of each class with its two factors, and its mean over the classes.

    Args:
      classes: class names.
      least: pixels of the smallest instance that is not void.
      counts: how errors are taken.
    """

    keys = ("grouping", "errors")
    headline = (("panoptic quality, mean of the classes", "grouping.panoptic.pq"),)

    def __init__(self, classes: Sequence[str], least: int, counts: Counts):
        self.classes, self.least, self.counts = tuple(classes), least, counts

    def update(self, scored: Scored) -> None:
        table = panoptic_counts(scored.overlaps, len(self.classes), self.least)
        self.counts.add(table, scored.group)

    def result(self) -> dict[str, Any]:
        """``pq``, the mean of the classes that have an instance; ``per_class`` ``pq``, ``sq``,
        ``rq``, and how many are ``matched``, ``extra`` (predicted without a match) and ``missed``.
        """
        table = np.asarray(self.counts.total)
        columns = {"pq": quality(table), "sq": segmentation(table), "rq": recognition(table)}
        spread = self.counts.error(quality)
        summary = {
            name: {
                **{key: column[c] for key, column in columns.items()},
                **dict(zip(("matched", "extra", "missed"), table[c, 1:].astype(int), strict=True)),
            }
            for c, name in enumerate(self.classes)
        }
        errors = {f"grouping.panoptic.{name}.pq": spread[c] for c, name in enumerate(self.classes)}
        errors["grouping.panoptic.pq"] = self.counts.error(mean_quality)
        panoptic = {"pq": mean_quality(table), "per_class": summary}
        return {"grouping": {"panoptic": panoptic}, "errors": errors}

    def section(self, metrics: dict[str, Any]) -> list[str]:
        per_class = metrics["grouping"]["panoptic"]["per_class"]
        if not any(entry["matched"] + entry["missed"] for entry in per_class.values()):
            return []
        lines = ["| class | PQ | SQ | RQ | matched | extra | missed |", "| --- |" + " --- |" * 6]
        for name, entry in per_class.items():
            error = metrics["errors"][f"grouping.panoptic.{name}.pq"]
            lines.append(
                f"| {name} | {with_error(entry['pq'], error)} | {figure(entry['sq'])} "
                f"| {figure(entry['rq'])} | {entry['matched']} | {entry['extra']} "
                f"| {entry['missed']} |"
            )
        return lines


def panoptic_counts(overlaps: Overlaps, classes: int, least: int) -> np.ndarray:
    """Sum of the IoU of matches, matched, extra and missed instances of one event by class.

    Args:
      overlaps: of the event.
      classes: how many there are.
      least: pixels of the smallest instance that is not void.

    Returns:
      float64 ``[classes, 4]``.
    """
    true, guessed = overlaps.true, overlaps.predicted
    asked, large = true.size >= least, guessed.size + overlaps.without_truth >= least
    own, other = overlaps.pairs.T
    in_void = ~asked[own]
    void = overlaps.without_truth + np.bincount(
        other[in_void], overlaps.shared[in_void], len(guessed)
    ).astype(np.int64)
    seen = guessed.size + overlaps.without_truth - void

    union = true.size[own] + seen[other] - overlaps.shared
    right = asked[own] & large[other] & (true.label[own] == guessed.label[other])
    right &= 2 * overlaps.shared > union
    missed, extra = asked.copy(), large & (2 * void <= guessed.size + overlaps.without_truth)
    missed[own[right]] = extra[other[right]] = False
    label = true.label[own[right]]
    return np.stack(
        [
            np.bincount(label, overlaps.shared[right] / union[right], classes),
            np.bincount(label, minlength=classes),
            np.bincount(guessed.label[extra], minlength=classes),
            np.bincount(true.label[missed], minlength=classes),
        ],
        axis=1,
    )


def quality(table: np.ndarray) -> np.ndarray:
    """PQ of tables ``[..., classes, 4]``.

    >>> quality(np.array([[1.6, 2, 1, 1], [0, 0, 0, 0]])).round(4).tolist()
    [0.5333, nan]
    """
    return ratio(table[..., 0], _halves(table))


def segmentation(table: np.ndarray) -> np.ndarray:
    """SQ, the mean IoU of what is matched."""
    return ratio(table[..., 0], table[..., 1])


def recognition(table: np.ndarray) -> np.ndarray:
    """RQ, the F1 score of being matched."""
    return ratio(table[..., 1], _halves(table))


def mean_quality(table: np.ndarray) -> np.ndarray:
    """Mean PQ of the classes that have a true instance or a predicted one."""
    values = quality(table)
    present = np.isfinite(values)
    return ratio(np.where(present, values, 0).sum(-1), present.sum(-1))


def _halves(table: np.ndarray) -> np.ndarray:
    return np.asarray(table[..., 1] + (table[..., 2] + table[..., 3]) / 2)
