"""Values that look like those of another unit than the network was trained on."""

from __future__ import annotations

import numpy as np

UPPER = 0.84  # of the values: the quantile that is compared with one standard deviation
ODD = 5.0  # times larger or smaller than that is another unit


def other_unit(values: np.ndarray, mean: float, std: float) -> str:
    """What to say of values whose features, ``(value - mean) / std``, are far from 1.

    A network's ``mean`` and ``std`` are round numbers near those of its pixels, and no sample is
    like another: the factor is right to about a factor of two.

    Args:
      values: of all pixels, in or outside of the mask.
      mean, std: of the training.

    Returns:
      A line; nothing where there is nothing to say.

    >>> other_unit(np.array([3.0, 40.0, 90.0]), 0.0, 50.0)
    ''
    >>> other_unit(np.array([0.03, 0.4, 0.5]), 0.0, 50.0).split("? ")[1]
    'Multiply them by about 100 (right to a factor of 2 only)'
    """
    if not len(values):
        return ""
    usual, here = mean + std, float(np.quantile(values, UPPER))
    if usual <= 0 or not here or 1 / ODD <= here / usual <= ODD:
        return ""
    return (
        f"{UPPER:.0%} of the values are below {here:.3g}, of those that the network was trained on "
        f"below about {usual:.3g}: in other units? Multiply them by about "
        f"{float(f'{usual / here:.1g}'):g} (right to a factor of 2 only)"
    )
