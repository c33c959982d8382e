"""Which rows of a table belong to an event, in whatever order they come."""

from __future__ import annotations

import h5py
import numpy as np


class RowsByEvent:
    """Rows of every event of a table whose rows are in any order.

    Args:
      events: int64 ``[rows]``, number of the event of every row.

    Attributes:
      events: the numbers that occur, increasing.

    >>> rows = RowsByEvent(np.array([7, 7, 3, 7]))
    >>> rows.events.tolist(), rows.of(7).tolist(), rows.of(4).tolist()
    ([3, 7], [0, 1, 3], [])
    """

    def __init__(self, events: np.ndarray):
        # In order, as most files are, a row's place in the order is the row.
        self._order = None if (np.diff(events) >= 0).all() else np.argsort(events, kind="stable")
        in_order = events if self._order is None else events[self._order]
        self.events, self._first = np.unique(in_order, return_index=True)
        self._first = np.append(self._first, len(in_order))

    def of(self, event: int) -> np.ndarray:
        """Row numbers of an event, increasing; none of an event that does not occur."""
        place = int(np.searchsorted(self.events, event))
        if place == len(self.events) or self.events[place] != event:
            return np.zeros(0, np.int64)
        rows = np.arange(self._first[place], self._first[place + 1])
        return rows if self._order is None else self._order[rows]

    def read(self, table: h5py.Dataset, event: int, fields: list[str]) -> np.ndarray:
        """An event's rows of a table, in their order, read run by run."""
        rows, wanted = self.of(event), table.fields(fields)
        begins = np.flatnonzero(np.diff(rows, prepend=-2) > 1)
        ends = np.append(begins[1:], len(rows))[: len(begins)]
        runs = [wanted[rows[a] : rows[b - 1] + 1] for a, b in zip(begins, ends, strict=True)]
        return np.concatenate(runs) if runs else wanted[:0]
