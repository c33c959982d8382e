"""What an event's size alone says of its class: nine numbers a view.

They know how much there is and how far it reaches, not what it looks like. A network that is no
better than a forest on these (:mod:`jaxsparse.evaluation.studies.forest`) has learned size.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from jaxsparse.data.pixels import Pixels

NAMES = (
    "pixels", "sum", "mean", "standard deviation", "largest",
    "extent of axis 0", "extent of axis 1", "spread of axis 0", "spread of axis 1",
)  # fmt: skip


def size_features(views: Sequence[Pixels]) -> np.ndarray:
    """The size summaries of many events.

    Args:
      views: two-dimensional images of the same events, one list of images a view.

    Returns:
      float64 ``[events, 9 * views]``, for each view: number of pixels; sum, mean, standard
      deviation and largest of the values; along each axis the pixels from the first to the last
      one; along each axis the standard deviation of the coordinate with the values as weights.
      All 0 without a pixel.

    >>> coords, values = np.array([[0, 0], [0, 2]]), np.array([1.0, 3.0])
    >>> size_features([Pixels(coords, values, np.array([2, 0]), (4, 4))])[0].round(3).tolist()
    [2.0, 4.0, 2.0, 1.0, 3.0, 1.0, 3.0, 0.0, 0.866]
    """
    return np.concatenate([_of_view(view) for view in views], axis=1)


def _of_view(view: Pixels) -> np.ndarray:
    features = np.zeros((len(view.lengths), len(NAMES)))
    some = view.lengths > 0
    if not some.any():
        return features
    number = view.lengths[some]
    first = np.cumsum(number) - number
    values, coords = view.values.astype(np.float64), view.coords.astype(np.float64)

    def mean(quantity: np.ndarray, weight: np.ndarray) -> np.ndarray:
        total = np.add.reduceat(quantity * weight, first)
        return total / np.add.reduceat(weight, first)

    def spread(quantity: np.ndarray, weight: np.ndarray) -> np.ndarray:
        offset = quantity - np.repeat(mean(quantity, weight), number)
        return np.sqrt(mean(offset**2, weight))

    even = np.ones(len(values))
    extents = np.maximum.reduceat(coords, first) - np.minimum.reduceat(coords, first) + 1
    columns = [
        number, np.add.reduceat(values, first), mean(values, even), spread(values, even),
        np.maximum.reduceat(values, first), *extents.T,
        *(spread(coords[:, axis], values) for axis in range(2)),
    ]  # fmt: skip
    features[some] = np.stack(columns, axis=1)
    return features
