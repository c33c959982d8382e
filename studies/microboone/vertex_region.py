"""Which pixels belong to an interaction, as far as a simple rule can tell, and their classes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import numpy as np
from scipy import ndimage

from jaxsparse.data.schema import Event, View
from jaxsparse.deploy.model import Model
from jaxsparse.detectors.microboone import CLASS_NAMES
from studies.microboone.class_counts import BATCH, with_classes

RADIUS = 100  # pixels from the vertex, 30 cm: twice a radiation length, and most protons stop
SEED = 3  # pixels from the vertex at which something must begin
GAP = 5  # pixels between two that are still connected: most groups of dead wires are larger


def vertex_region(view: View, seen: np.ndarray) -> np.ndarray:
    """bool ``[pixels]``: connected with the interaction vertex, in a square about it.

    Connected are pixels that lead to one within ``SEED`` pixels of the vertex by steps of at most
    ``GAP`` pixels along both axes, without leaving the square of ``RADIUS`` pixels to either side.
    The vertex is the true one. A cosmic muon that crosses the interaction is part of the region.

    Args:
      view: a wire plane with truth.
      seen: bool ``[pixels]``, those that count at all.

    >>> coords = np.array([[50, 50], [50, 54], [50, 61]], np.int32)
    >>> view = View(coords, np.full(3, 40.0, np.float32), (99, 99),
    ...     vertex_distance=np.array([0, 4, 11], np.float32))
    >>> vertex_region(view, np.ones(3, bool)).tolist()
    [True, True, False]
    """
    assert view.vertex_distance is not None, "simulated events have truth"
    near = np.flatnonzero(seen & (view.vertex_distance <= RADIUS))
    region = np.zeros(len(view), bool)
    if not len(near):
        return region
    coords = view.coords[near] - view.coords[near].min(0) + GAP
    image = np.zeros(coords.max(0) + GAP + 1, bool)
    image[tuple(coords.T)] = True
    # Squares of GAP pixels about two pixels touch, corners included, where these are GAP apart.
    grown = ndimage.binary_dilation(image, np.ones((GAP, GAP), bool))
    parts, _ = ndimage.label(grown, np.ones((3, 3), int))
    part = parts[tuple(coords.T)]
    region[near] = np.isin(part, part[view.vertex_distance[near] <= SEED])
    return region


def class_counts(model: Model, events: Iterable[Event]) -> tuple[np.ndarray, np.ndarray]:
    """Pixels of every class in the regions of events: predicted, and true ones.

    Args:
      model: a trained network; the regions of its views are added up.
      events: with truth.

    Returns:
      Two int64 ``[events, classes]``.
    """
    predicted, true = zip(*_counts(model, events), strict=True)
    return np.array(predicted), np.array(true)


def _counts(model: Model, events: Iterable[Event]) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    for event, classes in with_classes(model, events, BATCH):
        both = np.zeros((2, len(CLASS_NAMES)), np.int64)
        for name, called in classes.items():
            view = event.views[name]
            assert view.labels is not None, "simulated events have truth"
            region = vertex_region(view, called >= 0)
            for row, labels in zip(both, (called, view.labels), strict=True):
                own = labels[region]
                row += np.bincount(own[own >= 0], minlength=len(CLASS_NAMES))
        yield both[0], both[1]
