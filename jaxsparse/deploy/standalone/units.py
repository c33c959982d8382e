"""Values that look like those of another unit than the network was trained on."""

from __future__ import annotations

import numpy as np

# Of the values: the quantile that is compared with one standard deviation, and with that of the
# training's values, which data/something_to_learn.py defines.
UPPER = 0.84
ODD = 5.0  # times larger or smaller than that is another unit


def other_unit(values: np.ndarray, mean: float, std: float, trained: float | None = None) -> str:
    """What to say of values that are far from those of the training.

    Where it is known, their quantile :data:`UPPER` is compared with that of the training's values.
    Else the features, ``(value - mean) / std``, are compared with 1. ``mean`` and ``std`` are
    settings and need not be what the values were like, so no factor follows from them.

    Args:
      values: of all pixels, in or outside of the mask.
      mean, std: of the training.
      trained: below which :data:`UPPER` of the training's values are, counted likewise; None where
        that is not known.

    Returns:
      A line; nothing where there is nothing to say.

    >>> values = np.array([0.03, 0.4, 0.5])
    >>> other_unit(100 * values, 0.0, 50.0), other_unit(values, 0.0, 50.0, 0.4)
    ('', '')
    >>> other_unit(values, 0.0, 50.0, 47.0).split("? ")[1]
    'Multiply them by about 100 (right to a factor of 2 only)'
    >>> other_unit(values, 0.0, 50.0)
    '84% of the values are below 0.468, the network reads (value - 0) / 50: in other units?'
    """
    if not len(values):
        return ""
    usual, here = trained or mean + std, float(np.quantile(values, UPPER))
    if usual <= 0 or not here or 1 / ODD <= here / usual <= ODD:
        return ""
    said = f"{UPPER:.0%} of the values are below {here:.3g}"
    if not trained:
        return f"{said}, the network reads (value - {mean:g}) / {std:g}: in other units?"
    return (
        f"{said}, of those that the network was trained on below {trained:.3g}: in other units? "
        f"Multiply them by about {float(f'{usual / here:.1g}'):g} (right to a factor of 2 only)"
    )
