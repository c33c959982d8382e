"""Which neutral currents are taken for charged ones, against the pion that explains it.

An NC event is called nu_e for the showers of a neutral pion: the more energy it has the better it
is seen, and the nearer a photon converts to the vertex the more it looks like an electron from
there. It is called nu_mu for a charged pion as long as a muon. What these classes are called, and
the bins, are the detector's (:class:`jaxsparse.detectors.NeutralCurrents`).
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from jaxsparse import detectors
from jaxsparse.evaluation.metrics.bootstrap import resampled_counts, spread
from jaxsparse.evaluation.metrics.metric import RowMetric
from jaxsparse.evaluation.metrics.profiles import group_counts
from jaxsparse.evaluation.scored import Scored
from jaxsparse.evaluation.scores import ratio
from jaxsparse.evaluation.studies.pions import Pions
from jaxsparse.evaluation.text import bin_rows, profile_table


@dataclasses.dataclass(frozen=True)
class Question:
    """What the pions of an event are asked.

    Attributes:
      words: for the report.
      unit: of the answer.
      lepton: what the pion looks like.
      none: the answer of an event without such a pion.
    """

    words: str
    unit: str
    lepton: str
    none: float


# By column of Pions.
QUESTIONS = {
    "neutral_energy": Question("energy of the neutral pion", "MeV", "electron", 0.0),
    "photon_gap": Question("gap before its first shower", "cm", "electron", np.inf),
    "charged_length": Question("length of the charged pion", "cm", "muon", 0.0),
}


class NeutralCurrents(RowMetric):
    """What neutral currents are called, against their pions.

    Args:
      declared: which class they are, and which questions are asked in which bins.
      read: the pions of events by their numbers in the file (column ``event``), see
        :func:`~jaxsparse.evaluation.studies.pions.read_pions`.
      seed: of the bootstrap draws.
    """

    title = "Neutral currents called another class"
    keys = ("nc_called",)

    def __init__(
        self,
        declared: detectors.NeutralCurrents,
        read: Callable[[np.ndarray], Pions],
        seed: int = 0,
    ):
        super().__init__()
        self.declared, self.read, self.seed = declared, read, seed

    def result(self) -> dict[str, Any]:
        rows = self.rows
        pions = self.read(rows.columns["event"])
        return {"nc_called": nc_summary(rows, pions, self.declared, seed=self.seed)}

    def section(self, metrics: dict[str, Any]) -> list[str]:
        profiles = metrics["nc_called"]
        lines = []
        for name, profile in profiles.items():
            if profile is not None:
                rows = bin_rows(profile, "part")
                rows += [("none", profile["none"])] * bool(profile["none"]["events"])
                words = f"{self.declared.name}, {QUESTIONS[name].words} [{profile['unit']}]"
                lines += profile_table(words, rows, "part", f"part called {profile['called']}")
        missing = [QUESTIONS[name].words for name, profile in profiles.items() if profile is None]
        if missing:
            lines.append(
                f"{self.declared.name} taken for others against {', '.join(missing)}: left out, "
                "the file or the network does not know."
            )
        return lines


def nc_summary(
    scored: Scored, pions: Pions, declared: detectors.NeutralCurrents, *, seed: int = 0
) -> dict[str, Any]:
    """What ``metrics.json`` holds under ``nc_called``.

    Args:
      scored: scores and truth.
      pions: of the same events.
      declared: see :class:`NeutralCurrents`.
      seed: of the bootstrap draws.

    Returns:
      By column of :class:`~jaxsparse.evaluation.studies.pions.Pions` a profile of
      :func:`called_profile`; ``None`` where no event of the sample has the number, or the network
      lacks a class.
    """
    return {
        name: called_profile(
            scored, getattr(pions, name), declared.name, getattr(declared, question.lepton),
            question.unit, edges, question.none, seed=seed,
        )
        for name, question in QUESTIONS.items()
        if (edges := getattr(declared, name))
    }  # fmt: skip


def called_profile(
    scored: Scored,
    values: np.ndarray,
    true: str,
    called: str,
    unit: str,
    edges: Sequence[float],
    none: float,
    *,
    seed: int = 0,
) -> dict[str, Any] | None:
    """The part of a class's events that is called another class, in bins of a number.

    Args:
      scored: scores and truth.
      values: float ``[events]``, NaN unknown.
      true: the class.
      called: the other class.
      unit: of the values.
      edges: of the bins, increasing; a lower edge belongs to its bin. The last may be infinite.
      none: the value of events that lack what is measured; they stand apart.
      seed: of the draws.

    Returns:
      ``true``, ``called``, ``unit``, ``edges`` (an infinite one becomes ``null``); ``events``,
      ``part`` and ``error`` per bin, and the same of the events without under ``none``. ``None``
      if no bin has an event or a class is missing.
    """
    if not {true, called} <= set(scored.classes):
        return None
    bins = len(edges) - 1
    inside = (values >= edges[0]) & (values != none)  # NaN is not
    group = np.where(inside, np.searchsorted(edges, values, side="right") - 1, -1)
    group = np.where(values == none, bins, np.where(group < bins, group, -1))
    own, other = scored.classes.index(true), scored.classes.index(called)
    table = group_counts(scored, group, bins + 1)[:, own]
    if not table[:bins].sum():
        return None
    draws = resampled_counts(table, seed=seed)
    events = table.sum(-1)
    part = ratio(table[:, other], events)
    error = spread(ratio(draws[..., other], draws.sum(-1)))
    columns = {"events": events, "part": part, "error": error}
    return {
        "true": true,
        "called": called,
        "unit": unit,
        "edges": np.asarray(edges, float).tolist(),
        **{key: column[:bins].tolist() for key, column in columns.items()},
        "none": {key: column[bins].item() for key, column in columns.items()},
    }
