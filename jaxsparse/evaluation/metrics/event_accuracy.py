"""The accuracy of single events."""

from __future__ import annotations

from typing import Any

import numpy as np

from jaxsparse.evaluation.metrics.bootstrap import Counts
from jaxsparse.evaluation.metrics.metric import Metric
from jaxsparse.evaluation.scored import Scored
from jaxsparse.evaluation.scores import mean_of


class EventAccuracy(Metric):
    """Mean over events of each event's own accuracy, as SparseSSNet's code has it.

    Events without a scored pixel are left out.
    """

    keys = ("accuracy_per_event_mean", "errors")
    headline = (("accuracy, mean of events", "accuracy_per_event_mean"),)

    def __init__(self, counts: Counts):
        self.counts = counts

    def update(self, scored: Scored) -> None:
        right = scored.right[scored.known]
        own = np.array([right.mean(), 1.0]) if len(right) else np.zeros(2)
        self.counts.add(own, scored.group)

    def result(self) -> dict[str, Any]:
        key = self.keys[0]
        return {
            key: mean_of(np.asarray(self.counts.total)),
            "errors": {key: self.counts.error(mean_of)},
        }
