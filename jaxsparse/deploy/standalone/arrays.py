"""The names by which files and servers hand events and scores over as arrays."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from jaxsparse.deploy.standalone.model import Image, Scores
from jaxsparse.inference.grouping import particle_columns


def named(views: Sequence[str]) -> dict[str, tuple[str, str]]:
    """By view, what its coordinates and values are called.

    >>> named(["Y"]), named(["XZ", "YZ"])["YZ"]
    ({'Y': ('coords', 'values')}, ('coords_YZ', 'values_YZ'))
    """
    return {view: (f"coords{end}", f"values{end}") for view, end in _endings(views).items()}


def event_of(arrays: Mapping[str, Any], views: Sequence[str]) -> dict[str, Image]:
    """An event by view, of arrays by these names.

    Raises:
      KeyError: an array is missing.
    """
    return {
        view: (arrays[coords], arrays[values]) for view, (coords, values) in named(views).items()
    }


def arrays_of(scores: Scores, views: Sequence[str]) -> dict[str, np.ndarray]:
    """Scores as ``pixel_scores``, of several views ``pixel_scores_VIEW``, and ``event_scores``.

    Likewise ``instances`` and ``vertex_scores``, where the network has heads for them, and the
    particles as ``particles/instance``, ``particles/class`` and ``particles/parent``.

    >>> list(arrays_of(Scores({"Y": np.zeros((2, 5))}, np.zeros(3), {}, {}), ["Y"]))
    ['pixel_scores', 'event_scores']
    """
    ends = _endings(views)
    arrays = {
        f"{name}{ends[view]}": rows
        for name, said in zip(
            ("pixel_scores", "instances", "vertex_scores"),
            (scores.pixels, scores.instances, scores.vertices),
            strict=True,
        )
        for view, rows in said.items()
    }
    if scores.particles is not None:
        arrays |= particle_columns(scores.particles)
    return arrays if scores.event is None else {**arrays, "event_scores": scores.event}


def classes_of(scores: Scores, views: Sequence[str]) -> dict[str, np.ndarray]:
    """The class of every pixel as ``pixel_classes``, of several views ``pixel_classes_VIEW``.

    >>> classes_of(Scores({"Y": np.array([[0.1, 0.9]])}, None, {}, {}), ["Y"])["pixel_classes"]
    array([1], dtype=int8)
    """
    ends = _endings(views)
    return {f"pixel_classes{ends[view]}": rows for view, rows in scores.pixel_classes.items()}


def _endings(views: Sequence[str]) -> dict[str, str]:
    """Where there is one view its name is left out."""
    return {view: "" if len(views) == 1 else f"_{view}" for view in views}
