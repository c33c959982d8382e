"""Numbers of events as a caller gives them: whole, in range, never something else in disguise."""

from __future__ import annotations

import operator
from collections.abc import Sequence

import numpy as np

from jaxsparse.errors import InputError


def event_number(index: int, count: int, where: str) -> int:
    """The number of one of ``count`` events, from 0.

    Args:
      index: a whole number of any type; negative ones count from the end.
      count: how many events there are.
      where: that has them, for messages.

    Raises:
      IndexError: there is no such event.
      InputError: a boolean, a float, or no number at all.

    >>> event_number(-1, 5, "a.h5")
    4
    """
    try:
        if isinstance(index, bool | np.bool_):
            raise TypeError
        number = operator.index(index)
    except TypeError:
        raise InputError(
            f"event {index!r} of {where}: event numbers must be whole numbers, give an int"
        ) from None
    if not -count <= number < count:
        raise IndexError(f"event {number} of {where}, which has {count}")
    return number % count


def event_numbers(indices: Sequence[int] | np.ndarray, count: int, where: str) -> np.ndarray:
    """int64 ``[events]``: numbers from 0; arguments and errors as of :func:`event_number`.

    Args:
      indices: numbers in any order, or a mask, ``count`` booleans.
      count: how many events there are.
      where: that has them, for messages.

    >>> event_numbers([3, -1], 5, "a.h5"), event_numbers(np.arange(5) > 2, 5, "a.h5")
    (array([3, 4]), array([3, 4]))
    """
    numbers = np.asarray(indices)
    if numbers.dtype == np.bool_:
        if numbers.shape != (count,):
            raise InputError(
                f"a mask of shape {numbers.shape} for {where}, which has {count} events: give one "
                "boolean an event, or numbers"
            )
        return np.flatnonzero(numbers)
    if numbers.size == 0:
        return np.zeros(0, np.int64)
    if numbers.ndim > 1:
        raise InputError(
            f"event numbers of {where} have shape {numbers.shape}: give them in a flat list"
        )
    if numbers.dtype.kind not in "iu":
        # What is no number, and what numpy makes floats of: [0, 2**63].
        entries = indices if isinstance(indices, Sequence) else numbers.tolist()
        return np.array([event_number(entry, count, where) for entry in entries], np.int64)
    bad = (numbers < -count) | (numbers >= count)  # in their own type, before any cast
    if bad.any():
        raise IndexError(
            f"event {numbers.reshape(-1)[np.argmax(bad)]} of {where}, which has {count}"
        )
    numbers = numbers.reshape(-1).astype(np.int64)
    return np.where(numbers < 0, numbers + count, numbers)
