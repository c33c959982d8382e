"""Tables as dataclasses whose fields are columns of equal length."""

from __future__ import annotations

import dataclasses
from typing import Any, TypeVar

import numpy as np

Table = TypeVar("Table", bound="Columns")


class Columns:
    """A dataclass of numpy arrays with a common first axis, one field a column.

    >>> @dataclasses.dataclass(frozen=True)
    ... class Pairs(Columns):
    ...     left: np.ndarray
    ...     right: np.ndarray
    >>> Pairs(np.arange(3), np.arange(3) * 2).take(slice(1, None))
    Pairs(left=array([1, 2]), right=array([2, 4]))
    """

    def take(self: Table, rows: np.ndarray | slice) -> Table:
        """Some of the rows, by boolean mask, number or slice."""
        this: Any = self
        names = [field.name for field in dataclasses.fields(this)]
        return type(self)(**{name: getattr(self, name)[rows] for name in names})
