"""Pixels by the flat numbers of their cells, in which one image is looked up in another."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np


def cells_of(coords: np.ndarray, shape: Sequence[int]) -> np.ndarray:
    """Flat numbers of cells: of pixels in row-major order they increase.

    Args:
      coords: whole numbers ``[pixels, axes]``, inside of the image.
      shape: of the image.

    Returns:
      int64 ``[pixels]``.

    >>> cells_of(np.array([[0, 2], [1, 0]]), (2, 3)).tolist()
    [2, 3]
    """
    return np.ravel_multi_index(tuple(np.asarray(coords).T.astype(np.int64)), tuple(shape))


def row_of(cells: np.ndarray, known: np.ndarray) -> np.ndarray:
    """Where cells stand in an increasing list.

    Args:
      cells: ``[cells]`` to look for; a negative one is in no list.
      known: ``[rows]``, increasing, none negative.

    Returns:
      int64 ``[cells]``, -1 where the list has no such cell.

    >>> row_of(np.array([7, 3, 9, -1]), np.array([3, 7])).tolist()
    [1, 0, -1, -1]
    """
    place = np.searchsorted(known, cells)
    return np.where(np.append(known, -2)[place] == cells, place, -1)
