"""Groupings: from what a network says of the pixels of an event to instances of particles.

A grouping takes a :class:`SeenEvent` and gives one array a view, int32 ``[pixels]``: the number of
the pixel's instance, -1 for none. A grouping that links the views gives a particle one number in
all of them, any other gives numbers that differ from view to view. The same pixels in another order
get the same instances, and the time is bounded by the number of pixels. A new one is a function in
a file of its own and a line in :data:`GROUPINGS`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

import numpy as np

from jaxsparse.errors import InputError
from jaxsparse.inference.grouping.dbscan import dbscan
from jaxsparse.inference.grouping.linked import linked, neighbours
from jaxsparse.inference.grouping.numbers import instance_classes
from jaxsparse.inference.grouping.queries import queries
from jaxsparse.inference.grouping.seen import NOBODY, Queries, SeenEvent, SeenView

Grouping = Callable[[SeenEvent], list[np.ndarray]]

GROUPINGS: dict[str, Grouping] = {
    "linked": linked,
    "dbscan": dbscan,
    "neighbours": neighbours,
    "queries": queries,
}


def grouping_of(asked: str, heads: Iterable[str]) -> str:
    """The name of the grouping to use, ``""`` for none.

    Args:
      asked: what the user chose; if empty, that of the head ``instance`` if there is one.
      heads: of the network.

    Raises:
      InputError: no such grouping, or one whose head the network does not have.

    >>> grouping_of("", ("semantic",)), grouping_of("", ("semantic", "instance"))
    ('', 'queries')
    """
    heads = tuple(heads)
    if asked and asked not in GROUPINGS:
        raise InputError(f"grouping is {asked!r}: it must be one of {', '.join(GROUPINGS)}")
    if asked == "queries" and "instance" not in heads:
        others = ", ".join(name for name in GROUPINGS if name != "queries")
        raise InputError(
            f"grouping is 'queries', but the network has no head instance (heads "
            f"{', '.join(heads)}): choose one of {others}"
        )
    return asked or ("queries" if "instance" in heads else "")


__all__ = [
    "GROUPINGS", "NOBODY", "Grouping", "Queries", "SeenEvent", "SeenView", "grouping_of",
    "instance_classes",
]  # fmt: skip
