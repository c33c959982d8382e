"""Columns of numbers as bytes that a script reads without parsing them."""

from __future__ import annotations

import base64
from typing import Any

import numpy as np

INTEGERS = (np.uint8, np.int8, np.uint16, np.int16, np.int32)
ALIGNMENT = 4  # bytes, of the largest type


class Columns:
    """Arrays in one run of bytes, little endian, each where a typed array of a browser may begin.

    >>> columns = Columns()
    >>> columns.add(np.array([1, 300])), columns.add(np.array([0.5]))
    ({'type': 'uint16', 'offset': 0, 'length': 2}, {'type': 'float32', 'offset': 4, 'length': 1})
    >>> columns.text()
    'AQAsAQAAAD8='
    """

    def __init__(self) -> None:
        self._bytes = bytearray()

    def add(self, values: np.ndarray) -> dict[str, Any]:
        """Appends a column.

        Args:
          values: one axis; integers are stored in the smallest type that holds them, flags as 0
            and 1, other numbers as float32.

        Returns:
          Where it is: ``type``, ``offset`` in bytes, ``length`` in numbers.
        """
        stored = values.astype(_stored_type(values))
        self._bytes += bytes(-len(self._bytes) % ALIGNMENT)
        offset = len(self._bytes)
        self._bytes += stored.astype(stored.dtype.newbyteorder("<")).tobytes()
        return {"type": stored.dtype.name, "offset": offset, "length": len(stored)}

    def text(self) -> str:
        """All of them as base64."""
        return base64.b64encode(self._bytes).decode()


def _stored_type(values: np.ndarray) -> np.dtype:
    if values.dtype == np.bool_:
        return np.dtype(np.uint8)
    if values.dtype.kind not in "iu":
        return np.dtype(np.float32)
    low, high = (int(values.min()), int(values.max())) if len(values) else (0, 0)
    fitting = (
        kind for kind in INTEGERS if np.iinfo(kind).min <= low and high <= np.iinfo(kind).max
    )
    return np.dtype(next(fitting, np.float32))
