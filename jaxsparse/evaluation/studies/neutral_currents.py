"""Which neutral currents are taken for charged ones, against the pion that explains it.

An NC event is called nu_e for the showers of a neutral pion: the more energy it has the better it
is seen, and the nearer a photon converts to the vertex the more it looks like an electron from
there. It is called nu_mu for a charged pion as long as a muon.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from jaxsparse.evaluation.metrics.bootstrap import resampled_counts, spread
from jaxsparse.evaluation.metrics.metric import RowMetric
from jaxsparse.evaluation.metrics.profiles import group_counts
from jaxsparse.evaluation.scored import Scored
from jaxsparse.evaluation.scores import ratio
from jaxsparse.evaluation.studies.pions import Pions
from jaxsparse.evaluation.text import bin_rows, profile_table

NEUTRAL_CURRENT = "nc"
# Column of Pions -> what the event is called, unit, edges of the bins, what says there is no pion.
PROFILES: dict[str, tuple[str, str, np.ndarray, float]] = {
    "neutral_energy": ("nue", "MeV", np.array([0.0, 250, 400, 600, 900, 1300, 2000, np.inf]), 0.0),
    "photon_gap": ("nue", "cm", np.array([0.0, 10, 20, 30, 45, 60, 90, np.inf]), np.inf),
    "charged_length": ("numu", "cm", np.array([0.0, 10, 25, 50, 75, 100, 150, 200, np.inf]), 0.0),
}


PION_WORDS = {
    "neutral_energy": "energy of the neutral pion",
    "photon_gap": "gap before its first shower",
    "charged_length": "length of the charged pion",
}


class NeutralCurrents(RowMetric):
    """What neutral currents are called, against their pions.

    Args:
      read: the pions of events by their numbers in the file (column ``event``), see
        :func:`~jaxsparse.evaluation.studies.pions.read_pions`.
      seed: of the bootstrap draws.
    """

    keys = ("nc_called",)

    def __init__(self, read: Callable[[np.ndarray], Pions], seed: int = 0):
        super().__init__()
        self.read, self.seed = read, seed

    def result(self) -> dict[str, Any]:
        rows = self.rows
        pions = self.read(rows.columns["event"])
        return {"nc_called": nc_summary(rows, pions, seed=self.seed)}

    def section(self, metrics: dict[str, Any]) -> list[str]:
        profiles = metrics["nc_called"]
        lines = []
        for name, profile in profiles.items():
            if profile is not None:
                rows = bin_rows(profile, "part")
                rows += [("none", profile["none"])] * bool(profile["none"]["events"])
                words = f"NC, {PION_WORDS[name]} [{profile['unit']}]"
                lines += profile_table(words, rows, "part", f"part called {profile['called']}")
        if missing := [PION_WORDS[name] for name, profile in profiles.items() if profile is None]:
            lines.append(
                f"NC taken for others against {', '.join(missing)}: left out, the file or the "
                "network does not know."
            )
        return lines


def nc_summary(scored: Scored, pions: Pions, *, seed: int = 0) -> dict[str, Any]:
    """What ``metrics.json`` holds under ``nc_called``.

    Args:
      scored: scores and truth.
      pions: of the same events.
      seed: of the bootstrap draws.

    Returns:
      By column of :class:`~jaxsparse.evaluation.studies.pions.Pions` a profile of
      :func:`called_profile`; ``None`` where no event of the sample has the number, or the network
      lacks a class.
    """
    return {
        name: called_profile(scored, getattr(pions, name), *asked, seed=seed)
        for name, asked in PROFILES.items()
    }


def called_profile(
    scored: Scored,
    values: np.ndarray,
    called: str,
    unit: str,
    edges: np.ndarray,
    none: float,
    *,
    seed: int = 0,
) -> dict[str, Any] | None:
    """The part of the neutral currents that is called another class, in bins of a number.

    Args:
      scored: scores and truth.
      values: float ``[events]``, NaN unknown.
      called: the other class.
      unit: of the values.
      edges: of the bins, increasing; a lower edge belongs to its bin. The last may be infinite.
      none: the value of events that lack what is measured; they stand apart.
      seed: of the draws.

    Returns:
      ``called``, ``unit``, ``edges`` (an infinite one becomes ``null``); ``events``, ``part`` and
      ``error`` per bin, and the same of the events without under ``none``. ``None`` if no bin has
      an event or a class is missing.
    """
    if not {NEUTRAL_CURRENT, called} <= set(scored.classes):
        return None
    bins = len(edges) - 1
    inside = (values >= edges[0]) & (values != none)  # NaN is not
    group = np.where(inside, np.searchsorted(edges, values, side="right") - 1, -1)
    group = np.where(values == none, bins, np.where(group < bins, group, -1))
    nc, other = scored.classes.index(NEUTRAL_CURRENT), scored.classes.index(called)
    table = group_counts(scored, group, bins + 1)[:, nc]
    if not table[:bins].sum():
        return None
    draws = resampled_counts(table, seed=seed)
    events = table.sum(-1)
    part = ratio(table[:, other], events)
    error = spread(ratio(draws[..., other], draws.sum(-1)))
    columns = {"events": events, "part": part, "error": error}
    return {
        "called": called,
        "unit": unit,
        "edges": edges.tolist(),
        **{key: column[:bins].tolist() for key, column in columns.items()},
        "none": {key: column[bins].item() for key, column in columns.items()},
    }
