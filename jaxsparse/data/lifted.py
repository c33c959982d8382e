"""Which pixels of the other views show a site of the last one: rows that go with it to a batch.

Where a window is cut out of the last view, the others keep their place and shape, and of their
pixels those in the smallest box around all that show a site of the window. So no row is lost, what
lies between them is seen too, and nothing need be known of how the detector projects: of a box of
MicroBooNE's voxels the box has its time rows and the wires that cross it, of NOvA's cells the
neighbouring planes too. The shape costs nothing, for lists of pixels have no room for empty ones.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

import numpy as np

from jaxsparse.data.pixels import Pixels

_PREFIX = "row in "
NO_ROW = -1


def is_row(column: str) -> bool:
    """Whether a column of :class:`~jaxsparse.data.pixels.Pixels` has rows of another view."""
    return column.startswith(_PREFIX)


def with_rows(views: Sequence[Pixels], names: Sequence[str]) -> tuple[Pixels, ...]:
    """The views, the last one with a column for each of the others.

    A column has, for every site, the row of the pixel that shows it: int32 ``[sites]``, counted
    within its event, -1 where none is left. Of several pixels it is that with the largest share.

    Args:
      views: of the same events; the last one has links to the others, and each of these to itself
        (:meth:`~jaxsparse.data.pixels.Pixels.linked_to`).
      names: of the views.
    """
    *others, last = views
    rows = {
        _PREFIX + name: _rows(last, other, name)
        for other, name in zip(others, names[:-1], strict=True)
    }
    return (*others, dataclasses.replace(last, columns={**last.columns, **rows}))


def _rows(last: Pixels, other: Pixels, name: str) -> np.ndarray:
    links = last.linked_to(other, name)
    found = np.full(len(last), NO_ROW, np.int32)
    order = np.lexsort((-links.shares, links.owner))
    owner, first = np.unique(links.owner[order], return_index=True)
    found[owner] = links.rows[order][first] - other.bounds[last.event[owner]]
    return found


def around_shown(pixels: Pixels, last: Pixels, name: str) -> Pixels:
    """The pixels of a view in the smallest box around those that show sites of the last view.

    Args:
      pixels: of the view, of the same events, with links to itself.
      last: with links to the view.
      name: of the view.

    Returns:
      Of an event without such a site nothing.

    >>> from jaxsparse.data.links import Links
    >>> coords = np.array([[0, 3], [1, 0], [1, 4], [2, 5], [3, 3]], np.int32)
    >>> plane = Pixels(coords, np.ones(5), np.array([5]), (8, 8), links={"U": Links.own([5])})
    >>> links = Links.of([0, 1], rows=[0, 3], shares=[1.0, 1.0], pixels=2)
    >>> sites = Pixels(np.zeros((2, 3)), np.ones(2), np.array([2]), (8, 8, 8), links={"U": links})
    >>> around_shown(plane, sites, "U").coords.tolist()
    [[0, 3], [1, 4], [2, 5]]
    """
    shows = np.zeros(len(pixels), bool)
    shows[last.linked_to(pixels, name).rows] = True
    box = pixels.take(shows)
    some = np.flatnonzero(box.lengths)
    low, high = (np.zeros((len(box.lengths), len(box.shape)), np.int64) for _ in range(2))
    low[some] = np.minimum.reduceat(box.coords, box.bounds[some])
    high[some] = np.maximum.reduceat(box.coords, box.bounds[some]) + 1
    within = (pixels.coords >= low[pixels.event]) & (pixels.coords < high[pixels.event])
    return pixels.take(within.all(axis=1))
