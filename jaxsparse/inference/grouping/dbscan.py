"""Instances by density: DBSCAN on the pixels of each class.

Source: M. Ester, H.-P. Kriegel, J. Sander, X. Xu, "A density-based algorithm for discovering
clusters", KDD 1996. A pixel with enough pixels of its class around it is a core; cores near each
other are one instance, and other pixels near a core go with the nearest one. There they go with any
instance that comes first; here nothing depends on the order of pixels.
"""

from __future__ import annotations

import numpy as np

from jaxsparse.inference.grouping.near import Near
from jaxsparse.inference.grouping.numbers import numbered_apart
from jaxsparse.inference.grouping.seen import NOBODY, SeenEvent, SeenView

# The best mean panoptic quality on MicroBooNE's wires (docs/panoptic_wires.md).
RADIUS = 25  # pixels
LEAST = 3  # pixels around a core, itself among them


def dbscan(event: SeenEvent, radius: int = RADIUS, least: int = LEAST) -> list[np.ndarray]:
    """The density-connected pixels of each class, view by view.

    Args:
      event: of which coordinates and scores count.
      radius: pixels, how far "around" and "near" go, by the straight line.
      least: pixels around a core, itself among them.

    Returns:
      One array a view, int32 ``[pixels]``: numbers of instances; -1 for a pixel of no class and for
      one near no core.
    """
    return numbered_apart([_dbscan(view, radius, least) for view in event.views])


def _dbscan(view: SeenView, radius: int, least: int) -> np.ndarray:
    called = view.called
    rows = np.flatnonzero(called >= 0)
    coords, called = view.coords[rows], called[rows]
    near = Near(coords, called, radius, euclidean=True)
    core = near.counts() >= least
    cores = near.order[core]
    among = Near(coords[cores], called[cores], radius, euclidean=True)  # in the same order
    instance = np.full(len(rows), NOBODY)
    instance[core] = among.components()
    nearest = near.nearest(core)
    instance = np.where(core | (nearest < 0), instance, instance[nearest])
    numbers = np.full(len(view.coords), NOBODY)
    numbers[rows[near.order]] = instance
    return numbers
