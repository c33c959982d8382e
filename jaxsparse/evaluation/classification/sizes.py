"""What an event's size alone says of its class: nine numbers a view.

They know how much there is and how far it reaches, not what it looks like. A network that is no
better than a forest on these (:mod:`jaxsparse.evaluation.classification.forest`) has learned size.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from jaxsparse.data.schema import View

NAMES = (
    "pixels", "sum", "mean", "standard deviation", "largest",
    "extent of axis 0", "extent of axis 1", "spread of axis 0", "spread of axis 1",
)  # fmt: skip


def size_features(views: Sequence[View]) -> np.ndarray:
    """The size summary of one event.

    Args:
      views: two-dimensional images, always in the same order.

    Returns:
      float64 ``[9 * views]``, for each view: number of pixels; sum, mean, standard deviation and
      largest of the values; along each axis the pixels from the first to the last one, and the
      standard deviation of the coordinate with the values as weights. All 0 without a pixel.

    >>> view = View(np.array([[0, 0], [0, 2]], np.int32), np.array([1.0, 3.0], np.float32), (4, 4))
    >>> size_features([view]).round(3).tolist()
    [2.0, 4.0, 2.0, 1.0, 3.0, 1.0, 3.0, 0.0, 0.866]
    """
    return np.concatenate([_of_view(view) for view in views])


def _of_view(view: View) -> np.ndarray:
    if not len(view):
        return np.zeros(len(NAMES))
    values, coords = view.values.astype(np.float64), view.coords.astype(np.float64)
    total = values.sum()
    weights = values / total if total > 0 else np.full(len(values), 1 / len(values))
    offset = coords - weights @ coords
    summary = [len(view), total, values.mean(), values.std(), values.max()]
    return np.array([*summary, *(np.ptp(coords, axis=0) + 1), *np.sqrt(weights @ offset**2)])
