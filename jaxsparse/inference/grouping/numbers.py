"""Numbers and classes of instances."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from jaxsparse.inference.grouping.seen import NOBODY, SeenEvent

UNIT = 2**24  # scores are added as integers of this fraction, so that their order does not matter


def numbered_apart(views: Sequence[np.ndarray]) -> list[np.ndarray]:
    """Numbers that differ from view to view, where nothing links the views; int32.

    >>> [view.tolist() for view in numbered_apart([np.array([0, 1, -1]), np.array([0, 0])])]
    [[0, 1, -1], [2, 2]]
    """
    numbers, first = [], 0
    for view in views:
        numbers.append(np.where(view >= 0, view + first, NOBODY).astype(np.int32))
        first += int(view.max(initial=NOBODY)) + 1
    return numbers


def instance_classes(event: SeenEvent, numbers: Sequence[np.ndarray]) -> list[np.ndarray]:
    """The class of the instance of every pixel: that of the largest sum of its pixels' scores.

    The pixels of all views that carry the number count.

    Args:
      event: with the scores.
      numbers: of every view int ``[pixels]``, -1 for none.

    Returns:
      One array a view, int32 ``[pixels]``, -1 for a pixel of no instance; the first of classes with
      equal sums.
    """
    whole = np.concatenate([np.zeros(0, np.int64), *numbers])
    scores = np.concatenate([view.scores for view in event.views])
    member, classes = whole >= 0, scores.shape[1]
    units = np.rint(scores[member].astype(np.float64) * UNIT)
    cell = whole[member, None] * classes + np.arange(classes)
    sums = np.bincount(cell.ravel(), units.ravel(), (whole.max(initial=NOBODY) + 1) * classes)
    label = np.append(sums.reshape(-1, classes).argmax(1), NOBODY)
    return [label[view].astype(np.int32) for view in numbers]
