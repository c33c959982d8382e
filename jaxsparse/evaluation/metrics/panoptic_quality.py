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

A false positive has no true energy, so in bins of it, and of overlap, there are two figures of the
true instances: the part that is matched, and the mean IoU of these.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from jaxsparse.evaluation.metrics.bootstrap import Counts
from jaxsparse.evaluation.metrics.clusters import BINS, profile, quantities, sums_by_bin
from jaxsparse.evaluation.metrics.metric import Metric
from jaxsparse.evaluation.overlaps import Overlaps
from jaxsparse.evaluation.scored import Scored
from jaxsparse.evaluation.scores import ratio
from jaxsparse.evaluation.text import figure, with_error
from jaxsparse.viz.used_classes import used_classes


class PanopticQuality(Metric):
    """The quality of each class with its two factors, and its mean over the classes.

    Args:
      classes: class names.
      least: pixels of the smallest instance that is not void.
      counts: makes the tables.
    """

    title = "Panoptic quality: particles matched one to one"
    keys = ("grouping", "errors")
    headline = (("panoptic quality, mean of the classes", "grouping.panoptic.pq"),)

    def __init__(self, classes: Sequence[str], least: int, counts: Callable[[], Counts]):
        self.classes, self.least, self.counts = tuple(classes), least, counts()
        self.profiles = {name: counts() for name in BINS}

    def update(self, scored: Scored) -> None:
        overlaps = scored.overlaps
        matches = Matches.of(overlaps, self.least)
        table = panoptic_counts(overlaps, matches, len(self.classes))
        self.counts.add(table, scored.group)
        for name, quantity in quantities(scored).items():
            table = found_counts(overlaps, matches, len(self.classes), quantity, BINS[name])
            self.profiles[name].add(table, scored.group)

    def result(self) -> dict[str, Any]:
        """``pq``, the mean of the classes that have an instance; ``per_class`` ``pq``, ``sq``,
        ``rq``, and how many are ``matched``, ``extra`` (predicted without a match) and ``missed``;
        ``by_energy`` (MeV) and ``by_overlap`` (part of the pixels that several particles share) of
        each class the ``number`` of true instances, the part ``found``, that is matched, with
        ``error``, and their ``sq``, in bins.
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
        panoptic |= {name: self._profile(name) for name in BINS}
        return {"grouping": {"panoptic": panoptic}, "errors": errors}

    def _profile(self, name: str) -> dict[str, Any]:
        counts = self.profiles[name]
        table = np.asarray(counts.total)
        return profile(
            self.classes, BINS[name], found=part_found(table), error=counts.error(part_found),
            sq=ratio(table[..., 0], table[..., 1]), number=table[..., 2].astype(int),
        )  # fmt: skip

    def section(self, metrics: dict[str, Any]) -> list[str]:
        per_class = metrics["grouping"]["panoptic"]["per_class"]
        if not any(entry["matched"] + entry["missed"] for entry in per_class.values()):
            return []
        lines = ["| class | PQ | SQ | RQ | matched | extra | missed |", "| --- |" + " --- |" * 6]
        for name in used_classes(metrics, self.classes):
            entry = per_class[name]
            error = metrics["errors"][f"grouping.panoptic.{name}.pq"]
            lines.append(
                f"| {name} | {with_error(entry['pq'], error)} | {figure(entry['sq'])} "
                f"| {figure(entry['rq'])} | {entry['matched']} | {entry['extra']} "
                f"| {entry['missed']} |"
            )
        return lines


@dataclasses.dataclass(frozen=True)
class Matches:
    """Which true and predicted instances of an event are matched, and which are asked for.

    Attributes:
      asked: bool ``[true]``, large enough not to be void.
      counted: bool ``[predicted]``, large enough and not void by more than half.
      true, predicted: int64 ``[matches]``, rows of a true and a predicted instance.
      iou: float64 ``[matches]``.
    """

    asked: np.ndarray
    counted: np.ndarray
    true: np.ndarray
    predicted: np.ndarray
    iou: np.ndarray

    @classmethod
    def of(cls, overlaps: Overlaps, least: int) -> Matches:
        """Finds them, with ``least`` pixels of the smallest instance that is not void."""
        true, guessed = overlaps.true, overlaps.predicted
        whole = guessed.size + overlaps.without_truth
        asked, large = true.size >= least, whole >= least
        own, other = overlaps.pairs.T
        in_void = ~asked[own]
        void = overlaps.without_truth + np.bincount(
            other[in_void], overlaps.shared[in_void], len(guessed)
        ).astype(np.int64)

        union = true.size[own] + (whole - void)[other] - overlaps.shared
        right = asked[own] & large[other] & (true.label[own] == guessed.label[other])
        right &= 2 * overlaps.shared > union
        iou = overlaps.shared[right] / union[right]
        return cls(asked, large & (2 * void <= whole), own[right], other[right], iou)


def panoptic_counts(overlaps: Overlaps, matches: Matches, classes: int) -> np.ndarray:
    """Sum of the IoU of matches, matched, extra and missed instances of one event by class.

    Args:
      overlaps: of the event.
      matches: of the event.
      classes: how many there are.

    Returns:
      float64 ``[classes, 4]``.
    """
    missed, extra = matches.asked.copy(), matches.counted.copy()
    missed[matches.true] = extra[matches.predicted] = False
    label = overlaps.true.label[matches.true]
    return np.stack(
        [
            np.bincount(label, matches.iou, classes),
            np.bincount(label, minlength=classes),
            np.bincount(overlaps.predicted.label[extra], minlength=classes),
            np.bincount(overlaps.true.label[missed], minlength=classes),
        ],
        axis=1,
    )


def found_counts(
    overlaps: Overlaps, matches: Matches, classes: int, quantity: np.ndarray, edges: np.ndarray
) -> np.ndarray:
    """Sum of the IoU of matches, matches and all true instances of one event by class and bin.

    Args:
      overlaps: of the event.
      matches: of the event.
      classes: how many there are.
      quantity: float ``[true]``, what the bins are of; instances of which it is not known (NaN) are
        left out.
      edges: of the bins.

    Returns:
      float64 ``[classes, bins, 3]``.
    """
    iou, found = np.zeros(len(overlaps.true)), np.zeros(len(overlaps.true))
    iou[matches.true], found[matches.true] = matches.iou, 1.0
    rows = matches.asked & np.isfinite(quantity)
    label = overlaps.true.label
    summed = sums_by_bin(iou, rows, classes, label, quantity, edges)[..., :1]
    counted = sums_by_bin(found, rows, classes, label, quantity, edges)
    return np.concatenate([summed, counted], axis=-1)


def part_found(table: np.ndarray) -> np.ndarray:
    """Part of the true instances that is matched, of tables ``[..., 3]`` of found_counts."""
    return ratio(table[..., 1], table[..., 2])


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
