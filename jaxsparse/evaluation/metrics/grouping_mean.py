"""One number of a grouping: a sum over events by what it is a mean of."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from jaxsparse.evaluation.metrics.best_dice import best_dice_sums
from jaxsparse.evaluation.metrics.bootstrap import Counts
from jaxsparse.evaluation.metrics.metric import Metric
from jaxsparse.evaluation.metrics.prongs import prong_counts
from jaxsparse.evaluation.overlaps import Overlaps
from jaxsparse.evaluation.scored import Scored
from jaxsparse.evaluation.scores import mean_of

# Key below ``grouping`` -> its words in the report, and of one event sum and number, ``[2]``.
MEANS: dict[str, tuple[str, Callable[[Overlaps], np.ndarray]]] = {
    "best_dice": ("symmetric best Dice", best_dice_sums),
    "prong_accuracy": ("prong accuracy (HPST)", prong_counts),
}


class GroupingMean(Metric):
    """A mean of :data:`MEANS` over all events.

    Args:
      name: its key.
      counts: how errors are taken.
    """

    keys = ("grouping", "errors")

    def __init__(self, name: str, counts: Counts):
        self.name, self.counts = name, counts
        words, self._sums = MEANS[name]
        self.headline = ((words, f"grouping.{name}"),)

    def update(self, scored: Scored) -> None:
        self.counts.add(self._sums(scored.overlaps), scored.group)

    def result(self) -> dict[str, Any]:
        value = mean_of(np.asarray(self.counts.total))
        error = self.counts.error(mean_of)
        return {"grouping": {self.name: value}, "errors": {f"grouping.{self.name}": error}}
