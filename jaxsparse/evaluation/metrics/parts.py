"""The same scores of part of the pixels: near a vertex, of the interaction, of the overlay."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from jaxsparse.evaluation import scores
from jaxsparse.evaluation.metrics.bootstrap import Counts
from jaxsparse.evaluation.metrics.confusion import confusion_of
from jaxsparse.evaluation.metrics.metric import Metric
from jaxsparse.evaluation.scored import Scored

VERTEX_RADIUS = 3.0  # pixels


class Part(Metric):
    """Confusion of the pixels that a truth column chooses.

    Args:
      key: of ``metrics.json``.
      words: of the report.
      column: of the pixels; where the file lacks it no pixel is chosen.
      chosen: from the column to bool ``[pixels]``.
      classes: class names.
      counts: how errors are taken.
    """

    def __init__(
        self, key: str, words: str, column: str, chosen: Callable[[np.ndarray], np.ndarray],
        classes: Sequence[str], counts: Counts,
    ):  # fmt: skip
        self.keys = (key, "errors")
        self.headline = ((f"accuracy, {words}", f"{key}.accuracy"),)
        self.key, self.column, self.chosen = key, column, chosen
        self.classes, self.counts = tuple(classes), counts

    def update(self, scored: Scored) -> None:
        column = scored.columns.get(self.column)
        rows = np.zeros(len(scored), bool) if column is None else self.chosen(column)
        self.counts.add(confusion_of(scored, rows), scored.group)

    def result(self) -> dict[str, Any]:
        confusion = self.counts.total
        return {
            self.key: {
                "num_sites": int(confusion.sum()),
                **scores.confusion_scores(confusion, self.classes),
            },
            "errors": {f"{self.key}.accuracy": self.counts.error(scores.accuracy)},
        }


def parts_of_pixels(classes: Sequence[str], counts: Callable[[], Counts]) -> list[Metric]:
    """The parts that the truth of ours tells; each gets counts of its own."""
    near = f"within {VERTEX_RADIUS:g} pixels of a vertex"
    return [
        Part("near_vertex", near, "vertex_distance", lambda d: d <= VERTEX_RADIUS, classes,
             counts()),
        Part("interaction", "pixels of the interaction", "interaction", lambda i: i.astype(bool),
             classes, counts()),
        Part("overlay", "pixels of the overlay", "interaction", lambda i: ~i.astype(bool), classes,
             counts()),
    ]  # fmt: skip
