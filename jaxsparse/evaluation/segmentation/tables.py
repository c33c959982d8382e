"""All count tables of one event: what an evaluation adds up."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from jaxsparse.evaluation import scores as score_functions
from jaxsparse.evaluation.calibration import reliability_counts
from jaxsparse.evaluation.segmentation.efficiency import PROFILES, profile_counts
from jaxsparse.evaluation.segmentation.images import Image
from jaxsparse.evaluation.segmentation.instances import instance_counts
from jaxsparse.evaluation.thresholds import apply_threshold, threshold_counts

VERTEX_RADIUS = 3.0  # pixels

# Kept by group for bootstrap errors; the others only in total.
RESAMPLED = (
    "confusion", "event_accuracy", "near_vertex", "interaction", "overlay", "instances", "local",
    *(f"profile_{name}" for name in PROFILES),
)  # fmt: skip


def event_tables(
    image: Image,
    logits: np.ndarray,
    *,
    local: np.ndarray,
    rules: Sequence[tuple[str, int, float]] = (),
    wires: np.ndarray | None = None,
) -> dict[str, np.ndarray]:
    """Counts of one event with truth.

    Args:
      image: the event.
      logits: float32 ``[pixels, classes]``.
      local: integer ``[pixels]``, what the local charge-density classifier says.
      rules: of :func:`jaxsparse.evaluation.thresholds.parse_rules`.
      wires: unit vector along the wires.

    Returns:
      By name: ``confusion`` and, of part of the pixels, ``near_vertex`` (within 3 pixels of an
      interaction vertex), ``interaction``, ``overlay`` (what is not the interaction), ``local``
      (the baseline's), ``rule_<i>``, each ``[classes, classes]``; ``event_accuracy`` (accuracy, 1)
      or (0, 0) without a labelled pixel; ``loss``; ``sites`` (kept, without truth); and the tables
      of calibration, thresholds, efficiency and instances.
    """
    view, classes = image.view, logits.shape[1]
    truth = view.labels
    assert truth is not None
    assert image.weights is not None
    scores = score_functions.softmax(logits)
    predicted = scores.argmax(1)

    def confusion(part: np.ndarray | None = None, labelling: np.ndarray = predicted) -> np.ndarray:
        if part is None:
            return score_functions.confusion_counts(truth, labelling, classes)
        return score_functions.confusion_counts(truth[part], labelling[part], classes)

    nothing = np.zeros(len(view), bool)
    near = nothing if view.vertex_distance is None else view.vertex_distance <= VERTEX_RADIUS
    inside = nothing if view.interaction is None else view.interaction
    overlaid = nothing if view.interaction is None else ~view.interaction
    whole = confusion()
    known = whole.sum() > 0
    accuracy = float(score_functions.accuracy(whole)) if known else 0.0
    return {
        "confusion": whole,
        "near_vertex": confusion(near),
        "interaction": confusion(inside),
        "overlay": confusion(overlaid),
        "local": confusion(labelling=local),
        **{
            f"rule_{i}": confusion(labelling=apply_threshold(scores, label, threshold))
            for i, (_, label, threshold) in enumerate(rules)
        },
        "event_accuracy": np.array([accuracy, float(known)]),
        "loss": np.array(score_functions.cross_entropy(logits, truth, image.weights)),
        "sites": np.array([len(view), (truth < 0).sum()]),
        **reliability_counts(truth, scores),
        "thresholds": threshold_counts(truth, scores),
        **profile_counts(view, predicted, image.particles, classes, wires),
        "instances": instance_counts(view, predicted, image.particles, classes),
    }
