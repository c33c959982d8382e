"""Fragments joined to particles by a second classifier, of pairs of fragments.

A pair of pixels sees its surroundings; a pair of fragments sees how long both are, whether they
point at each other and what they are made of. What a classifier says of two fragments, such as a
:class:`jaxsparse.inference.joiner.Joiner`, takes the place of what the head ``edges`` says of every
pair of pixels across; joining goes on as for ``particles``.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from jaxsparse.inference.grouping.edges import SURE, SortedPairs, by_edges, join_fragments
from jaxsparse.inference.grouping.fragment_pairs import FragmentPairs
from jaxsparse.inference.grouping.seen import SeenEvent

LEAST = 0.3  # mean probability that joins; docs/panoptic_wires.md

# Of features ``[pairs, features]`` probabilities ``[pairs]`` that both are of one particle.
SaysJoined = Callable[[np.ndarray], np.ndarray]


def joined(
    event: SeenEvent, joiner: SaysJoined, sure: float = SURE, least: float = LEAST
) -> list[np.ndarray]:
    """Fragments joined, the likeliest first, while the mean probability between two is high.

    Args:
      event: with edges, and with values as the joiner's training had them.
      joiner: says of pairs of fragments whether both are of one particle.
      sure: the probability that makes fragments.
      least: the lowest mean, over the pairs of pixels between two, that joins them.

    Returns:
      One array a view, int32 ``[pixels]``: numbers of instances; -1 for a pixel of no class.

    Raises:
      InputError: the network has no head ``edges``, or the joiner is of another one's classes.
    """

    def group(pixels: SortedPairs) -> np.ndarray:
        fragment = pixels.fragments(sure)
        pairs = FragmentPairs.of(pixels, fragment)
        same = pixels.same.copy()
        same[pairs.across] = joiner(pairs.features)[pairs.member]
        return join_fragments(pixels, fragment, same, least)

    return by_edges(event, "joined", group)


def truth_of_pairs(pairs: FragmentPairs, fragment: np.ndarray, instance: np.ndarray) -> np.ndarray:
    """Whether both fragments of a pair are of one particle, that of most of their pixels.

    Args:
      pairs: of one view.
      fragment: int64 ``[pixels]``.
      instance: int ``[pixels]``, true particles, -1 for none.

    Returns:
      int64 ``[pairs]``: 1, 0, or -1 where one of them has no pixel with a particle.
    """
    known = instance >= 0
    count, most = int(fragment.max(initial=-1)) + 1, int(instance.max(initial=-1)) + 1
    keys, number = np.unique(fragment[known] * max(most, 1) + instance[known], return_counts=True)
    of, particle = np.divmod(keys, max(most, 1))
    order = np.lexsort((particle, -number, of))
    first = order[np.unique(of[order], return_index=True)[1]]
    owner = np.full(count, -1)
    owner[of[first]] = particle[first]
    one, other = owner[pairs.one], owner[pairs.other]
    return np.where((one >= 0) & (other >= 0), one == other, -1).astype(np.int64)
