"""Whether operands lie on the same sites, as far as can be told where they meet."""

from __future__ import annotations

from typing import Any, Protocol

import jax
import numpy as np

from jaxsparse import origins
from jaxsparse.errors import InputError


class HasSites(Protocol):
    """A SparseTensor, a ``Level`` of a geometry, or ``Sites``."""

    @property
    def coords(self) -> Any: ...
    @property
    def stride(self) -> tuple[int, ...]: ...
    @property
    def spatial_shape(self) -> tuple[int, ...]: ...
    @property
    def batch_size(self) -> int: ...
    @property
    def capacity(self) -> int: ...


def check_same_sites(x: HasSites, other: HasSites, relation: str, remedy: str) -> None:
    """Refuses operands on different sites, whose rows would be paired by number in silence.

    Stride, shape, number of events and capacity are static and always compared. Coordinates are
    compared where both arrays are at hand. Under ``jit`` and its kin they are not; there sites are
    told apart by what they were made of, see :mod:`jaxsparse.origins`.

    Args:
      x: what was given.
      other: what it is to lie on.
      relation: how the error speaks of ``other``, for example ``"the connection reads"``.
      remedy: the end of the error.

    Raises:
      InputError: other sites.

    >>> from jaxsparse.ops import given_sites
    >>> x, y = (given_sites([[0, i]], spatial_shape=(4,), batch_size=1) for i in (1, 2))
    >>> check_same_sites(x, y, "y has", "take their union")
    Traceback (most recent call last):
        ...
    jaxsparse.errors.InputError: x has site [0, 1] in row 0: y has [0, 2] there, take their union
    """
    given = (x.stride, x.spatial_shape, x.batch_size, x.capacity)
    expected = (other.stride, other.spatial_shape, other.batch_size, other.capacity)
    if given != expected:
        raise InputError(
            f"x has stride, shape, events and capacity {given}: {relation} {expected}, {remedy}"
        )
    if known_to_differ(x.coords, other.coords):
        here, there = np.asarray(x.coords), np.asarray(other.coords)
        row = int(np.flatnonzero((here != there).any(axis=1))[0])
        raise InputError(
            f"x has site {here[row].tolist()} in row {row}: {relation} {there[row].tolist()} "
            f"there, {remedy}"
        )
    if not (_at_hand(x.coords) and _at_hand(other.coords)):
        difference = origins.difference(x.coords, other.coords)
        if difference:
            raise InputError(
                f"x has the sites {difference[0]}: {relation} those {difference[1]}, {remedy}; "
                "if the rows are the same all the same, say so with y.replace(features=x.features)"
            )


def known_to_differ(one: Any, other: Any) -> bool:
    """Whether two arrays of one shape are at hand and hold different values.

    Layers hand coordinates on as they are, so it is almost always one object that is compared with
    itself.
    """
    if one is other or not (_at_hand(one) and _at_hand(other)):
        return False
    return not np.array_equal(np.asarray(one), np.asarray(other))


def _at_hand(array: Any) -> bool:
    if isinstance(array, jax.core.Tracer):
        return False
    # Of an array that is spread over several hosts each has a part only.
    return isinstance(array, np.ndarray) or (
        isinstance(array, jax.Array) and array.is_fully_addressable
    )
