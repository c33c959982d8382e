"""Which neutral currents are taken for charged ones, against the pion that explains it.

An NC event is called nu_e for the showers of a neutral pion: the more energy it has the better it
is seen, and the nearer a photon converts to the vertex the more it looks like an electron from
there. It is called nu_mu for a charged pion as long as a muon.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from jaxsparse.evaluation.classification.bootstrap import SAMPLES, resampled_counts
from jaxsparse.evaluation.classification.pions import Pions
from jaxsparse.evaluation.classification.profiles import group_counts
from jaxsparse.evaluation.classification.results import EventResults
from jaxsparse.evaluation.scores import ratio
from jaxsparse.evaluation.spread import spread

NEUTRAL_CURRENT = "nc"
# Column of Pions -> what the event is called, unit, edges of the bins, what says there is no pion.
PROFILES: dict[str, tuple[str, str, np.ndarray, float]] = {
    "neutral_energy": ("nue", "MeV", np.array([0.0, 250, 400, 600, 900, 1300, 2000, np.inf]), 0.0),
    "photon_gap": ("nue", "cm", np.array([0.0, 10, 20, 30, 45, 60, 90, np.inf]), np.inf),
    "charged_length": ("numu", "cm", np.array([0.0, 10, 25, 50, 75, 100, 150, 200, np.inf]), 0.0),
}


def nc_summary(results: EventResults, pions: Pions, *, seed: int = 0) -> dict[str, Any]:
    """What ``metrics.json`` holds under ``nc_called``.

    Args:
      results: scores and truth.
      pions: of the same events.
      seed: of the bootstrap draws.

    Returns:
      By column of :class:`~jaxsparse.evaluation.classification.pions.Pions` a profile of
      :func:`called_profile`; ``None`` where no event of the sample has the number, or the network
      lacks a class.
    """
    return {
        name: called_profile(results, getattr(pions, name), *asked, seed=seed)
        for name, asked in PROFILES.items()
    }


def called_profile(
    results: EventResults,
    values: np.ndarray,
    called: str,
    unit: str,
    edges: np.ndarray,
    none: float,
    *,
    samples: int = SAMPLES,
    seed: int = 0,
) -> dict[str, Any] | None:
    """The part of the neutral currents that is called another class, in bins of a number.

    Args:
      results: scores and truth.
      values: float ``[events]``, NaN unknown.
      called: the other class.
      unit: of the values.
      edges: of the bins, increasing; a lower edge belongs to its bin. The last may be infinite.
      none: the value of events that lack what is measured; they stand apart.
      samples: sets of events drawn for the errors.
      seed: of the draws.

    Returns:
      ``called``, ``unit``, ``edges`` (an infinite one becomes ``null``); ``events``, ``part`` and
      ``error`` per bin, and the same of the events without under ``none``. ``None`` if no bin has
      an event or a class is missing.
    """
    if not {NEUTRAL_CURRENT, called} <= set(results.classes):
        return None
    bins = len(edges) - 1
    inside = (values >= edges[0]) & (values != none)  # NaN is not
    group = np.where(inside, np.searchsorted(edges, values, side="right") - 1, -1)
    group = np.where(values == none, bins, np.where(group < bins, group, -1))
    nc, other = results.classes.index(NEUTRAL_CURRENT), results.classes.index(called)
    table = group_counts(results, group, bins + 1)[:, nc]
    if not table[:bins].sum():
        return None
    draws = resampled_counts(table, samples=samples, seed=seed)
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
