"""Joining two tables on keys of several whole numbers, exactly, in bounded memory."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

import numpy as np


@dataclasses.dataclass(frozen=True)
class KeyJoin:
    """Which row of the right table belongs to each row of the left one.

    Attributes:
      rows: int64 ``[kept]``: rows of the left table, in its order, the first of every key.
      partners: int64 ``[kept]``: row of the right table, the first of its key, -1 for none.
      left_repeats: rows of the left table whose key came before: not in ``rows``.
      right_repeats: rows of the right table whose key came before: nobody's partner.
      right_alone: keys of the right table that the left one lacks.
    """

    rows: np.ndarray
    partners: np.ndarray
    left_repeats: int
    right_repeats: int
    right_alone: int


def join(left: Sequence[np.ndarray], right: Sequence[np.ndarray]) -> KeyJoin:
    """Joins two tables on all their key columns.

    Args:
      left: key columns, whole numbers, ``[rows]`` each.
      right: the same columns of the other table.

    >>> left = [np.array([5, 5, 9]), np.array([1, 2, 1])]
    >>> found = join(left, [np.array([9, 5]), np.array([1, 2])])
    >>> found.rows, found.partners, found.right_alone
    (array([0, 1, 2]), array([-1,  1,  0]), 0)
    """
    count = len(left[0])
    keys = _packed([np.concatenate(pair) for pair in zip(left, right, strict=True)])
    ours, first = np.unique(keys[:count], return_index=True)
    theirs, partner = np.unique(keys[count:], return_index=True)
    found = np.full(len(ours), -1, np.int64)
    if len(theirs):
        place = np.minimum(np.searchsorted(theirs, ours), len(theirs) - 1)
        same = theirs[place] == ours
        found[same] = partner[place[same]]
    order = np.argsort(first)
    matched = int((found >= 0).sum())
    return KeyJoin(
        rows=first[order].astype(np.int64),
        partners=found[order],
        left_repeats=count - len(ours),
        right_repeats=len(keys) - count - len(theirs),
        right_alone=len(theirs) - matched,
    )


def _packed(columns: Sequence[np.ndarray]) -> np.ndarray:
    """One int64 a row that is equal where all columns are.

    The columns' bits are put side by side; where they would not fit in 63, what there is so far is
    replaced by its rank, so nothing is ever hashed or lost.
    """
    keys, bits = np.zeros(len(columns[0]), np.int64), 0
    for column in columns:
        low = int(column.min()) if len(column) else 0
        width = int(int(column.max()) - low).bit_length() if len(column) else 0
        if bits + width > 63:
            distinct, keys = np.unique(keys, return_inverse=True)
            bits = len(distinct).bit_length()
        if bits + width > 63:
            ranks, column = np.unique(column, return_inverse=True)
            low, width = 0, len(ranks).bit_length()
        keys = (keys << width) | (column.astype(np.int64) - low)
        bits += width
    return keys
