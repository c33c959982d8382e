"""What coordinates were made of: how sites are told apart where their values are not known.

Under ``jit`` an array of coordinates is a tracer without values, but it is still one object, and
tensors on the same sites hold the same object. So the object is the identity of its sites, and an
operation that makes sites out of others notes what it did: ``derived(new, "pruned", old, keep)``.
Two arrays that go back to a common array by different ways are different sites. Nothing is said of
arrays without a common origin, such as two arguments of a compiled function, which may well be
equal: :func:`jaxsparse.checking_sites` compares those when the program runs.

Notes are kept beside the arrays, in a table of weak references, and not in the pytrees: a static
field would be part of the structure that ``jit`` caches by, that ``scan`` and ``cond`` compare and
that ``jax.export`` writes, so that every pruned batch would compile anew. A note goes with its
array, holds no array itself, and ends at the boundary of a traced function, behind which there
are new tracers: ``checkpoint``, ``scan`` and a nested ``jit`` forget, and never refuse what is
right.
"""

from __future__ import annotations

import contextlib
import dataclasses
import itertools
import weakref
from typing import Any


@dataclasses.dataclass(frozen=True)
class Origin:
    """How an array came to be.

    Attributes:
      how: what was done, as an error says it; empty for an array that was given.
      parts: origins of the arrays and static values that it was done with, a set where their
        order does not matter; the number of a given array.
    """

    how: str
    parts: tuple[Any, ...] | frozenset[Any]

    def roots(self) -> frozenset[int]:
        """Numbers of the given arrays that it goes back to."""
        if not self.how:
            return frozenset(self.parts)
        origins = [part for part in self.parts if isinstance(part, Origin)]
        return frozenset(root for origin in origins for root in origin.roots())


_numbers = itertools.count()
_known: dict[int, tuple[Any, Origin]] = {}


def derived(new: Any, how: str, *parts: Any, ordered: bool = True) -> Any:
    """Notes that ``new`` holds sites made from others.

    Args:
      new: their coordinates.
      how: for an error, "x has the sites {how}": ``"pruned from others"``.
      parts: arrays that it depends on, coordinates among them, and what else distinguishes it.
        Sites made in the same way from the same parts are the same.
      ordered: whether the order of the parts matters.

    Returns:
      ``new``.
    """
    origins = (_part(part) for part in parts)
    _note(new, Origin(how, tuple(origins) if ordered else frozenset(origins)))
    return new


def scaled(new: Any, old: Any, factors: tuple[int, ...]) -> Any:
    """Notes that ``new`` holds the distinct ``floor(x / factors)`` of the sites ``old``.

    By 2 and by 2 again is by 4.
    """
    origin = origin_of(old)
    if origin.how == _SCALED:
        origin, before = tuple(origin.parts)
        factors = tuple(a * b for a, b in zip(before, factors, strict=True))
    _note(new, Origin(_SCALED, (origin, factors)))
    return new


_SCALED = "of a coarser level"


def origin_of(array: Any) -> Origin:
    """The note on an array; one that has none is given."""
    entry = _known.get(id(array))
    if entry is not None and entry[0]() is array:
        return entry[1]
    origin = Origin("", (next(_numbers),))
    _note(array, origin)
    return origin


def difference(one: Any, other: Any) -> tuple[str, str] | None:
    """In words, how two arrays of coordinates differ; None where they may be the same."""
    if one is other:
        return None
    origins = origin_of(one), origin_of(other)
    if origins[0] == origins[1] or not origins[0].roots() & origins[1].roots():
        return None
    here, there = (origin.how or "that were given" for origin in origins)
    return (here, there) if here != there else (here, f"{there} in another way")


def _part(part: Any) -> Any:
    return origin_of(part) if hasattr(part, "shape") else part


def _note(array: Any, origin: Origin) -> None:
    key = id(array)

    def forget(reference: Any) -> None:
        if key in _known and _known[key][0] is reference:
            del _known[key]

    with contextlib.suppress(TypeError):  # a shape alone, of jax.eval_shape
        _known[key] = weakref.ref(array, forget), origin
