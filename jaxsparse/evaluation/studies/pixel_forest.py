"""A stronger guess at pixels: a random forest on their surroundings, place and image.

It sees what the local classifier sees
(:mod:`jaxsparse.evaluation.studies.local_classifier`), where the pixel lies from the middle of the
charge, and the size of the image (:mod:`jaxsparse.evaluation.studies.sizes`). It cannot follow a
track. Needs scikit-learn, as the forest of events (:mod:`jaxsparse.evaluation.studies.forest`).
"""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np

from jaxsparse.data.pixels import Pixels
from jaxsparse.data.schema import View
from jaxsparse.evaluation.studies.forest import fitted_forest
from jaxsparse.evaluation.studies.sizes import NAMES, size_features

MOST_AXES = 3
TREES = 50
MIN_LEAF = 5  # pixels
MAX_FIT_PIXELS = 20_000  # more take longer and gain little


def place_and_size(view: View) -> np.ndarray:
    """Place of every pixel from the middle of the charge, and size of the image.

    Where no value is above zero, all pixels count the same.

    Returns:
      float64 ``[pixels, 12]``: along each of three axes the distance from the mean place, weighted
      with the values; 0 along axes that the image does not have. Then the size summaries of the
      image, the same for all its pixels; 0 of images that are not two-dimensional.

    >>> view = View(np.array([[0, 0], [0, 4]], np.int32), np.array([1.0, 3.0]), (5, 5))
    >>> place_and_size(view)[:, :4].tolist()
    [[0.0, -3.0, 0.0, 2.0], [0.0, 1.0, 0.0, 2.0]]
    """
    features = np.zeros((len(view.coords), MOST_AXES + len(NAMES)))
    if not len(features):
        return features
    weights = np.maximum(view.values, 0).astype(np.float64)
    if not weights.any():
        weights[:] = 1.0
    features[:, : len(view.shape)] = view.coords - np.average(view.coords, axis=0, weights=weights)
    if len(view.shape) == 2:
        image = dataclasses.replace(view, values=weights)
        features[:, MOST_AXES:] = size_features([Pixels.of([image])])
    return features


@dataclasses.dataclass(frozen=True)
class PixelForest:
    """A fitted forest.

    Attributes:
      forest: scikit-learn's.
    """

    forest: Any

    @classmethod
    def fit(cls, features: np.ndarray, labels: np.ndarray, *, seed: int = 0) -> PixelForest:
        """Fits a forest on pixels, on 20,000 of them at most.

        Args:
          features: ``[pixels, features]``.
          labels: integer ``[pixels]``, none negative.
          seed: of the draw and the trees.
        """
        return cls(
            fitted_forest(
                features, labels, trees=TREES, least=MIN_LEAF, most=MAX_FIT_PIXELS, seed=seed
            )
        )

    def predict(self, features: np.ndarray) -> np.ndarray:
        """The likeliest class of each pixel, int64 ``[pixels]``."""
        if not len(features):
            return np.zeros(0, np.int64)
        return np.asarray(self.forest.predict(features), np.int64)
