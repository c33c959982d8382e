"""Integers that a user passes in: taken as they are, never rounded."""

from __future__ import annotations

import operator
from collections.abc import Iterable
from typing import SupportsIndex

from jaxsparse.errors import TRACED, InputError

INT32_MAX = 2**31 - 1


def integer(name: str, value: SupportsIndex) -> int:
    """``value`` as a Python integer.

    Raises:
      InputError: a float, also a whole one, a string, or anything else that is no integer.

    >>> integer("capacity", 3)
    3
    """
    try:
        return operator.index(value)
    except TypeError as error:
        raise InputError(_refusal(name, value, "an integer", error)) from None


def integers(name: str, values: Iterable[SupportsIndex]) -> tuple[int, ...]:
    """``values`` as Python integers.

    Raises:
      InputError: no sequence, or one with anything that is no integer.

    >>> integers("spatial_shape", [4, 5])
    (4, 5)
    """
    try:
        return tuple(operator.index(value) for value in values)
    except TypeError as error:
        raise InputError(_refusal(name, values, "a sequence of integers", error)) from None


def positive(name: str, value: SupportsIndex) -> int:
    """A number of rows, events or sites along an axis: positive, and what int32 can count.

    Raises:
      InputError: no integer, or one that is not from 1 to below 2**31 - 1.

    >>> positive("capacity", 0)
    Traceback (most recent call last):
        ...
    jaxsparse.errors.InputError: capacity is 0: must be at least 1 and below 2**31 - 1
    """
    number = integer(name, value)
    if not 1 <= number < INT32_MAX:
        raise InputError(f"{name} is {number}: must be at least 1 and below 2**31 - 1")
    return number


def _refusal(name: str, value: object, kind: str, error: TypeError) -> str:
    # JAX's error is told by its name: programs that need no JAX start without it.
    if type(error).__name__ == "TracerIntegerConversionError":
        return (
            f"{name} {TRACED}: must be {kind} known before, make it a "
            "static argument or work it out on the host"
        )
    return f"{name} is {value!r}: must be {kind}, convert it first"
