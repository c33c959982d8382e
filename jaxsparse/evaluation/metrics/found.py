"""Instances found, by class: how many Michel electrons there are, and how well each is seen.

After the way in which L. Domine and K. Terao count Michel electrons (arXiv 1903.05663, section V):
each true instance goes with that predicted instance of its class that shares most pixels with it. A
true instance that has one is found; a predicted instance that shares a pixel with a true one of its
class, of any size, is right. Of the pairs, the shared pixels are given over the true and over the
predicted ones.
One shared pixel suffices to be found; how many are found with IoU > 0.5, panoptic quality says.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from jaxsparse.evaluation.metrics.bootstrap import Counts
from jaxsparse.evaluation.metrics.clusters import energies, sums_by_bin, sums_of
from jaxsparse.evaluation.metrics.efficiency import ENERGY_EDGES
from jaxsparse.evaluation.metrics.metric import Metric
from jaxsparse.evaluation.overlaps import Overlaps
from jaxsparse.evaluation.scored import Scored
from jaxsparse.evaluation.scores import mean_of
from jaxsparse.evaluation.text import with_error
from jaxsparse.viz.used_classes import used_classes

FIGURES = ("efficiency", "purity", "pixel_efficiency", "pixel_purity")


class Found(Metric):
    """Efficiency and purity of finding instances of each class, and of the pixels of those found.

    Args:
      classes: class names.
      least: pixels of the smallest instance that counts, true and predicted ones alike.
      counts: makes the tables.
    """

    title = "Particles that share a pixel with a predicted one of their class"
    keys = ("grouping", "errors")

    def __init__(self, classes: Sequence[str], least: int, counts: Callable[[], Counts]):
        self.classes, self.least = tuple(classes), least
        self.tables = {name: counts() for name in FIGURES}
        self.by_energy = counts()

    def update(self, scored: Scored) -> None:
        overlaps, classes = scored.overlaps, len(self.classes)
        true, guessed = overlaps.true, overlaps.predicted
        asked, large = true.size >= self.least, guessed.size >= self.least
        own, other, shared = best_of_class(overlaps, asked, large)
        found = np.isin(np.arange(len(true)), own)
        touching = overlaps.pairs[same_class(overlaps)][:, 1]
        right = np.isin(np.arange(len(guessed)), touching)
        energy = energies(true, scored.particles)
        every, of_matches = np.ones(len(own), bool), true.label[own]
        tables = {
            "efficiency": sums_of(found, asked, classes, true.label),
            "purity": sums_of(right, large, classes, guessed.label),
            "pixel_efficiency": sums_of(shared / true.size[own], every, classes, of_matches),
            "pixel_purity": sums_of(shared / guessed.size[other], every, classes, of_matches),
        }
        for name, table in tables.items():
            self.tables[name].add(table, scored.group)
        known = asked & np.isfinite(energy)
        self.by_energy.add(
            sums_by_bin(found, known, classes, true.label, energy, ENERGY_EDGES), scored.group
        )

    def result(self) -> dict[str, Any]:
        """By class ``efficiency`` (part of the true instances found), ``purity`` (part of the
        predicted ones that are right), ``pixel_efficiency`` and ``pixel_purity`` (means over those
        found), how many are ``true`` and ``predicted``, and the efficiency in bins of energy.
        """
        totals = {name: np.asarray(table.total) for name, table in self.tables.items()}
        spread = {name: table.error(mean_of) for name, table in self.tables.items()}
        by_energy = np.asarray(self.by_energy.total)
        part, error = mean_of(by_energy), self.by_energy.error(mean_of)
        summary: dict[str, Any] = {"energy_edges": ENERGY_EDGES.tolist()}
        errors: dict[str, Any] = {}
        for c, name in enumerate(self.classes):
            summary[name] = {
                "true": int(totals["efficiency"][c, 1]),
                "predicted": int(totals["purity"][c, 1]),
                **{key: mean_of(totals[key][c]) for key in FIGURES},
                "true_by_energy": by_energy[c, :, 1].astype(int).tolist(),
                "efficiency_by_energy": part[c].tolist(),
                "error_by_energy": error[c].tolist(),
            }
            errors |= {f"grouping.found.{name}.{key}": spread[key][c] for key in FIGURES}
        return {"grouping": {"found": summary}, "errors": errors}

    def section(self, metrics: dict[str, Any]) -> list[str]:
        found = metrics["grouping"]["found"]
        if not any(found[name]["true"] for name in self.classes):
            return []
        lines = [
            "| class | found | purity | their pixels found | purity of their pixels |",
            "| --- | --- | --- | --- | --- |",
        ]
        for name in used_classes(metrics, self.classes):
            entry = found[name]
            cells = [
                with_error(entry[key], metrics["errors"][f"grouping.found.{name}.{key}"])
                for key in FIGURES
            ]
            lines.append(f"| {name} | {' | '.join(cells)} |")
        return lines


def same_class(overlaps: Overlaps) -> np.ndarray:
    """bool ``[pairs]``, whether the true and the predicted instance are of one class."""
    own, other = overlaps.pairs.T
    return np.asarray(overlaps.true.label[own] == overlaps.predicted.label[other])


def best_of_class(
    overlaps: Overlaps, asked: np.ndarray, large: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Pairs of instances of one class, of each true instance the one that shares most pixels.

    Args:
      overlaps: of an event.
      asked: bool ``[true]``, which true instances count.
      large: bool ``[predicted]``, which predicted ones.

    Returns:
      Of the pairs int64 rows of ``true`` and of ``predicted``, and the pixels that they share.
    """
    own, other = overlaps.pairs.T
    fit = asked[own] & large[other] & same_class(overlaps)
    own, other, shared = own[fit], other[fit], overlaps.shared[fit]
    order = np.lexsort((other, -shared, own))
    first = order[np.unique(own[order], return_index=True)[1]]
    return own[first], other[first], shared[first]
