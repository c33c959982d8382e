"""Whether a particle has one number in all views, as a network of several views should say.

Of every primary particle (or photon of a primary neutral pion, which leaves no pixel itself) that
two views see with enough pixels, each view matches at most one predicted
instance to it (IoU > 0.5, arXiv 1801.00868). The views agree if both match and both matches carry
one number. A grouping that works view by view never does.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from jaxsparse.evaluation.metrics.bootstrap import Counts
from jaxsparse.evaluation.metrics.metric import Metric
from jaxsparse.evaluation.overlaps import NOBODY, Overlaps
from jaxsparse.evaluation.scored import Scored
from jaxsparse.evaluation.scores import mean_of, ratio
from jaxsparse.evaluation.text import figure, with_error

PHOTON, NEUTRAL_PION = 22, 111  # PDG codes


class ViewAgreement(Metric):
    """The part of the primary particles seen in two views that has one number in both.

    Args:
      least: pixels of a particle in each of the two views.
      counts: how errors are taken.
    """

    title = "One number in all views"
    keys = ("grouping", "errors")

    def __init__(self, least: int, counts: Counts):
        self.least, self.counts = least, counts

    def update(self, scored: Scored) -> None:
        table = agreement_counts(scored.overlaps, scored.particles, self.least)
        self.counts.add(table, scored.group)

    def result(self) -> dict[str, Any]:
        """``part`` of the pairs of views of a primary that agree, ``matched`` in both, the part
        ``of_matched`` that agrees of these, how many ``pairs``, and ``part_in_one_view`` of the
        primaries, which no two views see.
        """
        total = np.asarray(self.counts.total)
        agreeing, matched, pairs, single, primaries = total.tolist()
        summary = {
            "part": ratio(agreeing, pairs),
            "matched": ratio(matched, pairs),
            "of_matched": ratio(agreeing, matched),
            "pairs": int(pairs),
            "part_in_one_view": ratio(single, primaries),
        }
        errors = {
            "part": self.counts.error(lambda table: mean_of(table[..., [0, 2]])),
            "of_matched": self.counts.error(lambda table: mean_of(table[..., [0, 1]])),
        }
        return {
            "grouping": {"view_agreement": summary},
            "errors": {f"grouping.view_agreement.{name}": error for name, error in errors.items()},
        }

    def section(self, metrics: dict[str, Any]) -> list[str]:
        agreement = metrics["grouping"]["view_agreement"]
        if not agreement["pairs"]:
            return []
        errors = metrics["errors"]
        part, of_matched = (
            with_error(agreement[name], errors[f"grouping.view_agreement.{name}"])
            for name in ("part", "of_matched")
        )
        single = figure(agreement["part_in_one_view"])
        return [
            f"Of {agreement['pairs']} primary particles with {self.least} pixels in both views, "
            f"{part} have one number in both; of those that both views find, {of_matched}. Of all "
            f"primaries with so many in a view {single} have them in one view alone."
        ]


def agreement_counts(overlaps: Overlaps, particles: np.ndarray, least: int) -> np.ndarray:
    """Of one event int64 ``[5]``: pairs of views that agree, that both match, and all; primaries
    that only one view sees, and all.
    """
    true, guessed = overlaps.true, overlaps.predicted
    own, other = overlaps.pairs.T
    union = true.size[own] + guessed.size[other] - overlaps.shared
    match = np.full(len(true), NOBODY)
    half = 2 * overlaps.shared > union
    match[own[half]] = guessed.number[other[half]]

    known = true.number < len(particles)
    primary = np.append(primaries(particles), False)[np.where(known, true.number, len(particles))]
    rows = np.flatnonzero(primary & (true.size >= least))
    rows = rows[np.argsort(true.number[rows], kind="stable")]
    _, seen = np.unique(true.number[rows], return_counts=True)
    counts = np.zeros(5, np.int64)
    counts[3:] = (seen == 1).sum(), len(seen)
    for first in range(len(rows)):
        for second in range(first + 1, len(rows)):
            one, two = rows[first], rows[second]
            if true.number[one] != true.number[two]:
                break
            both = match[one] >= 0 and match[two] >= 0
            counts[:3] += both and match[one] == match[two], both, 1
    return counts


def primaries(particles: np.ndarray) -> np.ndarray:
    """bool ``[particles]``: no mother, or a photon whose mother is a primary neutral pion."""
    first = particles["parent"] == -1
    pions = np.append(first & (particles["pdg"] == NEUTRAL_PION), False)
    return np.asarray(first | ((particles["pdg"] == PHOTON) & pions[particles["parent"]]))
