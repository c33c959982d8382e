"""Everything in ``metrics.json`` that compares the scores of events with truth."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from scipy.special import logsumexp

from jaxsparse.evaluation import scores
from jaxsparse.evaluation.calibration import calibration_summary, reliability_counts
from jaxsparse.evaluation.classification.bootstrap import (
    SAMPLES,
    error_of_mean,
    resampled_counts,
)
from jaxsparse.evaluation.classification.comparison import compare
from jaxsparse.evaluation.classification.distributions import score_distributions
from jaxsparse.evaluation.classification.neutral_currents import nc_summary
from jaxsparse.evaluation.classification.pions import Pions
from jaxsparse.evaluation.classification.profiles import profile_summary
from jaxsparse.evaluation.classification.results import EventResults
from jaxsparse.evaluation.classification.roc import roc_summary
from jaxsparse.evaluation.spread import spread
from jaxsparse.evaluation.thresholds import (
    apply_threshold,
    threshold_counts,
    threshold_summary,
)

# Present, and null, where no event has truth.
TRUTH_KEYS = (
    "loss", "accuracy", "accuracy_balanced", "confusion", "efficiency_matrix", "purity_matrix",
    "per_class", "class_shares", "errors", "roc", "score_distributions", "threshold_rules",
    "threshold_curves", "calibration", "accuracy_against", "nc_called", "baselines",
)  # fmt: skip


def event_metrics(
    results: EventResults,
    *,
    losses: np.ndarray | None = None,
    rules: Sequence[tuple[str, int, float]] = (),
    forest: np.ndarray | None = None,
    forest_note: str = "",
    pions: Pions | None = None,
    seed: int = 0,
) -> dict[str, Any]:
    """All figures of a classifier of events; those without an event to stand on are NaN.

    Args:
      results: scores and truth; events of unknown class count nowhere.
      losses: float ``[events]``, cross entropy of each event from its logits; from the scores if
        ``None`` (a score of 0 then counts as the smallest float32).
      rules: of :func:`jaxsparse.evaluation.thresholds.parse_rules`.
      forest: float ``[events, classes]``, scores of the baseline on the same events.
      forest_note: what it was fitted on, or why there is none.
      pions: of the same events, for what neutral currents are taken for.
      seed: of the bootstrap draws.

    Returns:
      The keys ``TRUTH_KEYS``; ``docs/evaluation.md`` defines each.
    """
    losses = score_entropies(results) if losses is None else losses
    losses, names = losses[results.known], results.classes
    if forest is not None:
        forest = forest[results.known]
    if pions is not None:
        pions = pions.take(results.known)
    results = results.take(results.known)
    confusion = scores.confusion_counts(results.truth, results.predicted, len(names))
    draws = resampled_counts(confusion, seed=seed)
    reliability = reliability_counts(results.truth, results.scores)
    return {
        "loss": float(losses.mean()) if len(losses) else float("nan"),
        "accuracy": float(scores.accuracy(confusion)),
        "accuracy_balanced": float(balanced_accuracy(confusion)),
        "confusion": confusion.tolist(),
        "efficiency_matrix": efficiency_matrix(confusion).tolist(),
        "purity_matrix": purity_matrix(confusion).tolist(),
        "per_class": scores.class_scores(confusion, names),
        "class_shares": dict(
            zip(names, scores.ratio(confusion.sum(1), confusion.sum()).tolist(), strict=True)
        ),
        "errors": {
            "samples": SAMPLES,
            "loss": error_of_mean(losses, seed=seed),
            **confusion_errors(draws, names),
        },
        "roc": roc_summary(results),
        "score_distributions": score_distributions(results),
        "threshold_rules": {
            rule: confusion_scores(
                scores.confusion_counts(
                    results.truth, apply_threshold(results.scores, label, cut), len(names)
                ),
                names,
            )
            for rule, label, cut in rules
        },
        "threshold_curves": threshold_summary(
            threshold_counts(results.truth, results.scores), names
        ),
        "calibration": calibration_summary(reliability, names, counted="events"),
        "accuracy_against": profile_summary(results, seed=seed),
        "nc_called": None if pions is None else nc_summary(results, pions, seed=seed),
        "baselines": {
            "majority": confusion_scores(scores.majority_guess(confusion), names),
            "forest": _forest(results, forest, forest_note, seed),
        },
    }


def efficiency_matrix(confusion: np.ndarray) -> np.ndarray:
    """Of the events of each true class (row), the part called each class: rows add up to 1.

    >>> efficiency_matrix(np.array([[3, 1], [0, 0]])).tolist()
    [[0.75, 0.25], [nan, nan]]
    """
    return scores.ratio(confusion, confusion.sum(-1, keepdims=True))


def purity_matrix(confusion: np.ndarray) -> np.ndarray:
    """Of the events called each class (column), the part of each true class: columns add up to 1.

    >>> purity_matrix(np.array([[3, 0], [1, 0]])).tolist()
    [[0.75, nan], [0.25, nan]]
    """
    return scores.ratio(confusion, confusion.sum(-2, keepdims=True))


def balanced_accuracy(confusion: np.ndarray) -> np.ndarray:
    """Mean efficiency of the classes that have an event: free of the sample's class shares.

    Args:
      confusion: ``[..., classes, classes]``.

    >>> balanced_accuracy(np.array([[8, 0, 0], [1, 1, 0], [0, 0, 0]])).item()
    0.75
    """
    efficiency = scores.efficiency(confusion)
    present = np.isfinite(efficiency)
    return scores.ratio(np.where(present, efficiency, 0).sum(-1), present.sum(-1))


def confusion_scores(confusion: np.ndarray, classes: Sequence[str]) -> dict[str, Any]:
    """Accuracy, confusion and class scores of another labelling of the same events."""
    return {
        "accuracy": float(scores.accuracy(confusion)),
        "confusion": confusion.tolist(),
        "per_class": scores.class_scores(confusion, classes),
    }


def confusion_errors(draws: np.ndarray, classes: Sequence[str]) -> dict[str, float]:
    """Bootstrap errors of what follows from the confusion, by dotted key of ``metrics.json``.

    Args:
      draws: ``[samples, classes, classes]`` of :func:`resampled_counts`.
      classes: class names.
    """
    efficiency, purity = spread(scores.efficiency(draws)), spread(scores.purity(draws))
    errors = {
        "accuracy": spread(scores.accuracy(draws)),
        "accuracy_balanced": spread(balanced_accuracy(draws)),
    }
    for c, name in enumerate(classes):
        errors[f"per_class.{name}.efficiency"] = float(efficiency[c])
        errors[f"per_class.{name}.purity"] = float(purity[c])
    return errors


def cross_entropies(logits: np.ndarray, truth: np.ndarray) -> np.ndarray:
    """Cross entropy of every event from its logits, float64 ``[events]``, 0 without truth.

    ``log sum_c exp z_c - z_truth``: exact where a score of float32 has become 0.

    >>> cross_entropies(np.array([[0.0, 0.0], [-200.0, 0.0]]), np.array([0, 0])).round(3).tolist()
    [0.693, 200.0]
    """
    chosen = np.take_along_axis(logits, np.maximum(truth, 0).astype(np.int64)[:, None], 1)[:, 0]
    total = logsumexp(logits.astype(np.float64), axis=1) if len(logits) else np.zeros(0)
    return np.where(truth >= 0, total - chosen, 0.0)


def score_entropies(results: EventResults) -> np.ndarray:
    """Minus the logarithm of the true class's score, float64 ``[events]``, 0 without truth."""
    truth = np.maximum(results.truth, 0).astype(np.int64)
    chosen = np.take_along_axis(results.scores.astype(np.float64), truth[:, None], 1)[:, 0]
    losses = -np.log(np.maximum(chosen, np.finfo(np.float32).tiny))
    return np.where(results.known, losses, 0.0)


def _forest(
    results: EventResults, forest: np.ndarray | None, note: str, seed: int
) -> dict[str, Any]:
    """The baseline's scores, and the network against it on the same events."""
    if forest is None:
        return {"fitted_on": note, "accuracy": None}
    called = forest.argmax(1)
    confusion = scores.confusion_counts(results.truth, called, len(results.classes))
    return {
        "fitted_on": note,
        **confusion_scores(confusion, results.classes),
        "error": spread(scores.accuracy(resampled_counts(confusion, seed=seed))),
        "network_against_it": compare(results.right, called == results.truth, seed=seed),
    }
