"""Numbers as a file stores them: checked in the type in which they are given, cast afterwards.

A cast of numpy's never fails: 300 becomes 44 as uint8, 1.5 becomes 1, 1e39 becomes infinity. Here
the same values, or their nearest float, come out in the type that is stored, or an error that
names the first one that does not fit.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from jaxsparse.errors import InputError, one_line


def as_stored(
    value: Any,
    dtype: Any,
    *,
    name: str,
    where: str,
    tail: tuple[int, ...] | None = None,
    entry: str = "pixel",
) -> np.ndarray:
    """A new array of the type that is stored.

    Whole numbers and booleans stay what they are; floats are rounded to the nearest one of the
    stored type. What is given may be anything that numpy makes an array of numbers of.

    Args:
      value: one number if ``tail`` is None, else numbers ``[rows, *tail]``; without rows any shape.
      dtype: what is stored: integers, floats or booleans.
      name: of the column, for messages.
      where: that has it, for example ``"Event 3 for a.h5, view Y"``.
      tail: shape of a row.
      entry: what a row is.

    Raises:
      InputError: no numbers, another shape, masked entries, a number out of range, a fraction where
        whole numbers are stored, a finite number that would become infinite.

    >>> as_stored([1.0, 2.0], np.int8, name="labels", where="Event 0", tail=())
    array([1, 2], dtype=int8)
    >>> as_stored([7, 300], np.uint8, name="overlap", where="Event 0", tail=())
    Traceback (most recent call last):
        ...
    jaxsparse.errors.InputError: Event 0: overlap 300 of pixel 1 must be a whole number from 0 to
    255, uint8 is what is stored: change it
    """
    dtype = np.dtype(dtype)
    given = _array(value, name, where)
    rows = () if tail is None else ("rows", *tail)
    if tail is not None and given.ndim and given.size == 0:
        return np.zeros((0, *tail), dtype)
    has_shape = given.ndim == len(rows) and given.shape[1:] == rows[1:]
    if has_shape and given.dtype == dtype:
        return given.copy()
    numbers = given.dtype.kind in "biuf"
    if numbers and not has_shape:
        shape = f"[{', '.join(map(str, rows))}]" if rows else "a single number"
        raise InputError(f"{where}: {name} has shape {given.shape}: must be {shape}")
    good = _fits(given, dtype) if numbers else _plain(given)
    if not good.all():
        place = np.unravel_index(int(np.argmin(good)), good.shape)
        row = f" of {entry} {int(place[0])}" if place else ""
        raise InputError(
            f"{where}: {name} {given[place]}{row} must be {_rule(dtype)}, {dtype.name} is what is "
            "stored: change it"
        )
    with np.errstate(all="ignore"):
        return given.astype(dtype)


def _array(value: Any, name: str, where: str) -> np.ndarray:
    if np.ma.is_masked(value):
        raise InputError(f"{where}: {name} has masked entries: drop them, or fill them in")
    try:
        given = np.asarray(value)
        # One of objects may hold plain numbers all the same.
        return np.asarray(given.tolist()) if given.dtype == object else given
    except (TypeError, ValueError, OverflowError) as error:  # lists of lists of different length
        reason = one_line(error)
        raise InputError(f"{where}: {name} is no array ({reason}): give numbers") from None


def _fits(given: np.ndarray, dtype: np.dtype) -> np.ndarray:
    """Which numbers the type can hold."""
    if dtype.kind == "f":
        with np.errstate(all="ignore"):
            return np.isfinite(given.astype(dtype)) | ~np.isfinite(given)
    low, high = _range(dtype)
    if given.dtype.kind != "f":
        return (given >= low) & (given <= high)
    # The largest integer is no float, but one more than it is.
    wide = given.astype(np.float64) if given.dtype.itemsize < 8 else given
    return (wide >= low) & (wide < float(high + 1)) & (wide == np.floor(wide))


def _plain(given: np.ndarray) -> np.ndarray:
    """Of what is no array of numbers, which entries are; never all, so that one can be named."""
    single = [np.asarray(entry).dtype.kind in "biuf" for entry in given.reshape(-1).tolist()]
    return np.reshape(single, given.shape) & (not all(single))


def _range(dtype: np.dtype) -> tuple[int, int]:
    if dtype.kind == "b":
        return 0, 1
    return int(np.iinfo(dtype).min), int(np.iinfo(dtype).max)


def _rule(dtype: np.dtype) -> str:
    if dtype.kind == "f":
        return "a number in its range"
    low, high = _range(dtype)
    return f"a whole number from {low} to {high}"
