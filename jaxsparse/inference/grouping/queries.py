"""Instances as a head ``instance`` tells them: the query that a pixel is most of."""

from __future__ import annotations

import numpy as np

from jaxsparse.errors import InputError
from jaxsparse.inference.grouping.seen import NOBODY, SeenEvent


def queries(event: SeenEvent) -> list[np.ndarray]:
    """The used query of the highest score of every pixel, the first of equals.

    Used is what is more likely a particle of the event than not; where no query is, the likeliest
    one. A query has one number in all views. Where classes are scored, a pixel of no class is of no
    instance, as a ghost.

    Raises:
      InputError: the network has no head ``instance``.
    """
    if event.queries is None:
        raise InputError(
            "grouping is 'queries', but the network has no head instance: choose another grouping"
        )
    used = event.queries.used
    left = np.flatnonzero((used > 0) | (used == used.max()))
    numbers = []
    for view, scores in zip(event.views, event.queries.pixels, strict=True):
        nobody = (view.called < 0) & (view.scores.shape[1] > 0)
        best = left[scores[:, left].argmax(1)]
        numbers.append(np.where(nobody, NOBODY, best).astype(np.int32))
    return numbers
