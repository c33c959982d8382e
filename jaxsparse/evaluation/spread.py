"""The standard error that a set of resampled figures shows."""

from __future__ import annotations

from typing import Any

import numpy as np


def spread(values: np.ndarray) -> Any:
    """Standard deviation along the first axis over the finite values, NaN for fewer than two.

    >>> spread(np.array([[1.0, 2.0], [np.nan, np.nan], [3.0, np.nan]])) ** 2
    array([ 2., nan])
    """
    values = np.asarray(values, float)
    finite = np.isfinite(values)
    number = finite.sum(0)
    with np.errstate(divide="ignore", invalid="ignore"):
        mean = np.where(finite, values, 0).sum(0) / number
        squares = np.where(finite, values - mean, 0) ** 2
        result = np.where(number > 1, np.sqrt(squares.sum(0) / (number - 1)), np.nan)
    return result if result.ndim else float(result)
