"""Groupings: from what a network says of the pixels of an event to instances of particles.

A grouping takes a :class:`SeenEvent` and gives one array a view, int32 ``[pixels]``: the number of
the pixel's instance, -1 for none. A grouping that links the views gives a particle one number in
all of them, any other gives numbers that differ from view to view. The same pixels in another order
get the same instances, and the time is bounded by the number of pixels. A new one is a function in
a file of its own and a line in :data:`GROUPINGS`.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable, Sequence

import numpy as np

from jaxsparse.errors import InputError
from jaxsparse.inference.grouping.dbscan import dbscan
from jaxsparse.inference.grouping.edges import fragments, particles
from jaxsparse.inference.grouping.embedded import embedded
from jaxsparse.inference.grouping.joined import SaysJoined, joined
from jaxsparse.inference.grouping.linked import linked, neighbours
from jaxsparse.inference.grouping.numbers import instance_classes
from jaxsparse.inference.grouping.pair_network import PairNetwork
from jaxsparse.inference.grouping.parents import (
    TOLD_DTYPE,
    Kinds,
    instance_parents,
    particle_columns,
    told_particles,
)
from jaxsparse.inference.grouping.queries import queries
from jaxsparse.inference.grouping.seen import (
    NOBODY,
    Edges,
    Embedding,
    Queries,
    SeenEvent,
    SeenView,
    is_real,
    of_real,
)

Grouping = Callable[[SeenEvent], list[np.ndarray]]

GROUPINGS: dict[str, Grouping] = {
    "linked": linked,
    "dbscan": dbscan,
    "neighbours": neighbours,
    "queries": queries,
    "embedded": embedded,
    "fragments": fragments,
    "particles": particles,
}


# What groupings need a head for; the last one of a head is what a network with it brings.
HEAD_OF = {
    "queries": "instance",
    "embedded": "embedding",
    "fragments": "edges",
    "particles": "edges",
}
JOINED = "joined"  # by a classifier that is not the network's own


def grouping_by(name: str, joiner: SaysJoined | None = None) -> Grouping:
    """The grouping of a name of :data:`GROUPINGS`, or by a joiner where there is one.

    Args:
      name: of :func:`grouping_of`.
      joiner: of ``joined``.
    """
    return GROUPINGS[name] if joiner is None else functools.partial(joined, joiner=joiner)


def classes_and_parents(
    event: SeenEvent, numbers: Sequence[np.ndarray], kinds: Kinds
) -> tuple[list[np.ndarray], list[np.ndarray]]:
    """What the instances of an event are, and to which others they belong.

    Args:
      event: with the scores that name them.
      numbers: of every view int ``[pixels]``, -1 for none: what a grouping gives.
      kinds: which classes are tracks and which these set off.

    Returns:
      Of every view, for the instance of every pixel: its class and its parent, -1 for none.
    """
    classes = instance_classes(event, numbers)
    return classes, instance_parents(event, numbers, classes, kinds)


def grouping_of(asked: str, heads: Iterable[str], *, joiner: bool = False) -> str:
    """The name of the grouping to use, ``""`` for none.

    Args:
      asked: what the user chose; if empty, that of a head that tells particles if there is one.
      heads: of the network.
      joiner: whether one is given: then fragments are joined by it.

    Raises:
      InputError: no such grouping, or one whose head the network does not have; a joiner without
        the head ``edges`` or beside another grouping, or ``joined`` without a joiner.

    >>> grouping_of("", ("semantic",)), grouping_of("", ("semantic", "instance"))
    ('', 'queries')
    >>> grouping_of("", ("semantic", "edges"))
    'particles'
    """
    heads = tuple(heads)
    if joiner and "edges" not in heads:
        raise InputError(
            f"joiner: it joins fragments of a head edges, but the network has heads "
            f"{', '.join(heads)}: leave it out"
        )
    if joiner or asked == JOINED:
        if asked not in ("", JOINED) or not joiner:
            raise InputError(
                f"grouping is {asked!r} {'with a' if joiner else 'without a'} joiner: give "
                f"--joiner=FILE with {JOINED!r}, and with it alone"
            )
        return JOINED
    if asked and asked not in GROUPINGS:
        raise InputError(
            f"grouping is {asked!r}: it must be one of {', '.join(GROUPINGS)}, {JOINED}"
        )
    possible = [name for name in GROUPINGS if name not in HEAD_OF or HEAD_OF[name] in heads]
    if asked and asked not in possible:
        raise InputError(
            f"grouping is {asked!r}, but the network has no head {HEAD_OF[asked]} (heads "
            f"{', '.join(heads)}): choose one of {', '.join(possible)}"
        )
    learned = [name for name in possible if name in HEAD_OF]
    return asked or (learned[-1] if learned else "")


__all__ = [
    "GROUPINGS", "HEAD_OF", "JOINED", "NOBODY", "TOLD_DTYPE", "Edges", "Embedding", "Grouping",
    "Kinds", "PairNetwork", "Queries", "SeenEvent", "SeenView", "classes_and_parents",
    "grouping_by", "grouping_of", "is_real", "of_real", "particle_columns", "told_particles",
]  # fmt: skip
