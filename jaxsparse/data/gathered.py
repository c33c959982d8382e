"""Values of the pixels of other views as further features of the pixels that are linked to them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from jaxsparse.data.links import Links
from jaxsparse.data.pixels import Pixels
from jaxsparse.data.schema import PixelColumn

_PREFIX = "value in "
# Parts of a block have the mean of what is known of them; NaN is linked to nothing.
GATHERED = PixelColumn(np.dtype(np.float32), np.nan, "mean")


def column_of(view: str) -> str:
    """The column of :class:`~jaxsparse.data.pixels.Pixels` with the values of a view.

    >>> is_gathered(column_of("U")), is_gathered("labels")
    (True, False)
    """
    return _PREFIX + view


def is_gathered(column: str) -> bool:
    """Whether a column has values of another view."""
    return column.startswith(_PREFIX)


def gathered(links: Links, pixels: Pixels, other: Pixels) -> np.ndarray:
    """The values to which pixels are linked, those of each multiplied by their shares.

    Args:
      links: of all pixels; rows count within an event of the other view.
      pixels: of some events.
      other: of the same events, the view that the links lead to.

    Returns:
      float32 ``[pixels]``, NaN for a pixel without links.

    >>> lengths, coords = np.array([1, 1]), np.zeros((2, 1), int)
    >>> pixels, other = (Pixels(coords, np.array([2.0, 8.0]), lengths, (1,)) for _ in range(2))
    >>> gathered(Links.of([1], rows=[0], shares=[0.5], pixels=2), pixels, other).tolist()
    [nan, 4.0]
    """
    rows = other.bounds[pixels.event[links.owner]] + links.rows
    sums = np.bincount(links.owner, links.shares * other.values[rows], minlength=len(pixels))
    return np.where(np.diff(links.offsets) > 0, sums, np.nan).astype(np.float32)


def features(pixels: Pixels, views: Sequence[str], mean: float, std: float) -> np.ndarray:
    """What a network sees of pixels: their value and those of other views.

    Args:
      pixels: with the columns of the views.
      views: names.
      mean, std: a feature is (value - mean) / std, and 0 where there is none.

    Returns:
      float32 ``[pixels]``, or ``[pixels, 1 + views]`` with other views.
    """
    own = (pixels.values - np.float32(mean)) / np.float32(std)
    if not views:
        return own
    values = np.stack([pixels.columns[column_of(view)] for view in views], axis=1)
    others = (values - np.float32(mean)) / np.float32(std)
    return np.column_stack([own, np.nan_to_num(others)])
