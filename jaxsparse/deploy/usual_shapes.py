"""How large the images of a network's views are, where a known detector has these views."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from jaxsparse.detectors import known


def usual_shapes(views: Sequence[str], dim: int) -> list[tuple[int, ...]]:
    """Shape of every view; of several detectors that have them the largest; none if there is none.

    >>> usual_shapes(["Y"], 2), usual_shapes(["front"], 2)
    ([(1008, 3456)], [])
    """
    found = [
        [detector.views[view].shape for view in views]
        for detector in known().values()
        if set(views) <= set(detector.views)
    ]
    whole = [each for each in found if all(len(shape) == dim for shape in each)]
    return [tuple(np.max(of_view, axis=0).tolist()) for of_view in zip(*whole, strict=True)]
