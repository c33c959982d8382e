"""Instances as what hangs together: pixels of one class near each other, link by link."""

from __future__ import annotations

import functools

import numpy as np

from jaxsparse.inference.grouping.near import Near
from jaxsparse.inference.grouping.numbers import numbered_apart
from jaxsparse.inference.grouping.seen import NOBODY, SeenEvent, SeenView

# Gaps of dead wires and of wires without a hit are seldom wider.
DISTANCE = 14


def linked(event: SeenEvent, distance: int = DISTANCE) -> list[np.ndarray]:
    """The connected components of the pixels of each class, view by view.

    Args:
      event: of which coordinates and scores count.
      distance: pixels, the largest difference of a coordinate of two linked pixels (Chebyshev).

    Returns:
      One array a view, int32 ``[pixels]``: numbers of instances; -1 for a pixel of no class.

    >>> coords, scores = np.array([[0, 0], [0, 14], [0, 29]]), np.ones((3, 1))
    >>> linked(SeenEvent((SeenView(coords, scores),)))[0].tolist()
    [0, 0, 1]
    """
    return numbered_apart([_linked(view, distance) for view in event.views])


def _linked(view: SeenView, distance: int) -> np.ndarray:
    called = view.called
    rows = np.flatnonzero(called >= 0)
    near = Near(view.coords[rows], called[rows], distance)
    numbers = np.full(len(called), NOBODY)
    numbers[rows[near.order]] = near.components()
    return numbers


neighbours = functools.partial(linked, distance=1)
