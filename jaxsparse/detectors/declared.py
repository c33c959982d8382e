"""Numbers that somebody says of a detector, as plain Python numbers."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable
from typing import Any

from jaxsparse.errors import InputError


def number(name: str, value: Any) -> float:
    """``value`` as a Python float; NaN is refused.

    Raises:
      InputError: it is no number that a float can hold.

    >>> number("std", 3)
    3.0
    """
    try:
        found = float(value)
    except (TypeError, ValueError, OverflowError):
        found = math.nan
    if math.isnan(found):
        raise InputError(f"{name} is {value!r:.60}: it must be a number that a float can hold")
    return found


def finite(name: str, value: Any) -> float:
    """A number that is not infinite either.

    Raises:
      InputError: it is none.
    """
    found = number(name, value)
    if math.isinf(found):
        raise InputError(f"{name} is {found}: it must be finite")
    return found


def edges(name: str, values: Iterable[Any]) -> tuple[float, ...]:
    """Edges of bins: at least two, rising, finite but for the last.

    Raises:
      InputError: they are none.

    >>> edges("energy_edges", (0, 1, math.inf))
    (0.0, 1.0, inf)
    """
    found = tuple(number(name, value) for value in values)
    rise = all(low < high for low, high in itertools.pairwise(found))
    if len(found) < 2 or not rise or math.isinf(found[0]):
        text = ", ".join(f"{value:g}" for value in found)
        raise InputError(
            f"{name} is ({text:.60}): edges must be two or more that rise, and the last alone may "
            "be infinite"
        )
    return found
