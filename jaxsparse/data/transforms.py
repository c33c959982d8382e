"""What happens to an image between file and network: mask, crop, flips, pixel weights.

Pure functions from :class:`View` to :class:`View`, numpy only, one event at a time, for wire planes
and voxels alike. Order of columns and of rows (lexicographic) is kept. ``docs/transforms.md`` shows
each with a picture.
"""

from __future__ import annotations

import numpy as np

from jaxsparse.data.crop import choose_window, crop, cut, window_shape
from jaxsparse.data.schema import View
from jaxsparse.data.validation import cell_numbers
from jaxsparse.data.weights import pixel_weights
from jaxsparse.errors import InputError

__all__ = ["choose_window", "crop", "cut", "flip", "mask_adc", "pixel_weights", "window_shape"]


def mask_adc(view: View, low: float = 10.0, high: float = 300.0) -> View:
    """Keep the pixels with ``low <= value <= high`` (both ends kept), in ADC for wire planes.

    The range 10 to 300 ADC is SparseSSNet's: below is noise, above are shorts and artefacts.

    Raises:
      InputError: ``low`` is above ``high``.

    >>> coords = np.array([[0, 0], [0, 1], [0, 2]], np.int32)
    >>> view = View(coords, np.array([9.9, 10.0, 301.0], np.float32), (1, 3))
    >>> mask_adc(view).coords.tolist()
    [[0, 1]]
    """
    if not low <= high:
        raise InputError(f"data.low is {low} and data.high is {high}: they must be low <= high")
    return view.take((view.values >= low) & (view.values <= high))


def flip(view: View, axis: int) -> View:
    """Mirror the image along ``axis``: coordinate c becomes ``shape[axis] - 1 - c``.

    What physics says about it (``docs/transforms.md`` gives the numbers): turning the detector by
    180 degrees about the drift axis is a symmetry of the interactions and reverses the wires of all
    three planes, so a wire flip is exact for one plane up to the direction of gravity and beam.
    A time flip is a mirror of the drift axis: exact but for attenuation and diffusion along the
    drift, which change charge and width by less than they vary between particles.

    >>> view = View(np.array([[0, 1], [2, 0]], np.int32), np.array([5.0, 6.0], np.float32), (3, 2))
    >>> flip(view, 0).coords.tolist(), flip(view, 0).values.tolist()
    ([[0, 0], [2, 1]], [6.0, 5.0])
    """
    if not 0 <= axis < len(view.shape):
        raise InputError(f"flip axis {axis}: the image {view.shape} has {len(view.shape)} axes")
    coords = view.coords.copy()
    coords[:, axis] = view.shape[axis] - 1 - coords[:, axis]
    order = np.argsort(cell_numbers(coords, view.shape), kind="stable")
    return view.take(order, coords=coords[order])
