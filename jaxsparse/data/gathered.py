"""Values of the pixels of other views, brought to the pixels that are linked to them."""

from __future__ import annotations

import numpy as np

from jaxsparse.data.links import Links
from jaxsparse.data.pixels import Pixels
from jaxsparse.data.schema import PixelColumn, further_column

_VALUE, _FURTHER = "value in ", "gathered "
# Parts of a block have the mean of what is known of them; NaN is linked to nothing.
GATHERED = PixelColumn(np.dtype(np.float32), np.nan, "mean")


def column_of(view: str, further: str = "") -> str:
    """The column of :class:`~jaxsparse.data.pixels.Pixels` with the values of a view.

    Args:
      view: name.
      further: name of a further value; empty for the value of a pixel.

    >>> is_gathered(column_of("U")), is_gathered(column_of("U", "time")), is_gathered("labels")
    (True, True, False)
    """
    return f"{_FURTHER}{further} in {view}" if further else _VALUE + view


def is_gathered(column: str) -> bool:
    """Whether a column has something of another view."""
    return column.startswith((_VALUE, _FURTHER))


def is_gathered_value(column: str) -> bool:
    """Whether a column has values of another view, which change with those of a pixel itself."""
    return column.startswith(_VALUE)


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
    sums = np.bincount(
        links.owner, links.shares * other.values[_rows(links, pixels, other)], len(pixels)
    )
    return np.where(np.diff(links.offsets) > 0, sums, np.nan).astype(np.float32)


def gathered_further(links: Links, pixels: Pixels, other: Pixels, name: str) -> np.ndarray:
    """Of a further value the mean over the pixels that pixels are linked to, by their shares.

    Args:
      links, pixels, other: as for :func:`gathered`; ``other`` has the column of the further value.
      name: of the further value.

    Returns:
      float32 ``[pixels]``, NaN where nothing that the pixel is linked to has one.

    >>> lengths, coords = np.array([2]), np.array([[0], [1]])
    >>> pixels = Pixels(coords, np.ones(2), lengths, (2,))
    >>> times = {"further time": np.array([4.0, 8.0])}
    >>> links = Links.of([0, 0], rows=[0, 1], shares=[0.25, 0.75], pixels=2)
    >>> other = Pixels(coords, np.ones(2), lengths, (2,), times)
    >>> gathered_further(links, pixels, other, "time").tolist()
    [7.0, nan]
    """
    values = other.columns[further_column(name)][_rows(links, pixels, other)].astype(float)
    shares = np.where(np.isnan(values), 0, links.shares)
    sums = np.bincount(links.owner, shares * np.nan_to_num(values), len(pixels))
    totals = np.bincount(links.owner, shares, len(pixels))
    unknown = np.full(len(pixels), np.nan)
    return np.divide(sums, totals, out=unknown, where=totals > 0).astype(np.float32)


def _rows(links: Links, pixels: Pixels, other: Pixels) -> np.ndarray:
    """int64 ``[entries]``: rows of the other view, counted through all events."""
    return other.bounds[pixels.event[links.owner]] + links.rows
