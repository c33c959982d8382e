"""Accuracy and efficiency by what makes an event hard: its energy and its kind of interaction.

Every profile is one table of counts, ``[groups, true class, called class]``; all figures and their
errors follow from it.
"""

from __future__ import annotations

import collections
from collections.abc import Iterable
from typing import Any

import numpy as np

from jaxsparse.evaluation.metrics.bootstrap import resampled_counts, spread
from jaxsparse.evaluation.metrics.efficiency import bin_of
from jaxsparse.evaluation.metrics.metric import RowMetric
from jaxsparse.evaluation.scored import Scored
from jaxsparse.evaluation.scores import accuracy, efficiency, purity
from jaxsparse.evaluation.text import bin_rows, profile_table

ENERGY_EDGES = np.array([0.0, 1, 1.5, 2, 2.5, 3, 4, 6, 10, 20, np.inf])  # GeV
MODES = ("QE", "MEC", "RES", "DIS", "COH", "other")
DECAYS = ("electron", "muon", "hadrons")
MOST_TOPOLOGIES = 40
WORDS = {"mode": "mode", "tau_decay": "decay of the tau"}  # tables of the report


class AccuracyAgainst(RowMetric):
    """The profiles of energy, mode, tau decay and topology.

    Args:
      seed: of the bootstrap draws.
    """

    keys = ("accuracy_against",)

    def __init__(self, seed: int = 0):
        super().__init__()
        self.seed = seed

    def result(self) -> dict[str, Any]:
        return {"accuracy_against": profile_summary(self.rows, seed=self.seed)}

    def section(self, metrics: dict[str, Any]) -> list[str]:
        against = metrics["accuracy_against"]
        lines = profile_table("energy [GeV]", bin_rows(against["energy"]))
        for key, words in WORDS.items():
            lines += profile_table(words, list((against[key] or {}).items()))
        return lines


def group_counts(scored: Scored, group: np.ndarray, num_groups: int) -> np.ndarray:
    """Events by group, true class and called class, int64 ``[groups, classes, classes]``.

    Args:
      scored: scores and truth; events without truth count nowhere.
      group: integer ``[events]``; a negative one counts nowhere.
      num_groups: number of groups.
    """
    classes = len(scored.classes)
    chosen = scored.known & (group >= 0)
    cell = (group[chosen].astype(np.int64) * classes + scored.truth[chosen]) * classes
    cell = cell + scored.predicted[chosen]
    shape = (num_groups, classes, classes)
    return np.bincount(cell, minlength=num_groups * classes**2).reshape(shape)


def energy_group(energy: np.ndarray) -> np.ndarray:
    """Bin of ``ENERGY_EDGES`` of each energy in GeV, -1 for an unknown one; int64 ``[events]``.

    A lower edge belongs to its bin.

    >>> energy_group(np.array([0.5, 1.0, 300.0, np.nan])).tolist()
    [0, 1, 9, -1]
    """
    known = np.isfinite(energy) & (energy >= 0)
    return np.where(known, bin_of(energy, np.asarray(ENERGY_EDGES)), -1)


def mode_of(topology: str) -> str:
    """The interaction mode in a topology, ``""`` if it names none.

    >>> mode_of("numu CC RES"), mode_of("NC DIS"), mode_of("cosmic")
    ('RES', 'DIS', '')
    """
    return next((word for word in topology.split() if word in MODES), "")


def decay_of(topology: str) -> str:
    """How the tau of a charged-current nu_tau event decayed, ``""`` for all others.

    >>> decay_of("nutau CC DIS electron"), decay_of("numu CC QE")
    ('electron', '')
    """
    words = topology.split()
    if not words or words[0] != "nutau":
        return ""
    return next((word for word in words if word in DECAYS), "")


def energy_profile(scored: Scored, *, seed: int = 0) -> dict[str, Any] | None:
    """Accuracy and the efficiency and purity of every class in bins of true energy.

    Returns:
      ``edges`` (the last is ``null``: no upper edge), ``unit``, ``events``, ``accuracy``, ``error``
      per bin; ``per_class`` {name: ``events``, ``efficiency``, ``error``, ``purity``}. Purity is
      among the events of that true energy. ``None`` without a known energy.
    """
    table = group_counts(scored, energy_group(scored.columns["energy"]), len(ENERGY_EDGES) - 1)
    if not table.sum():
        return None
    draws = resampled_counts(table, seed=seed)
    errors, pure = spread(efficiency(draws)), purity(table)
    return {
        "edges": ENERGY_EDGES.tolist(),
        "unit": "GeV",
        "events": table.sum((1, 2)).tolist(),
        "accuracy": accuracy(table).tolist(),
        "error": spread(accuracy(draws)).tolist(),
        "per_class": {
            name: {
                "events": table[:, c].sum(-1).tolist(),
                "efficiency": efficiency(table)[:, c].tolist(),
                "error": errors[:, c].tolist(),
                "purity": pure[:, c].tolist(),
            }
            for c, name in enumerate(scored.classes)
        },
    }


def named_profile(scored: Scored, names: Iterable[str], *, seed: int = 0) -> dict[str, Any] | None:
    """Accuracy by a name that events have.

    Args:
      scored: scores and truth.
      names: of every event; events with ``""`` are left out.

    Returns:
      By name, most frequent first, at most 40: ``events``, ``accuracy``, ``error``, and ``called``
      {class: part of the events called so}. ``None`` without a named event with truth.
    """
    counted = collections.Counter(
        name for name, known in zip(names, scored.known, strict=True) if name and known
    )
    groups = [name for name, _ in counted.most_common(MOST_TOPOLOGIES)]
    if not groups:
        return None
    number = {name: i for i, name in enumerate(groups)}
    table = group_counts(scored, np.array([number.get(n, -1) for n in names]), len(groups))
    errors = spread(accuracy(resampled_counts(table, seed=seed)))
    called = table.sum(1) / table.sum((1, 2))[:, None]
    return {
        name: {
            "events": int(table[i].sum()),
            "accuracy": float(accuracy(table[i])),
            "error": float(errors[i]),
            "called": dict(zip(scored.classes, called[i].tolist(), strict=True)),
        }
        for i, name in enumerate(groups)
    }


def profile_summary(scored: Scored, *, seed: int = 0) -> dict[str, Any]:
    """What ``metrics.json`` holds under ``accuracy_against``.

    Returns:
      ``energy`` (:func:`energy_profile`); ``mode``, ``tau_decay`` and the whole ``topology``
      (:func:`named_profile`).
    """
    topology = scored.columns["topology"]
    return {
        "energy": energy_profile(scored, seed=seed),
        "mode": named_profile(scored, [mode_of(t) for t in topology], seed=seed),
        "tau_decay": named_profile(scored, [decay_of(t) for t in topology], seed=seed),
        "topology": named_profile(scored, topology, seed=seed),
    }
