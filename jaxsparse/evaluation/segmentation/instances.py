"""Efficiency by instance: how many delta rays and Michel electrons are found, whatever their size.

Pixel scores follow the large clusters. Here every cluster counts once: it is found if more than
half of its pixels in the image are called its class.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from jaxsparse.data.schema import View
from jaxsparse.evaluation.scores import ratio
from jaxsparse.evaluation.segmentation.efficiency import ENERGY_EDGES

SIZES = (1, 5)  # clusters of at least so many pixels; one-pixel deltas are a coin toss


def instance_counts(
    view: View, predicted: np.ndarray, particles: np.ndarray, num_classes: int
) -> np.ndarray:
    """All and found clusters by class and energy.

    A cluster is the pixels of one class that one particle named (``view.instance``); its energy
    is the kinetic energy of that particle at creation.

    Args:
      view: pixels with truth.
      predicted: integer ``[pixels]``.
      particles: the event's table (``PARTICLE_DTYPE``).
      num_classes: number of classes.

    Returns:
      int64 ``[len(SIZES), classes, energy bins, 2]``: all clusters, found clusters.
    """
    assert view.labels is not None
    bins = len(ENERGY_EDGES) - 1
    table = np.zeros((len(SIZES), num_classes, bins, 2), np.int64)
    if view.instance is None or len(particles) == 0:
        return table
    owned = (view.labels >= 0) & (view.instance >= 0) & (view.instance < len(particles))
    key = view.instance[owned].astype(np.int64) * num_classes + view.labels[owned]
    clusters, member, size = np.unique(key, return_inverse=True, return_counts=True)
    right = np.bincount(member, predicted[owned] == view.labels[owned], len(clusters))
    found = 2 * right > size
    owner, label = np.divmod(clusters, num_classes)
    energy = particles["kinetic_energy"][owner]
    column = np.clip(np.searchsorted(ENERGY_EDGES, energy, side="right") - 1, 0, bins - 1)
    for row, least in enumerate(SIZES):
        large = size >= least
        np.add.at(table[row, ..., 0], (label[large], column[large]), 1)
        np.add.at(table[row, ..., 1], (label[large & found], column[large & found]), 1)
    return table


def found_by_energy(table: np.ndarray) -> np.ndarray:
    """Part of the clusters of any size that is found, ``[classes, energy bins]``."""
    return ratio(table[0, ..., 1], table[0, ..., 0])


def instance_summary(
    table: np.ndarray, errors: np.ndarray, classes: Sequence[str]
) -> dict[str, Any]:
    """What ``metrics.json`` holds under ``instances``.

    Returns:
      ``energy_edges`` (MeV) and by class name ``number``, ``found`` (fraction),
      ``number_5_pixels``, ``found_5_pixels`` (clusters of at least 5 pixels), and
      ``number_by_energy``, ``found_by_energy`` and its ``error_by_energy`` per bin.
    """
    summary: dict[str, Any] = {"energy_edges": ENERGY_EDGES.tolist()}
    for c, name in enumerate(classes):
        entry: dict[str, Any] = {}
        for row, least in enumerate(SIZES):
            suffix = "" if least == 1 else f"_{least}_pixels"
            number, found = table[row, c].sum(0)
            entry[f"number{suffix}"] = int(number)
            entry[f"found{suffix}"] = float(ratio(found, number))
        entry["number_by_energy"] = table[0, c, :, 0].astype(int).tolist()
        entry["found_by_energy"] = found_by_energy(table)[c].tolist()
        entry["error_by_energy"] = errors[c].tolist()
        summary[name] = entry
    return summary
