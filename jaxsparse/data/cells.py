"""Pixels by the flat numbers of their cells, in which one image is looked up in another."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np


def cell_numbers(coords: np.ndarray, shape: Sequence[int]) -> np.ndarray:
    """Flat numbers of cells in C order: of pixels in lexicographic order they increase.

    Coordinates outside of the image give the number of another cell, or of none: nothing is
    checked, for every batch asks.

    Args:
      coords: whole numbers ``[pixels, axes]``, inside of the image.
      shape: of the image.

    Returns:
      int64 ``[pixels]``.

    >>> cell_numbers(np.array([[0, 3], [2, 1]]), (4, 10))
    array([ 3, 21])
    """
    cell = np.zeros(len(coords), np.int64)
    for axis, size in enumerate(shape):
        cell *= size
        cell += coords[:, axis]
    return cell


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
