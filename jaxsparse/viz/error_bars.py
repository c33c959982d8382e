"""Error bars that say something where a bootstrap sees none: all of three are right."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

NOTE = "bars: bootstrap over events, no shorter than the binomial error"


def wilson(parts: np.ndarray, numbers: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Wilson's interval of a part, at one standard deviation.

    Args:
      parts: in 0 to 1.
      numbers: of what they are parts.

    Returns:
      Lower and upper ends; 0 and 1 where the number is 0.

    Source: Wilson, J. Am. Stat. Assoc. 22 (1927) 209, with z = 1.

    >>> low, high = wilson(np.array([1.0, 0.5]), np.array([3, 100]))
    >>> low.round(3), high.round(3)
    (array([0.75, 0.45]), array([1.  , 0.55]))
    """
    middle = (parts * numbers + 0.5) / (numbers + 1)
    reach = np.sqrt(numbers * parts * (1 - parts) + 0.25) / (numbers + 1)
    return middle - reach, middle + reach


def error_bars(
    parts: np.ndarray, numbers: Sequence[int] | np.ndarray, errors: Sequence[float] | np.ndarray
) -> np.ndarray:
    """Lengths of error bars below and above, ``[2, parts]``.

    Args:
      parts: NaN where there is none.
      numbers: of what they are parts.
      errors: by a bootstrap, NaN or ``None`` where it has none. Of few events, or where all are
        right, they are too small, so a bar is never shorter than Wilson's interval.

    >>> error_bars(np.array([1.0]), [3], [0.0])
    array([[0.25],
           [0.  ]])
    """
    low, high = wilson(parts, np.asarray(numbers, float))
    least = np.nan_to_num(np.array(errors, float))
    lengths = np.stack([np.maximum(parts - low, least), np.maximum(high - parts, least)])
    ends = np.stack([parts, 1 - parts])  # a part lies in 0 to 1
    return np.clip(np.nan_to_num(lengths), 0, np.nan_to_num(ends))
