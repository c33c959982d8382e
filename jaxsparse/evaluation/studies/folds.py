"""Cross-validation: every event is tested once a repeat, by a network that never saw it.

Small sets (the 600 DUNE pixel maps) are too few to set a test part aside: one fold after the other
is left out, the classifier is trained on the rest, and the left-out scores are pooled. Another
repeat draws other folds, which averages over partitions and trainings. An event that is tested
several times is still one event, so errors come from drawing events, never predictions.
"""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np

from jaxsparse.errors import InputError
from jaxsparse.evaluation.metrics.bootstrap import error_of_mean
from jaxsparse.evaluation.scores import class_scores, confusion_counts


def stratified_folds(
    truth: np.ndarray,
    folds: int,
    *,
    repeats: int = 1,
    seed: int = 0,
    groups: np.ndarray | None = None,
) -> np.ndarray:
    """Shares events out to folds so that every fold has its part of every class.

    Groups are dealt to the folds in random order, class by class, each to the fold that has fewest
    events of the class, then fewest events: without groups no two folds differ by more than one
    event of a class, nor by more than one event.

    Args:
      truth: integer ``[events]``, class numbers; -1 (unknown) is shared out as a class of its own.
      folds: at least 2, at most the number of groups.
      repeats: how many independent partitions.
      seed: of the draws.
      groups: integer ``[events]``: events of equal number stay in one fold (copies of one image,
        placements of one simulated event), every event by itself if ``None``. A group counts as of
        its first event's class.

    Returns:
      int32 ``[repeats, events]``, the fold in which each event is tested.

    Raises:
      InputError: fewer than 2 folds, or more than groups.

    >>> fold = stratified_folds(np.repeat([0, 1], [4, 6]), 2)
    >>> [np.bincount(fold[0][part]).tolist() for part in (slice(0, 4), slice(4, 10))]
    [[2, 2], [3, 3]]
    """
    truth = np.asarray(truth)
    groups = np.arange(len(truth)) if groups is None else np.asarray(groups)
    _, first, group = np.unique(groups, return_index=True, return_inverse=True)
    if not 2 <= folds <= len(first):
        raise InputError(
            f"folds is {folds}: must be from 2 to the number of separate events, {len(first)}"
        )
    kind, sizes = truth[first], np.bincount(group)
    result = np.zeros((repeats, len(truth)), np.int32)
    for repeat in range(repeats):
        rng = np.random.default_rng((seed, repeat))
        fold_of = np.zeros(len(first), np.int32)
        total = np.zeros(folds, np.int64)
        for label in np.unique(kind):
            own = np.zeros(folds, np.int64)
            members = rng.permutation(np.flatnonzero(kind == label))
            # Large groups first, or the last ones dealt would leave the folds uneven.
            for member in members[np.argsort(-sizes[members], kind="stable")]:
                fold = np.lexsort((rng.random(folds), total, own))[0]
                fold_of[member] = fold
                own[fold] += sizes[member]
                total[fold] += sizes[member]
        result[repeat] = fold_of[group]
    return result


@dataclasses.dataclass(frozen=True)
class CrossValidated:
    """Scores of every event from every repeat of a cross-validation.

    Attributes:
      scores: float32 ``[repeats, events, classes]``, of the classifier that had not seen the event.
      truth: int32 ``[events]``.
      classes: class names.
    """

    scores: np.ndarray
    truth: np.ndarray
    classes: tuple[str, ...]

    @property
    def right(self) -> np.ndarray:
        """bool ``[repeats, events]``."""
        return self.scores.argmax(-1) == self.truth

    def summary(self, *, seed: int = 0) -> dict[str, Any]:
        """Figures pooled over folds.

        Returns:
          ``num_events``, ``repeats``; ``accuracy``, mean over repeats, with ``error``, drawing
          events; ``accuracy_by_repeat`` and their standard deviation ``deviation_of_repeats`` (what
          another partition and training change; NaN for one repeat); ``accuracy_of_mean_score``,
          of the scores averaged over repeats, with ``error_of_mean_score`` (an ensemble: not what
          one network reaches); ``confusion`` of all repeats divided by their number; ``per_class``.
        """
        right = self.right
        by_repeat = right.mean(1)
        together = self.scores.mean(0).argmax(-1) == self.truth
        tables = [
            confusion_counts(self.truth, one.argmax(-1), len(self.classes)) for one in self.scores
        ]
        confusion = np.mean(tables, axis=0)
        deviation = float(by_repeat.std(ddof=1)) if len(by_repeat) > 1 else float("nan")
        return {
            "num_events": len(self.truth),
            "repeats": len(self.scores),
            "accuracy": float(by_repeat.mean()),
            "error": error_of_mean(right.mean(0), seed=seed),
            "accuracy_by_repeat": by_repeat.tolist(),
            "deviation_of_repeats": deviation,
            "accuracy_of_mean_score": float(together.mean()),
            "error_of_mean_score": error_of_mean(together, seed=seed),
            "confusion": confusion.tolist(),
            "per_class": class_scores(confusion, self.classes),
        }
