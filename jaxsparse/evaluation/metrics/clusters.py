"""Efficiency and purity of the instances of a grouping, averaged by instance.

As in SPINE and its like (arXiv 2007.03083, section V): a true instance's efficiency is the part of
its pixels in the predicted instance that has most of them, a predicted instance's purity the part
of its pixels of the true instance that has most of them. Every instance counts once, however large.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from jaxsparse.evaluation.metrics.bootstrap import Counts
from jaxsparse.evaluation.metrics.efficiency import ENERGY_EDGES, bin_of
from jaxsparse.evaluation.metrics.metric import Metric
from jaxsparse.evaluation.overlaps import Overlaps, Segments
from jaxsparse.evaluation.scored import Scored
from jaxsparse.evaluation.scores import mean_of
from jaxsparse.evaluation.text import with_error
from jaxsparse.viz.used_classes import used_classes

# Part of an instance's pixels to which other particles contributed too.
CROWDED_EDGES = np.array([0.0, 0.05, 0.1, 0.2, 0.4, 0.7, 1.0])
BINS = {"by_energy": ENERGY_EDGES, "by_overlap": CROWDED_EDGES}


class Clusters(Metric):
    """Efficiency and purity, also by class, by energy and by overlap.

    Args:
      classes: class names.
      least: pixels of the smallest instance that counts, true and predicted ones alike.
      counts: makes the tables.
    """

    title = "Particles: efficiency and purity of their pixels"
    keys = ("grouping", "errors")
    headline = (
        ("efficiency of instances", "grouping.clusters.efficiency"),
        ("purity of instances", "grouping.clusters.purity"),
    )

    def __init__(self, classes: Sequence[str], least: int, counts: Callable[[], Counts]):
        self.classes, self.least = tuple(classes), least
        self.efficiency, self.purity = counts(), counts()
        self.profiles = {name: counts() for name in BINS}

    def update(self, scored: Scored) -> None:
        overlaps, number = scored.overlaps, len(self.classes)
        true, part = overlaps.true, efficiencies(overlaps)
        large = true.size >= self.least
        self.efficiency.add(sums_of(part, large, number, true.label), scored.group)
        for name, quantity in quantities(scored).items():
            known = large & np.isfinite(quantity)
            table = sums_by_bin(part, known, number, true.label, quantity, BINS[name])
            self.profiles[name].add(table, scored.group)
        guessed, pure = overlaps.predicted, purities(overlaps)
        self.purity.add(
            sums_of(pure, guessed.size >= self.least, number, guessed.label), scored.group
        )

    def result(self) -> dict[str, Any]:
        """``least_pixels``, ``efficiency`` and ``purity``; ``per_class`` both with the ``number``
        of true instances and ``predicted``; ``by_energy`` (MeV) and ``by_overlap`` (part of the
        pixels that several particles share) the efficiency of each class with ``error`` in bins.
        """
        errors: dict[str, Any] = {}
        summary: dict[str, Any] = {"least_pixels": self.least}
        per_class: dict[str, dict[str, Any]] = {name: {} for name in self.classes}
        for key, counted, counts in (
            ("efficiency", "number", self.efficiency), ("purity", "predicted", self.purity),
        ):  # fmt: skip
            table = np.asarray(counts.total)
            summary[key] = mean_of(table.sum(0))
            errors[f"grouping.clusters.{key}"] = counts.error(lambda table: mean_of(table.sum(-2)))
            means, spread = mean_of(table), counts.error(mean_of)
            for c, name in enumerate(self.classes):
                per_class[name] |= {counted: int(table[c, 1]), key: means[c]}
                errors[f"grouping.clusters.per_class.{name}.{key}"] = spread[c]
        summary |= {
            "per_class": per_class,
            **{name: self._profile(name) for name in BINS},
        }
        return {"grouping": {"clusters": summary}, "errors": errors}

    def _profile(self, name: str) -> dict[str, Any]:
        counts = self.profiles[name]
        table = np.asarray(counts.total)
        return profile(
            self.classes, BINS[name], efficiency=mean_of(table), error=counts.error(mean_of),
            number=table[..., 1].astype(int),
        )  # fmt: skip

    def section(self, metrics: dict[str, Any]) -> list[str]:
        clusters, errors = metrics["grouping"]["clusters"], metrics["errors"]
        least = clusters["least_pixels"]
        if not any(entry["number"] for entry in clusters["per_class"].values()):
            return [
                f"No view has {least} pixels of which the file says that they are of one particle: "
                "there is no figure of instances."
            ]
        lines = [
            "| class | instances | efficiency | predicted | purity |",
            "| --- | --- | --- | --- | --- |",
        ]
        for name in used_classes(metrics, self.classes):
            entry = clusters["per_class"][name]
            key = f"grouping.clusters.per_class.{name}"
            lines.append(
                f"| {name} | {entry['number']} "
                f"| {with_error(entry['efficiency'], errors[f'{key}.efficiency'])} "
                f"| {entry['predicted']} | {with_error(entry['purity'], errors[f'{key}.purity'])} |"
            )
        return [*lines, "", f"Instances of at least {least} pixels of a view, each counted once."]


def efficiencies(overlaps: Overlaps) -> np.ndarray:
    """Of every true instance the largest part of its pixels in one predicted instance."""
    return overlaps.best_of_true()[1] / overlaps.true.size


def purities(overlaps: Overlaps) -> np.ndarray:
    """Of every predicted instance the largest part of its pixels of one true instance."""
    return overlaps.best_of_predicted()[1] / overlaps.predicted.size


def quantities(scored: Scored) -> dict[str, np.ndarray]:
    """What the bins of :data:`BINS` are of, float ``[true]``; NaN unknown."""
    overlaps = scored.overlaps
    return {
        "by_energy": energies(overlaps.true, scored.particles),
        "by_overlap": overlaps.crowded / np.maximum(overlaps.true.size, 1),
    }


def profile(classes: Sequence[str], edges: np.ndarray, **columns: np.ndarray) -> dict[str, Any]:
    """Columns ``[classes, bins]`` as lists by class, and the edges of the bins."""
    by_class = {
        name: {key: column[c].tolist() for key, column in columns.items()}
        for c, name in enumerate(classes)
    }
    return {"edges": edges.tolist(), **by_class}


def energies(true: Segments, particles: np.ndarray) -> np.ndarray:
    """Kinetic energy of the particles at creation, MeV; NaN where the table lacks them."""
    rows = np.where(true.number < len(particles), true.number, len(particles))
    return np.append(particles["kinetic_energy"], np.nan)[rows]


def sums_of(values: np.ndarray, rows: np.ndarray, classes: int, label: np.ndarray) -> np.ndarray:
    """Sum and number of some instances' values by class, ``[classes, 2]``."""
    whole = np.array([-np.inf, np.inf])
    return sums_by_bin(values, rows, classes, label, np.zeros(len(values)), whole)[:, 0]


def sums_by_bin(
    values: np.ndarray, rows: np.ndarray, classes: int, label: np.ndarray, quantity: np.ndarray,
    edges: np.ndarray,
) -> np.ndarray:  # fmt: skip
    """Sum and number of some instances' values by class and bin, ``[classes, bins, 2]``.

    Args:
      values: float ``[instances]``.
      rows: bool ``[instances]``, which of them.
      classes: how many there are.
      label: integer ``[instances]``, their classes.
      quantity: float ``[instances]``, what the bins are of.
      edges: of the bins.
    """
    bins = len(edges) - 1
    cell = label[rows] * bins + bin_of(quantity[rows], edges)
    sums = [np.bincount(cell, weights, classes * bins) for weights in (values[rows], None)]
    return np.stack(sums, axis=1).reshape(classes, bins, 2)
