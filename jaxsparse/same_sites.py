"""Whether operands lie on the same sites, as far as can be told where they meet."""

from __future__ import annotations

import contextlib
import functools
import threading
from collections.abc import Iterator
from typing import Any, Protocol

import jax
import numpy as np

from jaxsparse import origins
from jaxsparse.errors import InputError

TO_ONE_LEVEL = (
    "bring both to one level: down by nn.StridedConv or a pooling, up by nn.InverseConv or "
    "ops.average_unpooling"
)


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
    told apart by what they were made of, see :mod:`jaxsparse.origins`, and within
    :func:`checking_sites` the compiled program compares them.

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
    if x.coords is other.coords:
        return
    compare = functools.partial(_compare, relation=relation, remedy=remedy)
    if _at_hand(x.coords) and _at_hand(other.coords):
        compare(x.coords, other.coords)
        return
    difference = origins.difference(x.coords, other.coords)
    if difference:
        raise InputError(
            f"x has the sites {difference[0]}: {relation} those {difference[1]}, {remedy}; "
            "if the rows are the same all the same, say so with y.replace(features=x.features)"
        )
    if _checking:
        jax.debug.callback(compare, x.coords, other.coords)


def check_order(x: HasSites, count: Any) -> None:
    """Within :func:`checking_sites`, refuses coordinates that are not as tensors have them.

    A look at them takes a tenth of the time of a geometry and more: outside nobody looks.

    Args:
      x: its first ``count`` rows must be sites within the volume, in lexicographic order, none
        twice; the others must be padding, -1.
      count: of its sites.

    Raises:
      InputError: they are not.
    """
    if not _checking:
        return
    look = functools.partial(_look, limits=(x.batch_size, *x.spatial_shape))
    if _at_hand(x.coords) and _at_hand(count):
        look(x.coords, count)
    else:
        jax.debug.callback(look, x.coords, count)


# Blocks that are open, of all threads together, as JAX keeps compiled programs for all threads.
_checking = 0
_lock = threading.Lock()


@contextlib.contextmanager
def checking_sites() -> Iterator[None]:
    """Within, programs look at the sites of sparse operands when they run: to find a bug.

    For what cannot be told when a program is traced, above all two arguments of one compiled
    function, whose sites are compared. What a geometry or a connection is made of must have its
    sites in order, none twice, and -1 in padding rows, as all tensors of the library do; the
    constructor :class:`jaxsparse.SparseTensor` takes any. A program that finds a difference ends
    with JAX's ``JaxRuntimeError``, whose text has the line of the ``InputError``. All programs are
    compiled anew, within and afterwards, and coordinates go to the host for every comparison; such
    a program cannot be exported. It holds for all threads until the last block ends. A program that
    ``jit(f).lower(...).compile()`` made before is not compiled anew: it compares nothing.

    >>> from jaxsparse import sparse_tensor
    >>> x, y = (sparse_tensor([[0, i]], [[1.0]], spatial_shape=(4,), batch_size=1) for i in (1, 2))
    >>> add = jax.jit(lambda x, y: x + y)
    >>> add(x, y).features.tolist()  # paired by row number
    [[2.0]]
    >>> with checking_sites():  # doctest: +IGNORE_EXCEPTION_DETAIL
    ...     add(x, y)
    Traceback (most recent call last):
        ...
    jax.errors.JaxRuntimeError: x has site [0, 1] in row 0: y has [0, 2] there
    """
    _count_blocks(1)
    try:
        yield
        jax.effects_barrier()
    finally:
        _count_blocks(-1)


def _count_blocks(change: int) -> None:
    global _checking
    with _lock:
        _checking += change
        jax.clear_caches()  # the programs of before compare nothing, or are to compare no longer


def _compare(here: Any, there: Any, *, relation: str, remedy: str) -> None:
    here, there = np.asarray(here), np.asarray(there)
    rows = np.flatnonzero((here != there).any(axis=1))
    if rows.size:
        row = int(rows[0])
        raise InputError(
            f"x has site {here[row].tolist()} in row {row}: {relation} {there[row].tolist()} "
            f"there, {remedy}"
        )


def _look(coords: Any, count: Any, *, limits: tuple[int, ...]) -> None:
    rows, number = np.asarray(coords), int(count)
    remedy = "make the tensor with jaxsparse.sparse_tensor or ops.voxelize"
    if not 0 <= number <= len(rows):
        raise InputError(
            f"num_active is {number}: must be from 0 to the {len(rows)} rows of coordinates, "
            f"{remedy}"
        )
    sites, padding = rows[:number], rows[number:]
    outside = np.flatnonzero(((sites < 0) | (sites >= np.array(limits))).any(axis=1))
    if outside.size:
        row = int(outside[0])
        raise InputError(
            f"x has site {sites[row].tolist()} in row {row}: must be from 0 to below "
            f"{list(limits)}, event first, {remedy}"
        )
    step = np.diff(sites.astype(np.int64), axis=0)
    first = (step != 0).argmax(axis=1)[:, None]  # the axis that decides
    wrong = np.flatnonzero(np.take_along_axis(step, first, axis=1)[:, 0] <= 0)
    if wrong.size:
        row = int(wrong[0])
        raise InputError(
            f"x has site {sites[row].tolist()} in row {row} before {sites[row + 1].tolist()}: must "
            f"be in lexicographic order and none twice, {remedy}"
        )
    filled = np.flatnonzero((padding != -1).any(axis=1))
    if filled.size:
        row = int(filled[0])
        raise InputError(
            f"x has {padding[row].tolist()} in row {number + row}, after its {number} sites: "
            f"padding rows must hold -1, {remedy}"
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
