"""A few events of many, evenly over the file: files are often sorted by class, or by sample."""

from __future__ import annotations

import numpy as np


def spread_out(count: int, wanted: int) -> np.ndarray:
    """int64: numbers of ``wanted`` events spread evenly over ``count``; all where there are fewer.

    The first and the last are among them, from two on.

    >>> spread_out(10, 3).tolist(), spread_out(2, 5).tolist(), spread_out(9, 1).tolist()
    ([0, 4, 9], [0, 1], [0])
    """
    wanted = min(wanted, count)
    return np.arange(wanted) * (count - 1) // max(wanted - 1, 1)


def spread_or_all(count: int, wanted: int) -> np.ndarray:
    """As :func:`spread_out`, but all events where ``wanted`` is 0.

    >>> spread_or_all(3, 0).tolist(), spread_or_all(3, 2).tolist()
    ([0, 1, 2], [0, 2])
    """
    return spread_out(count, wanted or count)
