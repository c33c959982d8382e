"""Instances by learned edges: what a head ``edges`` says of pairs of pixels.

A pair is of one particle if the head says so and both pixels have one class: the probability of
the first times that of the second, ``sum_c p_c q_c``.

Pairs that are surely of one particle make **fragments**, the components of their graph. A component
grows by a single wrong pair, so fragments are joined to **particles** by the mean of all pairs
between them: the average linkage of arXiv 1906.11713 (A. Bailoni and others, GASP).
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from scipy.special import expit

from jaxsparse.errors import InputError
from jaxsparse.inference.grouping.agglomeration import agglomerated
from jaxsparse.inference.grouping.near import components
from jaxsparse.inference.grouping.numbers import UNIT, numbered_apart
from jaxsparse.inference.grouping.seen import NOBODY, SeenEvent

# The best mean panoptic quality on 100 crops of a validation file (docs/panoptic.md).
SURE = 0.9  # probability from which on a pair makes a fragment
JOINED = 0.2  # mean probability from which on fragments are one particle


def fragments(event: SeenEvent, sure: float = SURE) -> list[np.ndarray]:
    """The components of the pairs whose probability of being of one particle is high, by view.

    Args:
      event: with edges.
      sure: the lowest probability that counts as high.

    Returns:
      One array a view, int32 ``[pixels]``: numbers of instances; -1 for a pixel of no class.

    Raises:
      InputError: the network has no head ``edges``.
    """

    def group(count: int, one: np.ndarray, other: np.ndarray, same: np.ndarray) -> np.ndarray:
        return components(count, one[same >= sure], other[same >= sure])

    return _by_edges(event, "fragments", group)


def particles(event: SeenEvent, sure: float = SURE, joined: float = JOINED) -> list[np.ndarray]:
    """Fragments joined, the likeliest first, while the mean probability between two is high.

    Arguments, result and errors as of :func:`fragments`.

    Args:
      joined: the lowest mean probability of all pairs between two that joins them.
    """

    def group(count: int, one: np.ndarray, other: np.ndarray, same: np.ndarray) -> np.ndarray:
        surely = same >= sure
        fragment = components(count, one[surely], other[surely])
        units = np.rint(same * UNIT).astype(np.int64)
        number = int(fragment.max(initial=NOBODY)) + 1
        found = agglomerated(number, fragment[one], fragment[other], units, joined * UNIT)
        return found[fragment]

    return _by_edges(event, "particles", group)


def _by_edges(event: SeenEvent, name: str, group: Callable[..., np.ndarray]) -> list[np.ndarray]:
    """Numbers of every view by a function of the number of pixels and of pairs: both ends and the
    probability. It is given pixels in lexicographic order, so that the given order does not matter.
    """
    if event.edges is None:
        raise InputError(
            f"grouping is {name!r}, but the network has no head edges: choose another grouping"
        )
    numbers = []
    for view, edges in zip(event.views, event.edges, strict=True):
        named = view.called >= 0
        order = np.lexsort(view.coords.T[::-1])
        order = order[named[order]]
        place = np.full(len(named), NOBODY)
        place[order] = np.arange(len(order))
        kept = named[edges.one] & named[edges.other]
        one, other = edges.one[kept], edges.other[kept]
        scores = view.scores.astype(np.float64)
        same = expit(edges.same[kept].astype(np.float64)) * (scores[one] * scores[other]).sum(1)
        of_view = np.full(len(named), NOBODY)
        of_view[order] = group(len(order), place[one], place[other], same)
        numbers.append(of_view)
    return numbered_apart(numbers)
