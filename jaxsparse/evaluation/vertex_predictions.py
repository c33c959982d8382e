"""``predictions.h5`` of a head ``vertex``: the pixel that it names in every image.

| dataset | type | what |
| --- | --- | --- |
| ``row`` | int64 ``[images]`` | row of the pixel in the input file's list, -1 in an empty image |
| ``coords`` | int32 ``[images, dim]`` | its place in the network's image, -1 in an empty image |
| ``scores`` | float32 ``[images, 1]`` | its probability; 0 in an empty image |
| ``distance`` | float32 ``[images]`` | how far the true vertex is, pixels; infinite without one |
| ``event``, ``event_id``, ``view`` | int64, int64, int8 ``[images]`` | which image it is |

Attributes: ``format``, ``class_names``, ``data``, ``views``, ``checkpoint_step``, ``complete``.
"""

from __future__ import annotations

import os
from typing import Any

import numpy as np

from jaxsparse.inference.prediction_file import PredictionFile


class VertexPredictions(PredictionFile):
    """Appends image by image; a context manager.

    Args:
      path: of the file to be.
      classes: the one name of what is scored.
      attributes: written beside it.
      dim: axes of an image.
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        classes: tuple[str, ...],
        attributes: dict[str, Any],
        dim: int,
    ):
        super().__init__(path, classes, attributes)
        self.dataset("row", np.int64)
        self.dataset("coords", np.int32, (dim,))
        self.dataset("scores", np.float32, (1,))
        self.dataset("distance", np.float32)
        self.dataset("event", np.int64)
        self.dataset("event_id", np.int64)
        self.dataset("view", np.int8)
