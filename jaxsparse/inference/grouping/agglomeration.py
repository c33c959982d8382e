"""Clusters joined two by two by the mean of the pairs between them, the best two first."""

from __future__ import annotations

import heapq

import numpy as np


def agglomerated(
    count: int, one: np.ndarray, other: np.ndarray, units: np.ndarray, least: float
) -> np.ndarray:
    """Joins clusters while the mean of all pairs between some two is high enough.

    Average linkage over the pairs there are. Of equal means the clusters with the lowest numbers
    come first. Sums are whole numbers, so the order of pairs does not matter. The time is bounded:
    of two joined clusters the one with fewer neighbours hands them over.

    Args:
      count: clusters.
      one, other: integer ``[pairs]``, clusters; a pair within a cluster counts nothing.
      units: int64 ``[pairs]``, how much a pair is for joining.
      least: mean that joins.

    Returns:
      int64 ``[count]``: the number of what every cluster became, counted from 0 by the lowest
      number in it.

    >>> one, other = np.array([0, 1, 2, 0]), np.array([1, 2, 3, 2])
    >>> agglomerated(5, one, other, np.array([9, 7, 8, 1]), least=5).tolist()
    [0, 0, 1, 1, 2]
    """
    neighbours = _neighbours(count, one, other, units)
    name = list(range(count))  # the lowest number in a cluster
    into = list(range(count))  # where a cluster went
    heap: list[tuple[float, int, int, int, int, int]] = []

    def offer(a: int, b: int) -> None:
        total, pairs = neighbours[a][b]
        if total >= least * pairs:
            low, high = sorted((name[a], name[b]))
            heapq.heappush(heap, (-total / pairs, low, high, pairs, a, b))

    for a, around in enumerate(neighbours):
        for b in around:
            if a < b:
                offer(a, b)
    while heap:
        mean, _, _, pairs, a, b = heapq.heappop(heap)
        total, now = neighbours[a].get(b, (0, 0))
        if now != pairs or -total / now != mean:
            continue  # one of them has been joined with another since
        if (len(neighbours[a]), -name[a]) < (len(neighbours[b]), -name[b]):
            a, b = b, a
        into[b], name[a] = a, min(name[a], name[b])
        for c, (total, pairs) in neighbours[b].items():
            del neighbours[c][b]
            if c != a:
                before = neighbours[a].get(c, (0, 0))
                neighbours[a][c] = neighbours[c][a] = (before[0] + total, before[1] + pairs)
                offer(a, c)
        neighbours[b] = {}
    return _counted(into, name)


def _neighbours(
    count: int, one: np.ndarray, other: np.ndarray, units: np.ndarray
) -> list[dict[int, tuple[int, int]]]:
    """Of every cluster those that it has pairs with: their sum and their number."""
    low, high = np.minimum(one, other).astype(np.int64), np.maximum(one, other).astype(np.int64)
    apart = low != high
    keys, member = np.unique(low[apart] * count + high[apart], return_inverse=True)
    sums = np.zeros(len(keys), np.int64)
    np.add.at(sums, member, units[apart])
    numbers = np.bincount(member, minlength=len(keys))
    around: list[dict[int, tuple[int, int]]] = [{} for _ in range(count)]
    for key, total, pairs in zip(keys.tolist(), sums.tolist(), numbers.tolist(), strict=True):
        a, b = divmod(key, count)
        around[a][b] = around[b][a] = (total, pairs)
    return around


def _counted(into: list[int], name: list[int]) -> np.ndarray:
    """Numbers of the clusters that are left, in the order of their names."""
    root = np.array(into, np.int64)
    while (further := root[root]).tolist() != root.tolist():
        root = further
    _, number = np.unique(np.array(name, np.int64)[root], return_inverse=True)
    return number
