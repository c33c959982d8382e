"""How sure the network is where it is right, and where it is wrong.

For each class the histogram of its score over three sets of events, which together with the events
that have nothing to do with the class are all events:

- **right**: of the class and called so;
- **missed**: of the class, called another;
- **wrongly called**: of another class, called so.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from jaxsparse.evaluation.metrics.metric import RowMetric
from jaxsparse.evaluation.scored import Scored

BINS = 25
EDGES = np.linspace(0, 1, BINS + 1)


class ScoreDistributions(RowMetric):
    """Histograms of every class's score."""

    keys = ("score_distributions",)

    def result(self) -> dict[str, Any]:
        return {"score_distributions": score_distributions(self.rows)}


def score_distributions(scored: Scored) -> dict[str, Any]:
    """What ``metrics.json`` holds under ``score_distributions``.

    Returns:
      ``edges`` of the bins of score, an upper edge belongs to the next bin but the last; by class
      name the events in every bin: ``right``, ``missed``, ``wrongly_called``.
    """
    known = scored.take(scored.known)
    called = known.predicted
    summary: dict[str, Any] = {"edges": EDGES.tolist()}
    for c, name in enumerate(scored.classes):
        sets = {
            "right": (known.truth == c) & (called == c),
            "missed": (known.truth == c) & (called != c),
            "wrongly_called": (known.truth != c) & (called == c),
        }
        summary[name] = {
            key: np.histogram(known.scores[rows, c], EDGES)[0].tolist()
            for key, rows in sets.items()
        }
    return summary
