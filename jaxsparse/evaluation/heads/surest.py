"""The events that a gallery shows: the surest right ones and the surest wrong ones of a class."""

from __future__ import annotations

import numpy as np

from jaxsparse.evaluation.scored import Scored


def surest_events(scored: Scored, label: int, number: int) -> tuple[list[int], list[int]]:
    """Numbers of the events of a true class with the highest scores of what they are called.

    Args:
      scored: scores and truth.
      label: the true class.
      number: how many of each at most.

    Returns:
      Those called rightly and those called wrongly, the surest first.

    >>> scored = Scored.of([[0.6, 0.4], [0.9, 0.1], [0.2, 0.8]], [0, 0, 0], "ab")
    >>> surest_events(scored, 0, 5)
    ([1, 0], [2])
    """
    order = np.argsort(-scored.scores.max(1, initial=0.0), kind="stable")
    own = order[scored.truth[order] == label]
    right = scored.right[own]
    return own[right][:number].tolist(), own[~right][:number].tolist()
