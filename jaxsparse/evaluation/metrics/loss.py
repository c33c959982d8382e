"""The loss that training logs, over the evaluated events."""

from __future__ import annotations

from typing import Any

import numpy as np

from jaxsparse.evaluation.metrics.bootstrap import Counts, error_of_mean
from jaxsparse.evaluation.metrics.metric import Metric
from jaxsparse.evaluation.scored import Scored
from jaxsparse.evaluation.scores import mean_of


class PixelLoss(Metric):
    """Weighted cross entropy, summed over the pixels of an event, mean over events."""

    keys = ("loss", "errors")
    headline = (("weighted cross entropy of an event", "loss"),)

    def __init__(self, counts: Counts):
        self.counts = counts

    def update(self, scored: Scored) -> None:
        self.counts.add(np.array([scored.losses.sum(), 1.0]), scored.group)

    def result(self) -> dict[str, Any]:
        return {
            "loss": mean_of(np.asarray(self.counts.total)),
            "errors": {"loss": self.counts.error(mean_of)},
        }


class EventLoss(Metric):
    """Mean cross entropy of the events that have a class."""

    keys = ("loss", "errors")
    headline = (("cross entropy", "loss"),)

    def __init__(self, seed: int = 0):
        self.seed = seed
        self._losses: list[np.ndarray] = []

    def update(self, scored: Scored) -> None:
        self._losses.append(scored.losses[scored.known])

    def result(self) -> dict[str, Any]:
        losses = np.concatenate(self._losses)
        mean = float(losses.mean()) if len(losses) else float("nan")
        return {"loss": mean, "errors": {"loss": error_of_mean(losses, seed=self.seed)}}
