"""Track against shower: the two classes that five are merged into.

Source: MicroBooNE's SparseSSNet (arXiv 2012.08513; R. Itay, CTD 2020), which quotes one accuracy
and one purity of the split. ``accuracy`` is pooled over pixels. The split has two sides and no
"signal", so ``efficiency`` and ``purity`` are the mean of the two sides' own, each side counting
once, however many pixels it has; the sides stand beside them. (A purity pooled over all pixels
would say nothing new: every pixel is called one of the two, so it equals the accuracy.)
"""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import Any

import numpy as np

from jaxsparse.evaluation import scores
from jaxsparse.evaluation.metrics.bootstrap import Counts
from jaxsparse.evaluation.metrics.confusion import confusion_of
from jaxsparse.evaluation.metrics.metric import Metric
from jaxsparse.evaluation.scored import Scored

FIGURES = {
    "accuracy": scores.accuracy,
    "purity": lambda merged: scores.purity(merged).mean(-1),
    "efficiency": lambda merged: scores.efficiency(merged).mean(-1),
}


class TrackShower(Metric):
    """Scores of the two sides.

    Args:
      track: numbers of the classes that are tracks; ``None`` where the classes have no such sides.
      counts: how errors are taken.
    """

    title = "Tracks and showers"
    keys = ("track_shower", "errors", "baselines")
    headline = tuple((f"track / shower {name}", f"track_shower.{name}") for name in FIGURES)

    def __init__(self, track: Sequence[int] | None, counts: Counts):
        self.track, self.counts = track, counts

    def update(self, scored: Scored) -> None:
        if self.track is not None:
            self.counts.add(confusion_of(scored), scored.group)

    def result(self) -> dict[str, Any]:
        if (track := self.track) is None:
            return {"track_shower": None}
        confusion = np.asarray(self.counts.total)
        majority = merged_sides(scores.majority_guess(confusion), track)
        errors = {
            f"track_shower.{name}": self.counts.error(functools.partial(_of_sides, name, track))
            for name in FIGURES
        }
        return {
            "track_shower": side_scores(merged_sides(confusion, track)),
            "errors": errors,
            "baselines": {"majority": {"track_shower": side_scores(majority)}},
        }

    def section(self, metrics: dict[str, Any]) -> list[str]:
        if metrics["track_shower"] is None:
            return []
        names = metrics["classes"]
        tracks = [names[number] for number in self.track or ()]
        rest = [name for name in names if name not in tracks]
        return [
            f"Tracks are {', '.join(tracks)}; all other classes count as showers "
            f"({', '.join(rest)}). Their purity and efficiency are the mean of both sides."
        ]


def merged_sides(confusion: np.ndarray, track: Sequence[int]) -> np.ndarray:
    """The confusion of track (the classes ``track``) and shower (the rest), ``[..., 2, 2]``."""
    rest = [c for c in range(confusion.shape[-1]) if c not in track]
    return scores.merge_classes(confusion, [track, rest])


def _of_sides(name: str, track: Sequence[int], confusion: np.ndarray) -> Any:
    return FIGURES[name](merged_sides(confusion, track))


def side_scores(merged: np.ndarray) -> dict[str, Any]:
    """The scores of a 2 x 2 confusion of track and shower.

    Returns:
      ``accuracy``, ``purity``, ``efficiency``, ``track`` and ``shower`` {efficiency, purity}, and
      ``confusion``.

    >>> both = side_scores(np.array([[8, 2], [0, 10]]))
    >>> both["accuracy"], both["efficiency"], round(both["purity"], 4)  # (1 + 10 / 12) / 2
    (0.9, 0.9, 0.9167)
    """
    sides = scores.class_scores(merged, ("track", "shower"))
    return {
        **{name: float(figure(merged)) for name, figure in FIGURES.items()},
        **{
            name: {"efficiency": side["efficiency"], "purity": side["purity"]}
            for name, side in sides.items()
        },
        "confusion": merged.tolist(),
    }
