"""How many pixels count."""

from __future__ import annotations

from typing import Any

from jaxsparse.evaluation.metrics.metric import Metric
from jaxsparse.evaluation.scored import Scored


class PixelNumbers(Metric):
    """Pixels that are scored, and those that have no truth."""

    keys = ("num_sites_without_truth",)

    def __init__(self) -> None:
        self.known, self.unknown = 0, 0

    def update(self, scored: Scored) -> None:
        known = int(scored.known.sum())
        self.known += known
        self.unknown += len(scored) - known

    def result(self) -> dict[str, Any]:
        return {"num_sites": self.known, "num_sites_without_truth": self.unknown}
