"""Rows of the particle table for files that say little of their particles."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from jaxsparse.data.schema import NO_CLASS, PARTICLE_DTYPE, View


def unknown_particles(count: int) -> np.ndarray:
    """``PARTICLE_DTYPE`` rows that say nothing: primaries of no kind, all numbers NaN."""
    particles = np.zeros(count, PARTICLE_DTYPE)
    for field in ("kinetic_energy", "time", "start", "end", "direction"):
        particles[field] = np.nan
    particles["parent"] = -1
    particles["label"] = NO_CLASS
    particles["instance"] = np.arange(count)
    particles["interaction"] = True
    return particles


def vote(views: Iterable[View], count: int, num_classes: int) -> np.ndarray:
    """int8 ``[count]``: class of most pixels of every particle, ``NO_CLASS`` without any.

    Args:
      views: of one event; those without labels or instances do not count.
      count: rows of its particle table.
      num_classes: of the labels.
    """
    votes = np.zeros((count, max(num_classes, 1)), np.int64)
    for view in views:
        if view.labels is not None and view.instance is not None:
            known = (view.instance >= 0) & (view.labels >= 0)
            np.add.at(votes, (view.instance[known], view.labels[known]), 1)
    return np.where(votes.any(axis=1), votes.argmax(axis=1), NO_CLASS).astype(np.int8)
