"""How much of what is no particle is put into one.

A pixel may have a class and no particle: noise. No figure of instances counts it, so a grouping
that puts every pixel into a particle would look perfect.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from jaxsparse.evaluation.metrics.bootstrap import Counts
from jaxsparse.evaluation.metrics.metric import Metric
from jaxsparse.evaluation.overlaps import NOBODY
from jaxsparse.evaluation.scored import Scored
from jaxsparse.evaluation.scores import mean_of
from jaxsparse.evaluation.text import with_error


class Noise(Metric):
    """The part of the pixels with a true class and no true particle that is in a predicted one.

    Args:
      counts: how errors are taken.
    """

    title = "Pixels of no particle"
    keys = ("grouping", "errors")

    def __init__(self, counts: Counts):
        self.counts = counts

    def update(self, scored: Scored) -> None:
        # A file without particles says of no pixel that it is of none.
        noise = scored.known & (scored.columns.get("instance", np.zeros(len(scored))) < 0)
        predicted = scored.columns.get("predicted_instance", np.full(len(scored), NOBODY))
        told = noise & (predicted >= 0)
        self.counts.add(np.array([told.sum(), noise.sum()], np.int64), scored.group)

    def result(self) -> dict[str, Any]:
        """``pixels`` of no particle, and the ``part`` of them in a predicted one."""
        total = np.asarray(self.counts.total)
        return {
            "grouping": {"noise": {"pixels": int(total[1]), "part": mean_of(total)}},
            "errors": {"grouping.noise.part": self.counts.error(mean_of)},
        }

    def section(self, metrics: dict[str, Any]) -> list[str]:
        noise = metrics["grouping"]["noise"]
        if not noise["pixels"]:
            return []
        part = with_error(noise["part"], metrics["errors"]["grouping.noise.part"])
        return [
            f"Of {noise['pixels']} pixels with a class and no particle {part} are in a predicted "
            "particle. No other figure of particles counts them."
        ]
