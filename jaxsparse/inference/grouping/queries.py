"""Instances as a head ``instance`` tells them: the query that a pixel is most of."""

from __future__ import annotations

import numpy as np

from jaxsparse.errors import InputError
from jaxsparse.inference.grouping.seen import NOBODY, SeenEvent


def queries(event: SeenEvent) -> list[np.ndarray]:
    """The query of the highest score of every pixel, the first of equals; one number in all views.

    Raises:
      InputError: the network has no head ``instance``.
    """
    if event.queries is None:
        raise InputError(
            "grouping is 'queries', but the network has no head instance: choose another grouping"
        )
    return [
        scores.argmax(1).astype(np.int32) if scores.size else np.full(len(scores), NOBODY, np.int32)
        for scores in event.queries.pixels
    ]
