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

BINS = 25
EDGES = np.linspace(0, 1, BINS + 1)


class ScoreDistributions(RowMetric):
    """Histograms of every class's score."""

    keys = ("score_distributions",)

    def result(self) -> dict[str, Any]:
        """``edges`` of the bins of score, an upper edge belongs to the next bin but the last; by
        class name the events in every bin: ``right``, ``missed``, ``wrongly_called``.
        """
        rows = self.rows
        known, called = rows.take(rows.known), rows.predicted[rows.known]
        summary: dict[str, Any] = {"edges": EDGES.tolist()}
        for c, name in enumerate(known.classes):
            sets = {
                "right": (known.truth == c) & (called == c),
                "missed": (known.truth == c) & (called != c),
                "wrongly_called": (known.truth != c) & (called == c),
            }
            summary[name] = {
                key: np.histogram(known.scores[chosen, c], EDGES)[0].tolist()
                for key, chosen in sets.items()
            }
        return {"score_distributions": summary}
