"""Two classifiers on the same events: which is better, and is it more than luck?

Both see the same events, so what they share cancels. With ``a`` only the first right and ``b`` only
the second, the difference of accuracies is ``(a - b) / N``. McNemar's test asks whether ``a`` could
be half of ``a + b`` by chance, exactly (binomial, two-sided; Q. McNemar, Psychometrika 12 (1947)
153). The error of the difference is a bootstrap over the events in pairs.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy.stats import binomtest, norm

from jaxsparse.errors import InputError
from jaxsparse.evaluation.metrics.bootstrap import error_of_mean


def compare(first: np.ndarray, second: np.ndarray, *, seed: int = 0) -> dict[str, Any]:
    """Compares what two classifiers got right on the same events.

    Args:
      first, second: ``[events]``, whether each event is right; or ``[repeats, events]`` where every
        event was classified several times (the repeats of a cross-validation): then the parts of
        the repeats that are right are paired, and events, not repeats, are drawn.
      seed: of the draws.

    Returns:
      ``accuracy_first``, ``accuracy_second``, their ``difference`` (first less second) and its
      ``error``; ``only_first``, ``only_second`` right (mean over repeats); ``p_value`` two-sided:
      McNemar's exact test, for repeats that of ``difference / error`` as a normal number. NaN
      without an event.

    Raises:
      InputError: arrays of different shapes.

    >>> first = np.repeat([True, True, False, False], [80, 15, 3, 2])
    >>> second = np.repeat([True, False, True, False], [80, 15, 3, 2])
    >>> result = compare(first, second)
    >>> result["difference"], result["only_first"], result["only_second"]
    (0.12, 15.0, 3.0)
    >>> round(result["error"], 2), round(result["p_value"], 4)
    (0.04, 0.0075)
    """
    first, second = np.asarray(first, float), np.asarray(second, float)
    if first.shape != second.shape or first.ndim not in (1, 2):
        raise InputError(
            f"first is {list(first.shape)} but second {list(second.shape)}: both must be of the "
            "same events, and of the same repeats"
        )
    repeated = first.ndim == 2
    first, second = np.atleast_2d(first), np.atleast_2d(second)
    events = first.shape[1]
    nothing = float("nan")
    only_first = float((first * (1 - second)).sum(1).mean())
    only_second = float((second * (1 - first)).sum(1).mean())
    difference = (first - second).mean(0)
    mean = float(difference.mean()) if events else nothing
    error = error_of_mean(difference, seed=seed)
    if repeated:
        p_value = float(2 * norm.sf(abs(mean) / error)) if error > 0 else nothing
    elif only_first + only_second:
        p_value = float(binomtest(int(only_first), int(only_first + only_second)).pvalue)
    else:
        p_value = 1.0 if events else nothing
    return {
        "accuracy_first": float(first.mean()) if events else nothing,
        "accuracy_second": float(second.mean()) if events else nothing,
        "difference": mean,
        "error": error,
        "only_first": only_first,
        "only_second": only_second,
        "p_value": p_value,
    }
