"""Efficiency by class against what makes a pixel hard: energy, angles, overlap.

Energy and direction are those of the particle whose cluster named the pixel, at its creation. The
angle to the drift is 90 degrees for a track along the wire plane and 0 for one that runs at the
wires, whose charge arrives in few columns over many rows; at an angle to the wires of 0 a track
lies along one wire. Both count neither way of flight, so they end at 90 degrees.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from jaxsparse.detectors import Detector
from jaxsparse.evaluation.metrics.bootstrap import Counts
from jaxsparse.evaluation.metrics.metric import Metric
from jaxsparse.evaluation.scored import Scored
from jaxsparse.evaluation.scores import ratio

ENERGY_EDGES = np.array([0.0, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, np.inf])  # MeV
ANGLE_EDGES = np.arange(0.0, 91, 10)  # degrees
OVERLAP_EDGES = np.array([1.0, 2, 3, 4, np.inf])  # 1, 2, 3, 4 or more particles
PROFILES = {
    "energy": ENERGY_EDGES,
    "angle_to_drift": ANGLE_EDGES,
    "angle_to_wires": ANGLE_EDGES,
    "overlap": OVERLAP_EDGES,
}
UNITS = {"energy": "MeV", "angle_to_drift": "degrees", "angle_to_wires": "degrees", "overlap": ""}


class PixelEfficiency(Metric):
    """Efficiency of every class in bins of energy, angles and overlap.

    Args:
      classes: class names.
      directions: unit vectors by ``"drift"`` and ``"wires"``; the profile of one that the detector
        lacks stays empty.
      counts: makes the tables.
    """

    keys = ("efficiency_against",)

    def __init__(
        self,
        classes: Sequence[str],
        directions: Mapping[str, np.ndarray],
        counts: Callable[[], Counts],
    ):
        self.classes, self.directions = tuple(classes), directions
        self.counts = {name: counts() for name in PROFILES}

    def update(self, scored: Scored) -> None:
        for name, table in profile_counts(scored, self.directions).items():
            self.counts[name].add(table, scored.group)

    def result(self) -> dict[str, Any]:
        return {
            "efficiency_against": {
                name: self._profile(self.counts[name], edges, UNITS[name])
                for name, edges in PROFILES.items()
            }
        }

    def _profile(self, counts: Counts, edges: np.ndarray, unit: str) -> dict[str, Any]:
        """``edges`` (an infinite one becomes ``null``), ``unit``, and figures per bin by class."""
        table = np.asarray(counts.total)
        columns = {
            "efficiency": _part_right(table),
            "error": counts.error(_part_right),
            "pixels": table[..., 0],
        }
        by_class = {
            name: {key: column[c].tolist() for key, column in columns.items()}
            for c, name in enumerate(self.classes)
        }
        return {"edges": edges.tolist(), "unit": unit, **by_class}


def directions_of(detector: Detector, shapes: Mapping[str, Sequence[int]]) -> dict[str, np.ndarray]:
    """Unit vectors along ``"drift"`` and ``"wires"``, as far as the detector has them.

    Args:
      detector: of the events.
      shapes: of the views; wires that run in several directions have none.
    """
    drift = {} if detector.drift is None else {"drift": np.array(detector.drift)}
    angles = {detector.view(name, len(shape)).wire_angle for name, shape in shapes.items()}
    angle = angles.pop()
    return drift if angles or angle is None else {**drift, "wires": wire_direction(angle)}


def wire_direction(angle: float) -> np.ndarray:
    """Unit vector along the wires of a plane ``angle`` degrees from vertical (y up, z beam).

    The plane measures ``z cos(angle) + y sin(angle)``; its wires run across that.

    >>> wire_direction(60.0).round(3)
    array([ 0.   ,  0.5  , -0.866])
    """
    return np.array([0.0, np.cos(np.radians(angle)), -np.sin(np.radians(angle))])


def angle_between(directions: np.ndarray, axis: np.ndarray) -> np.ndarray:
    """Angle of unit vectors ``[n, 3]`` to an axis without a sense, 0 to 90 degrees.

    >>> angle_between(np.array([[0.0, -1, 0], [0.6, 0.8, 0]]), np.array([0.0, 1, 0])).round(2)
    array([ 0.  , 36.87])
    """
    return np.degrees(np.arccos(np.clip(np.abs(directions @ axis), 0, 1)))


def profile_counts(scored: Scored, directions: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """All and right pixels of one event by class and bin, for each of the ``PROFILES``.

    Args:
      scored: pixels of one event.
      directions: of :class:`PixelEfficiency`.

    Returns:
      int64 ``[classes, bins, 2]`` by name: all pixels, right pixels.
    """
    owner, particles = owners(scored), scored.particles
    owned = owner >= 0
    particle = particles[owner[owned]]
    quantities = {"energy": _known(owned, particle["kinetic_energy"])}
    for name, axis in directions.items():
        quantities[f"angle_to_{name}"] = _known(owned, angle_between(particle["direction"], axis))
    if (overlap := scored.columns.get("overlap")) is not None:
        several = scored.known & (overlap > 0)
        quantities["overlap"] = (several, overlap[several])
    classes, right = len(scored.classes), scored.right
    tables = {}
    for name, edges in PROFILES.items():
        bins = len(edges) - 1
        table = np.zeros((classes, bins, 2), np.int64)
        if name in quantities:
            chosen, values = quantities[name]
            cell = scored.truth[chosen].astype(np.int64) * bins + bin_of(values, edges)
            table[..., 0] = np.bincount(cell, minlength=classes * bins).reshape(-1, bins)
            cell = cell[right[chosen]]
            table[..., 1] = np.bincount(cell, minlength=classes * bins).reshape(-1, bins)
        tables[name] = table
    return tables


def _known(chosen: np.ndarray, values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Only the chosen rows, and their values, of which the value is no NaN."""
    known = ~np.isnan(values)
    rows = chosen.copy()
    rows[chosen] = known
    return rows, values[known]


def owners(scored: Scored) -> np.ndarray:
    """Row in the particle table of the cluster that named each pixel, -1 for none or no truth."""
    instance = scored.columns.get("instance")
    if instance is None:
        return np.full(len(scored), -1)
    owned = scored.known & (instance >= 0) & (instance < len(scored.particles))
    return np.where(owned, instance, -1)


def bin_of(values: np.ndarray, edges: np.ndarray) -> np.ndarray:
    """Number of the bin of each value; a lower edge belongs to its bin, ends take what is beyond.

    >>> bin_of(np.array([-1.0, 2, 9]), np.array([0.0, 2, 5])).tolist()
    [0, 1, 1]
    """
    return np.clip(np.searchsorted(edges, values, side="right") - 1, 0, len(edges) - 2)


def _part_right(table: np.ndarray) -> np.ndarray:
    return ratio(table[..., 1], table[..., 0])
