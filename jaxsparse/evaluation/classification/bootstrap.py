"""Statistical errors by drawing events with replacement (Efron's bootstrap), without a loop.

A figure that depends on the events through counts only (how many fell into each cell of a table)
needs no event to be drawn: the counts of a resampled set are multinomial with the observed shares,
exactly. So a thousand samples of a table cost the same for ten events and for ten million.

The errors say how much a figure would move with another sample of events. They know nothing of
another training: that takes several seeds. A part that is all right or all wrong has an error of 0,
which then only says that the bootstrap cannot see one.
"""

from __future__ import annotations

import numpy as np

from jaxsparse.evaluation.spread import spread

SAMPLES = 1000


def resampled_counts(counts: np.ndarray, *, samples: int = SAMPLES, seed: int = 0) -> np.ndarray:
    """Tables of counts of resampled sets of events.

    Args:
      counts: integers of any shape: events by cell, every event in exactly one cell.
      samples: how many sets to draw, each of as many events as there are.
      seed: of the draws.

    Returns:
      int64 ``[samples, *counts.shape]``.

    >>> resampled_counts(np.array([[4, 0], [3, 3]]), samples=5).sum((1, 2)).tolist()
    [10, 10, 10, 10, 10]
    """
    total = int(counts.sum())
    if total == 0:
        return np.zeros((samples, *counts.shape), np.int64)
    shares = (counts / total).ravel()
    draws = np.random.default_rng(seed).multinomial(total, shares / shares.sum(), samples)
    return draws.reshape(samples, *counts.shape)


def error_of_mean(values: np.ndarray, *, samples: int = SAMPLES, seed: int = 0) -> float:
    """Standard error of the mean of a number that every event has; NaN for fewer than two events.

    Args:
      values: float ``[events]``, for example 1 right, 0 wrong, or the part of several repeats.

    >>> round(error_of_mean(np.repeat([0.0, 1.0], 50)), 2)  # sqrt(1/4 / 100)
    0.05
    """
    if len(values) < 2:
        return float("nan")
    distinct, counts = np.unique(values, return_counts=True)
    draws = resampled_counts(counts, samples=samples, seed=seed)
    return float(spread(draws @ distinct / len(values)))
