"""Efficiency by class against what makes a pixel hard: energy, angles, overlap.

Energy and direction are those of the particle whose cluster named the pixel, at its creation. The
angle to the drift is 90 degrees for a track along the wire plane and 0 for one that runs at the
wires, whose charge arrives in few columns over many rows; at an angle to the wires of 0 a track
lies along one wire. Both count neither way of flight, so they end at 90 degrees.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from jaxsparse.data.schema import View
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
DRIFT = np.array([1.0, 0.0, 0.0])


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


def profile_counts(
    view: View,
    predicted: np.ndarray,
    particles: np.ndarray,
    num_classes: int,
    wires: np.ndarray | None = None,
) -> dict[str, np.ndarray]:
    """Right and all pixels by class and bin, for each of the ``PROFILES``.

    Args:
      view: pixels with truth.
      predicted: integer ``[pixels]``.
      particles: the event's table (``PARTICLE_DTYPE``).
      num_classes: number of classes.
      wires: unit vector along the wires; ``None`` for views without (no such profile is filled).

    Returns:
      ``profile_NAME`` int64 ``[classes, bins, 2]``: all pixels, right pixels.
    """
    assert view.labels is not None
    known = view.labels >= 0
    if view.instance is None or len(particles) == 0:
        owner = np.full(len(view), -1)
    else:
        owner = view.instance
    owned = known & (owner >= 0) & (owner < len(particles))
    particle = particles[owner[owned]]
    quantities = {
        "energy": (owned, particle["kinetic_energy"]),
        "angle_to_drift": (owned, angle_between(particle["direction"], DRIFT)),
    }
    if wires is not None:
        quantities["angle_to_wires"] = (owned, angle_between(particle["direction"], wires))
    if view.overlap is not None:
        quantities["overlap"] = (
            known & (view.overlap > 0),
            view.overlap[known & (view.overlap > 0)],
        )
    tables = {}
    for name, edges in PROFILES.items():
        bins = len(edges) - 1
        table = np.zeros((num_classes, bins, 2), np.int64)
        if name in quantities:
            chosen, values = quantities[name]
            column = np.clip(np.searchsorted(edges, values, side="right") - 1, 0, bins - 1)
            cell = view.labels[chosen].astype(np.int64) * bins + column
            right = predicted[chosen] == view.labels[chosen]
            table[..., 0] = np.bincount(cell, minlength=num_classes * bins).reshape(-1, bins)
            table[..., 1] = np.bincount(cell[right], minlength=num_classes * bins).reshape(-1, bins)
        tables[f"profile_{name}"] = table
    return tables


def profile_efficiencies(tables: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """``profile_NAME`` -> efficiency ``[classes, bins]``, NaN in bins without a pixel."""
    names = [f"profile_{name}" for name in PROFILES]
    return {name: ratio(tables[name][..., 1], tables[name][..., 0]) for name in names}


def profile_summary(
    tables: dict[str, np.ndarray], errors: dict[str, np.ndarray], classes: Sequence[str]
) -> dict[str, Any]:
    """What ``metrics.json`` holds under ``efficiency_against``.

    Returns:
      By quantity: ``edges`` (the last may be ``null``: no upper edge), ``unit``, and by class
      name ``efficiency``, its ``error`` and ``pixels`` per bin.
    """
    summary: dict[str, Any] = {}
    efficiencies = profile_efficiencies(tables)
    for name, edges in PROFILES.items():
        table = tables[f"profile_{name}"]
        summary[name] = {"edges": edges.tolist(), "unit": UNITS[name]}
        for c, class_name in enumerate(classes):
            summary[name][class_name] = {
                "efficiency": efficiencies[f"profile_{name}"][c].tolist(),
                "error": errors[f"profile_{name}"][c].tolist(),
                "pixels": table[c, :, 0].astype(int).tolist(),
            }
    return summary
