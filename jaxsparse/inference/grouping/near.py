"""Which pixels of an image lie near each other, in time that the number of pixels bounds.

Pixels are sorted by row and column. Those of one row that lie within ``w`` columns on one side of a
place lie within ``w`` of each other, so for connected components it suffices to link a pixel, in
every row near it, to the nearest pixel on either side: ``2 (r + 1)`` links a pixel for a radius
``r``, however full the image is. All pairs within 14 pixels would be 400 a pixel in a full one.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator

import numpy as np
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components


class Near:
    """Pixels sorted such that those near a place are found by a search.

    Args:
      coords: integer ``[pixels, dim]``, each pixel of a layer once.
      layer: integer ``[pixels]``; pixels of different layers are never near each other.
      radius: pixels, the largest distance that is asked for.
      euclidean: the length of the straight line; otherwise the largest difference of a coordinate
        (Chebyshev), so that radius 1 are the 3 x 3 neighbours.

    Attributes:
      order: int64 ``[pixels]``, numbers of the pixels by layer and coordinates. Positions below
        count in this order.
    """

    def __init__(
        self, coords: np.ndarray, layer: np.ndarray, radius: int, *, euclidean: bool = False
    ):
        self.radius, self.euclidean = radius, euclidean
        low = coords.min(0, initial=0)
        # Room around, so that a place beyond the edge is no pixel of another row or layer.
        extent = [int(side) for side in coords.max(0, initial=0) - low + 1 + radius]
        self._strides = [math.prod(extent[axis + 1 :]) for axis in range(coords.shape[1])]
        keys = layer.astype(np.int64) * math.prod(extent)
        for axis, stride in enumerate(self._strides):
            keys = keys + (coords[:, axis].astype(np.int64) - low[axis]) * stride
        self.order = np.argsort(keys, kind="stable")
        self._keys = keys[self.order]

    def __len__(self) -> int:
        return len(self._keys)

    def counts(self) -> np.ndarray:
        """int64 ``[pixels]`` by position: pixels within the radius, the pixel itself among them."""
        total = np.zeros(len(self), np.int64)
        for shift, width, _ in self._rows():
            first = np.searchsorted(self._keys, self._keys + (shift - width), "left")
            total += np.searchsorted(self._keys, self._keys + (shift + width), "right") - first
        return total

    def links(self) -> tuple[np.ndarray, np.ndarray]:
        """Pairs of positions within the radius, enough of them to connect all that are."""
        place = np.arange(len(self))
        pairs = [np.zeros((2, 0), np.int64)]
        for shift, width, _ in self._rows():
            if shift < 0:  # the pair is found from its other end
                continue
            wanted = self._keys + shift
            after = np.searchsorted(self._keys, wanted, "right" if shift == 0 else "left")
            for other in (after, after - 1) if shift else (after,):
                there = (other >= 0) & (other < len(self))
                there[there] = np.abs(self._keys[other[there]] - wanted[there]) <= width
                pairs.append(np.stack([place[there], other[there]]))
        own, other = np.concatenate(pairs, axis=1)
        return own, other

    def components(self) -> np.ndarray:
        """int64 ``[pixels]`` by position: which connected component, numbered by first position."""
        return components(len(self), *self.links())

    def nearest(self, targets: np.ndarray) -> np.ndarray:
        """The nearest of some pixels to each pixel.

        Args:
          targets: bool ``[pixels]`` by position.

        Returns:
          int64 ``[pixels]`` by position: position of the nearest target within the radius (by the
          straight line, whatever the metric), the first of equals; -1 for none.
        """
        rows = np.flatnonzero(targets)
        keys = self._keys[rows]
        best = np.full(len(self), -1)
        least = np.full(len(self), np.iinfo(np.int64).max)
        for shift, width, square in self._rows() if len(rows) else ():
            wanted = self._keys + shift
            after = np.searchsorted(keys, wanted, "left")
            for step in (after - 1, after):
                other = np.clip(step, 0, len(rows) - 1)
                across = np.abs(keys[other] - wanted)
                distance = square + across**2
                nearer = (across <= width) & (distance < least)
                nearer |= (across <= width) & (distance == least) & (rows[other] < best)
                best[nearer], least[nearer] = rows[other][nearer], distance[nearer]
        return best

    def _rows(self) -> Iterator[tuple[int, int, int]]:
        """Rows near that of a pixel: what to add to its key, how far to go on either side, and the
        square of the distance to the row.
        """
        steps = range(-self.radius, self.radius + 1)
        for offset in itertools.product(steps, repeat=len(self._strides) - 1):
            square = sum(step**2 for step in offset)
            left = self.radius**2 - square if self.euclidean else self.radius**2
            if left >= 0:
                shift = sum(map(int.__mul__, offset, self._strides))
                yield shift, math.isqrt(left), square


def components(count: int, one: np.ndarray, other: np.ndarray) -> np.ndarray:
    """Which connected component of a graph each of its nodes is in.

    Args:
      count: of the nodes.
      one, other: integer ``[pairs]``, both ends of every edge.

    Returns:
      int64 ``[count]``, components numbered by their first nodes.

    >>> components(4, np.array([1]), np.array([3])).tolist()
    [0, 1, 2, 1]
    """
    graph = coo_array((np.ones(len(one), np.int8), (one, other)), shape=(count, count))
    _, label = connected_components(graph, directed=False)
    _, first, member = np.unique(label, return_index=True, return_inverse=True)
    return np.argsort(np.argsort(first))[member]
