"""Which pixels of the other views show a site of the last one: rows that go with it to a batch."""

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
