"""What JSON in the strict sense can hold."""

from __future__ import annotations

import math
from typing import Any

import numpy as np


def plain(value: Any) -> Any:
    """The value as strict JSON can hold it: NaN and infinity become ``None``.

    >>> plain({"a": [1.0, float("nan")], "b": np.float32(2)})
    {'a': [1.0, None], 'b': 2.0}
    """
    if isinstance(value, dict):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    if isinstance(value, np.ndarray):
        return plain(value.tolist())
    if isinstance(value, np.generic):
        return plain(value.item())
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value
