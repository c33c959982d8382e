"""Efficiency by instance: how many delta rays and Michel electrons are found, whatever their size.

Pixel scores follow the large clusters. Here every cluster counts once: it is found if more than
half of its pixels in the image are called its class.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from jaxsparse.evaluation.metrics.bootstrap import Counts
from jaxsparse.evaluation.metrics.efficiency import ENERGY_EDGES, bin_of, owners
from jaxsparse.evaluation.metrics.metric import Metric
from jaxsparse.evaluation.scored import Scored
from jaxsparse.evaluation.scores import ratio
from jaxsparse.evaluation.text import with_error
from jaxsparse.viz.used_classes import used_classes

SIZES = (1, 5)  # clusters of at least so many pixels; one-pixel deltas are a coin toss


class Instances(Metric):
    """Clusters found, by class, size and energy.

    Args:
      classes: class names.
      counts: how errors are taken.
    """

    title = "Particles whose pixels are named right"
    keys = ("instances", "errors")

    def __init__(self, classes: Sequence[str], counts: Counts):
        self.classes, self.counts = tuple(classes), counts

    def update(self, scored: Scored) -> None:
        self.counts.add(instance_counts(scored), scored.group)

    def result(self) -> dict[str, Any]:
        """``energy_edges`` (MeV) and by class name ``number``, ``found`` (fraction),
        ``number_5_pixels``, ``found_5_pixels`` (clusters of at least 5 pixels), and
        ``number_by_energy``, ``found_by_energy`` and its ``error_by_energy`` per bin.
        """
        table = np.asarray(self.counts.total)
        by_energy, error = _found_by_energy(table), self.counts.error(_found_by_energy)
        overall = self.counts.error(_found)
        summary: dict[str, Any] = {"energy_edges": ENERGY_EDGES.tolist()}
        for c, name in enumerate(self.classes):
            entry: dict[str, Any] = {}
            for row, least in enumerate(SIZES):
                suffix = "" if least == 1 else f"_{least}_pixels"
                number, found = table[row, c].sum(0)
                entry[f"number{suffix}"] = int(number)
                entry[f"found{suffix}"] = float(ratio(found, number))
            entry["number_by_energy"] = table[0, c, :-1, 0].tolist()
            entry["found_by_energy"] = by_energy[c].tolist()
            entry["error_by_energy"] = error[c].tolist()
            summary[name] = entry
        errors = {f"instances.{name}.found": overall[c] for c, name in enumerate(self.classes)}
        return {"instances": summary, "errors": errors}

    def section(self, metrics: dict[str, Any]) -> list[str]:
        used = used_classes(metrics, self.classes)
        rows = {name: metrics["instances"][name] for name in used}
        if not any(entry["number"] for entry in rows.values()):
            return []
        lines = [
            "| class | particles, all views | more than half of their pixels right |",
            "| --- | --- | --- |",
        ]
        for name, entry in rows.items():
            error = metrics["errors"][f"instances.{name}.found"]
            lines.append(f"| {name} | {entry['number']} | {with_error(entry['found'], error)} |")
        return lines


def instance_counts(scored: Scored) -> np.ndarray:
    """All and found clusters of one event by class and energy.

    A cluster is the pixels of one class that one particle named (column ``instance``); its energy
    is the kinetic energy of that particle at creation.

    Returns:
      int64 ``[len(SIZES), classes, energy bins + 1, 2]``: all clusters, found clusters; the last
      bin has those whose energy is not known.
    """
    classes, bins = len(scored.classes), len(ENERGY_EDGES)
    table = np.zeros((len(SIZES), classes, bins, 2), np.int64)
    owner = owners(scored)
    owned = owner >= 0
    key = owner[owned].astype(np.int64) * classes + scored.truth[owned]
    clusters, member, size = np.unique(key, return_inverse=True, return_counts=True)
    right = np.bincount(member, scored.right[owned], len(clusters))
    found = 2 * right > size
    named, label = np.divmod(clusters, classes)
    energy = scored.particles["kinetic_energy"][named]
    column = np.where(np.isnan(energy), bins - 1, bin_of(energy, ENERGY_EDGES))
    for row, least in enumerate(SIZES):
        large = size >= least
        np.add.at(table[row, ..., 0], (label[large], column[large]), 1)
        np.add.at(table[row, ..., 1], (label[large & found], column[large & found]), 1)
    return table


def _found_by_energy(table: np.ndarray) -> np.ndarray:
    """Part of the clusters of any size that is found, ``[..., classes, energy bins]``."""
    return ratio(table[..., 0, :, :-1, 1], table[..., 0, :, :-1, 0])


def _found(table: np.ndarray) -> np.ndarray:
    """The same over all energies, ``[..., classes]``."""
    return ratio(table[..., 0, :, :, 1].sum(-1), table[..., 0, :, :, 0].sum(-1))
