"""Draws by weights."""

from __future__ import annotations

import numpy as np


def choose(weight: np.ndarray, rng: np.random.Generator) -> int:
    """An index drawn with probability proportional to ``weight`` (``[n]``, not all 0)."""
    return pick(np.cumsum(weight), rng)


def pick(running: np.ndarray, rng: np.random.Generator) -> int:
    """As ``choose``, from the running sum of the weights."""
    index = int(np.searchsorted(running, rng.random() * running[-1], side="right"))
    return min(index, len(running) - 1)
