"""Instances by learned edges: what a head ``edges`` says of pairs of pixels.

A pair is of one particle if the head says so and both pixels have one class: the probability of
the first times that of the second, ``sum_c p_c q_c``.

Pairs that are surely of one particle make **fragments**, the components of their graph. A component
grows by a single wrong pair, so fragments are joined to **particles** by the mean of all pairs
between them: the average linkage of arXiv 1906.11713 (A. Bailoni and others, GASP).
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

import numpy as np
from scipy.special import expit

from jaxsparse.errors import InputError
from jaxsparse.inference.grouping.agglomeration import agglomerated
from jaxsparse.inference.grouping.near import components
from jaxsparse.inference.grouping.numbers import UNIT, numbered_apart
from jaxsparse.inference.grouping.seen import NOBODY, Edges, SeenEvent, SeenView

# The best mean panoptic quality on 100 crops of a validation file (docs/panoptic_wires.md).
SURE = 0.9  # probability from which on a pair makes a fragment
JOINED = 0.2  # mean probability from which on fragments are one particle


@dataclasses.dataclass(frozen=True)
class SortedPairs:
    """Pixels of a view in lexicographic order, so that the given order does not matter, and pairs.

    Attributes:
      rows: int64 ``[pixels]``, of the view; those of no class are left out.
      coords: int64 ``[pixels, dim]``.
      values: float64 ``[pixels]``; 0 where the view has none.
      scores: float64 ``[pixels, classes]``.
      one, other: int64 ``[pairs]``, pixels in this order.
      same: float64 ``[pairs]``, probability that both are of one particle.
    """

    rows: np.ndarray
    coords: np.ndarray
    values: np.ndarray
    scores: np.ndarray
    one: np.ndarray
    other: np.ndarray
    same: np.ndarray

    @classmethod
    def of(cls, view: SeenView, edges: Edges) -> SortedPairs:
        named = view.called >= 0
        order = np.lexsort(view.coords.T[::-1])
        order = order[named[order]]
        place = np.full(len(named), NOBODY)
        place[order] = np.arange(len(order))
        kept = named[edges.one] & named[edges.other]
        one, other = place[edges.one[kept]], place[edges.other[kept]]
        scores = view.scores.astype(np.float64)[order]
        values = np.zeros(len(named)) if view.values is None else view.values.astype(np.float64)
        same = expit(edges.same[kept].astype(np.float64)) * (scores[one] * scores[other]).sum(1)
        coords = view.coords[order].astype(np.int64)
        return cls(order, coords, values[order], scores, one, other, same)

    def fragments(self, sure: float = SURE) -> np.ndarray:
        """int64 ``[pixels]``: the components of the pairs of at least this probability."""
        surely = self.same >= sure
        return components(len(self.rows), self.one[surely], self.other[surely])


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

    return by_edges(event, "fragments", lambda pixels: pixels.fragments(sure))


def particles(event: SeenEvent, sure: float = SURE, joined: float = JOINED) -> list[np.ndarray]:
    """Fragments joined, the likeliest first, while the mean probability between two is high.

    Arguments, result and errors as of :func:`fragments`.

    Args:
      joined: the lowest mean probability of all pairs between two that joins them.
    """

    def group(pixels: SortedPairs) -> np.ndarray:
        return join_fragments(pixels, pixels.fragments(sure), pixels.same, joined)

    return by_edges(event, "particles", group)


def join_fragments(
    pixels: SortedPairs, fragment: np.ndarray, same: np.ndarray, least: float
) -> np.ndarray:
    """Joins fragments by the mean of the pairs of pixels between two.

    Args:
      pixels: of a view, with their pairs.
      fragment: int64 ``[pixels]``, from 0 on.
      same: float ``[pairs]``, probability that both are of one particle.
      least: mean that joins.

    Returns:
      int64 ``[pixels]``, what each is of then.
    """
    units = np.rint(same * UNIT).astype(np.int64)
    number = int(fragment.max(initial=NOBODY)) + 1
    one, other = fragment[pixels.one], fragment[pixels.other]
    return agglomerated(number, one, other, units, least * UNIT)[fragment]


def by_edges(
    event: SeenEvent, name: str, group: Callable[[SortedPairs], np.ndarray]
) -> list[np.ndarray]:
    """Numbers of every view by a function of its pixels and pairs.

    Raises:
      InputError: the network has no head ``edges``; ``name`` is the grouping's.
    """
    if event.edges is None:
        raise InputError(
            f"grouping is {name!r}, but the network has no head edges: choose another grouping"
        )
    numbers = []
    for view, edges in zip(event.views, event.edges, strict=True):
        pixels = SortedPairs.of(view, edges)
        of_view = np.full(len(view.coords), NOBODY)
        of_view[pixels.rows] = group(pixels)
        numbers.append(of_view)
    return numbered_apart(numbers)
