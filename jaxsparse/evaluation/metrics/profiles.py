"""Accuracy and efficiency by what makes an event hard: its energy and the words of its topology.

Every profile is one table of counts, ``[groups, true class, called class]``; all figures and their
errors follow from it.
"""

from __future__ import annotations

import collections
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from jaxsparse.detectors import Detector
from jaxsparse.evaluation.metrics.bootstrap import resampled_counts, spread
from jaxsparse.evaluation.metrics.efficiency import bin_of
from jaxsparse.evaluation.metrics.metric import RowMetric
from jaxsparse.evaluation.scored import Scored
from jaxsparse.evaluation.scores import accuracy, efficiency, purity
from jaxsparse.evaluation.text import bin_rows, profile_table

MOST_TOPOLOGIES = 40
UNDESCRIBED = Detector("", {})


class AccuracyAgainst(RowMetric):
    """The profiles of energy, of whole topologies, and of the words in them that a detector names.

    Args:
      detector: of the events.
      seed: of the bootstrap draws.
    """

    title = "Accuracy against energy and topology"
    keys = ("accuracy_against",)

    def __init__(self, detector: Detector = UNDESCRIBED, seed: int = 0):
        super().__init__()
        self.detector, self.seed = detector, seed

    def result(self) -> dict[str, Any]:
        return {"accuracy_against": profile_summary(self.rows, self.detector, seed=self.seed)}

    def section(self, metrics: dict[str, Any]) -> list[str]:
        against = metrics["accuracy_against"]
        lines = profile_table("energy [GeV]", bin_rows(against["energy"]))
        for key in self.detector.topology_words:
            rows = list((against[key] or {}).items())
            lines += profile_table(key.replace("_", " "), rows)
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


def energy_group(energy: np.ndarray, edges: np.ndarray) -> np.ndarray:
    """Bin of each energy, -1 for one that is unknown or outside; int64 ``[events]``.

    A lower edge belongs to its bin.

    >>> energy_group(np.array([0.5, 1.0, 300.0, np.nan]), np.array([0, 1, 2, np.inf])).tolist()
    [0, 1, 2, -1]
    """
    inside = np.isfinite(energy) & (energy >= edges[0]) & (energy < edges[-1])
    return np.where(inside, bin_of(energy, edges), -1)


def energy_profile(
    scored: Scored, edges: Sequence[float] = UNDESCRIBED.energy_edges, *, seed: int = 0
) -> dict[str, Any] | None:
    """Accuracy and the efficiency and purity of every class in bins of true energy.

    Args:
      scored: scores and truth.
      edges: of the bins, GeV, increasing; the last may be infinite.
      seed: of the bootstrap draws.

    Returns:
      ``edges`` (an infinite one becomes ``null``), ``unit``, ``events``, ``accuracy``, ``error``
      per bin; ``per_class`` {name: ``events``, ``efficiency``, ``error``, ``purity``}. Purity is
      among the events of that true energy. ``None`` without a known energy.
    """
    bounds = np.asarray(edges, float)
    table = group_counts(scored, energy_group(scored.columns["energy"], bounds), len(bounds) - 1)
    if not table.sum():
        return None
    draws = resampled_counts(table, seed=seed)
    errors, pure = spread(efficiency(draws)), purity(table)
    return {
        "edges": bounds.tolist(),
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


def profile_summary(
    scored: Scored, detector: Detector = UNDESCRIBED, *, seed: int = 0
) -> dict[str, Any]:
    """What ``metrics.json`` holds under ``accuracy_against``.

    Returns:
      ``energy`` (:func:`energy_profile`); by the words of the detector (``mode``, ...) and by the
      whole ``topology`` (:func:`named_profile`).
    """
    topology = scored.columns["topology"]
    return {
        "energy": energy_profile(scored, detector.energy_edges, seed=seed),
        **{
            name: named_profile(scored, [words.of(text) for text in topology], seed=seed)
            for name, words in detector.topology_words.items()
        },
        "topology": named_profile(scored, topology, seed=seed),
    }
