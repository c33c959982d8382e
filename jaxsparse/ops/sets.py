"""Sites as sets: union, intersection, pruning, cropping. Results are in canonical order."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Int

from jaxsparse.errors import InputError
from jaxsparse.features import check_rows
from jaxsparse.integers import INT32_MAX, integers, positive
from jaxsparse.ops import coordinates
from jaxsparse.ops.int32 import clipped_int32
from jaxsparse.ops.lookup import Lookup
from jaxsparse.ops.one_program import one_program
from jaxsparse.ops.padding import fill_padding
from jaxsparse.ops.rows import take_rows
from jaxsparse.ops.sites import Sites
from jaxsparse.origins import derived
from jaxsparse.same_sites import TO_ONE_LEVEL
from jaxsparse.tensor import SparseTensor, check_room, check_tensor

Combine = str | Callable[[Array, Array], Array]
COMBINATIONS = ("add", "concatenate")


def union(
    x: SparseTensor, y: SparseTensor, *, combine: Combine = "add", capacity: int | None = None
) -> SparseTensor:
    """The sites of either tensor, with ``combine(features of x, features of y)``.

    A tensor that lacks a site gives zeros there. Traceable.

    Args:
      x: sites of some level.
      y: sites of the same level, shape and batch size.
      combine: ``"add"``; ``"concatenate"``, the channels of ``x`` and then those of ``y``; or a
        function of two ``[capacity, channels]`` arrays that looks at one site at a time. On
        padding rows it is given the numbers of the first site, and what it makes of them is
        replaced by zero: it need not be differentiable, or finite, anywhere else.
      capacity: rows of the result (static); None: those of both together, which always fits.
        Under ``jit`` the last sites are missing where a smaller one does not suffice:
        ``union_sites(x, y, capacity=...).fits`` tells.

    Returns:
      A tensor, differentiable any number of times in the features.

    Raises:
      InputError: tensors of different levels, channels that cannot be added, an unknown
        combination, a function that returns other rows, and, outside of ``jit``, more sites
        than ``capacity``.

    Source: agrees with the union of MinkowskiEngine (tests).

    >>> from jaxsparse import sparse_tensor
    >>> x = sparse_tensor([[0, 0], [0, 1]], [[1.0], [2.0]], spatial_shape=(4,), batch_size=1)
    >>> y = sparse_tensor([[0, 1], [0, 3]], [[3.0], [4.0]], spatial_shape=(4,), batch_size=1)
    >>> total = union(x, y)
    >>> total.coords.tolist(), total.features.tolist(), int(total.num_active)
    ([[0, 0], [0, 1], [0, 3], [-1, -1]], [[1.0], [5.0], [4.0], [0.0]], 3)
    """
    check_tensor(x)
    check_tensor(y, "y")
    sites, row = _union(x, y, capacity)
    join = _combination(x, y, combine)
    sources = (
        _sources(row[: x.capacity], sites.capacity),
        _sources(row[x.capacity :], sites.capacity),
    )
    return _joined((x, y), sources, join, sites.coords, sites.num_active)


def union_sites(
    x: SparseTensor | Sites, y: SparseTensor | Sites, *, capacity: int | None = None
) -> Sites:
    """The sites of ``union``, their true number, ``count``, and whether they found room, ``fits``.

    Args, errors: as of ``union``.

    >>> from jaxsparse.ops import given_sites
    >>> x, y = (given_sites([[0, i], [0, 2]], spatial_shape=(4,), batch_size=1) for i in (0, 3))
    >>> jax.jit(lambda x, y: union_sites(x, y, capacity=2).fits)(x, y)
    Array(False, dtype=bool)
    """
    return _union(x, y, capacity)[0]


def _union(x: Any, y: Any, capacity: int | None) -> tuple[Sites, Array]:
    """The sites of both, and the row of each of ``x`` and then of ``y``, ``capacity`` if none."""
    _check_same_level(x, y)
    enough = x.capacity + y.capacity
    capacity = enough if capacity is None else positive("capacity", capacity)
    sites, row = _joint_sites(Sites.of(x), Sites.of(y), capacity)
    check_room(sites.count, capacity, "the union has")
    derived(sites.coords, "of a union", x.coords, y.coords, ordered=False)
    return sites, row


@one_program("capacity")
def _joint_sites(x: Sites, y: Sites, capacity: int) -> tuple[Sites, Array]:
    coords = jnp.concatenate([x.coords, y.coords])
    valid = jnp.concatenate([x.mask, y.mask])
    words = coordinates.key_words(coords, valid, x.batch_size, x.spatial_shape)
    rank, num_sites = coordinates.rank_by_sort(words)
    row = jnp.where(valid & (rank < capacity), rank, capacity)
    # A site of both tensors writes equal coordinates twice.
    sites = jnp.full((capacity, coords.shape[1]), -1, jnp.int32).at[row].set(coords, mode="drop")
    return Sites(sites, num_sites, x.spatial_shape, x.batch_size, x.stride), row


def intersection(x: SparseTensor, y: SparseTensor, *, combine: Combine = "add") -> SparseTensor:
    """The sites of both tensors, with ``combine(features of x, features of y)``. Traceable.

    Args:
      x: sites of some level.
      y: sites of the same level, shape and batch size.
      combine: as in ``union``; it sees the common sites alone.

    Returns:
      A tensor of the capacity of ``x``, which always fits. Differentiable any number of times in
      the features.

    Raises:
      InputError: tensors of different levels, channels that cannot be added, an unknown
        combination, a function that returns other rows.

    >>> from jaxsparse import sparse_tensor
    >>> x = sparse_tensor([[0, 0], [0, 1]], [[1.0], [2.0]], spatial_shape=(4,), batch_size=1)
    >>> y = sparse_tensor([[0, 1], [0, 3]], [[3.0], [4.0]], spatial_shape=(4,), batch_size=1)
    >>> both = intersection(x, y, combine="concatenate")
    >>> both.coords.tolist(), both.features.tolist()
    ([[0, 1], [-1, -1]], [[2.0, 3.0], [0.0, 0.0]])
    """
    check_tensor(x)
    check_tensor(y, "y")
    _check_same_level(x, y)
    join = _combination(x, y, combine)
    # Selected before they are joined: off the common sites the function may have no derivative.
    sites, sources, num_active = _common_sites(Sites.of(x), Sites.of(y))
    derived(sites, "of an intersection", x.coords, y.coords, ordered=False)
    return _joined((x, y), sources, join, sites, num_active)


@one_program()
def _common_sites(x: Sites, y: Sites) -> tuple[Array, tuple[Array, Array], Array]:
    """Coordinates of the common sites, the rows of both that each comes from, and how many."""
    of_y = Lookup.of(y)(x.coords, x.mask)
    sites, of_x, num_active = _moved_up(x, of_y < y.capacity)
    return sites, (of_x, of_y.at[of_x].get(mode="fill", fill_value=y.capacity)), num_active


def prune(x: SparseTensor, keep: Bool[Array | np.ndarray, " sites"]) -> SparseTensor:
    """The sites where ``keep`` is True, moved up to the first rows in their order. Traceable.

    Args:
      x: the sites.
      keep: bool ``[capacity]``; what it says of padding rows does not matter.

    Returns:
      A tensor of the same capacity, level and shape. Differentiable any number of times in the
      features; the gradient of removed sites is zero.

    Raises:
      InputError: a mask of another shape or type.

    >>> from jaxsparse import sparse_tensor
    >>> x = sparse_tensor([[0, 0], [0, 1]], [[1.0], [2.0]], spatial_shape=(4,), batch_size=1)
    >>> prune(x, x.features[:, 0] > 1).coords.tolist()
    [[0, 1], [-1, -1]]
    """
    check_tensor(x)
    keep = jnp.asarray(keep)
    if keep.shape != (x.capacity,) or keep.dtype != bool:
        raise InputError(
            f"keep has shape {keep.shape} and type {keep.dtype}: must be bool [{x.capacity}]"
        )
    sites, sources, num_active = _moved_up(Sites.of(x), keep)
    derived(sites, "pruned from others", x.coords, keep)
    features = take_rows(x.features, sources, distinct=True)
    return _with_sites(x, sites, features, num_active)


def crop(
    x: SparseTensor, start: Int[Array | np.ndarray, " dim"] | Sequence[int], shape: Sequence[int]
) -> SparseTensor:
    """The sites within a box, with coordinates counted from its corner. Traceable.

    Kept are the sites with ``start <= coords < start + shape`` along every axis; they move to
    ``coords - start``. The box may reach beyond the volume.

    Args:
      x: the sites, of any level; all numbers here are in units of that level.
      start: int32 ``[D]``, or ``[batch_size, D]`` for a box of its own for every event; may be
        traced and may be negative.
      shape: lengths of the box (static), the ``spatial_shape`` of the result.

    Returns:
      A tensor of the same capacity, stride and batch size. Differentiable any number of times in
      the features.

    Raises:
      InputError: a shape or start of the wrong length, or a length below 1.

    >>> from jaxsparse import sparse_tensor
    >>> x = sparse_tensor([[0, 1], [0, 3]], [[1.0], [2.0]], spatial_shape=(4,), batch_size=1)
    >>> box = crop(x, (2,), (2,))
    >>> box.coords.tolist(), box.features.tolist(), box.spatial_shape
    ([[0, 1], [-1, -1]], [[2.0], [0.0]], (2,))
    """
    check_tensor(x)
    lengths = integers("shape", shape)
    if len(lengths) != x.dim:
        raise InputError(f"shape is {lengths}: must be {x.dim} lengths, as the tensor has axes")
    coordinates.key_groups(x.batch_size, lengths)
    corner = clipped_int32("start", start, low=-INT32_MAX)
    if corner.shape != (x.dim,) and corner.shape != (x.batch_size, x.dim):
        raise InputError(
            f"start has shape {corner.shape}: must be [{x.dim}] or [{x.batch_size}, {x.dim}]"
        )
    coords, inside = _moved_to_box(Sites.of(x), corner, lengths)
    box = prune(dataclasses.replace(x, coords=coords, spatial_shape=lengths), inside)
    traced = isinstance(start, jax.core.Tracer)
    where = start if traced else tuple(np.ravel(np.asarray(start)).tolist())
    derived(box.coords, "cropped from others", x.coords, where, lengths)
    return box


@one_program("lengths")
def _moved_to_box(x: Sites, corner: Array, lengths: tuple[int, ...]) -> tuple[Array, Array]:
    """Coordinates counted from the corner of the event's box, and which of them lie inside."""
    corner = jnp.broadcast_to(corner, (x.batch_size, x.dim))
    # A start further out selects nothing either, and differences stay within int32.
    low, high = -jnp.array([lengths], jnp.int32), jnp.array([x.spatial_shape], jnp.int32)
    moved = x.coords[:, 1:] - jnp.clip(corner, low, high)[jnp.maximum(x.coords[:, 0], 0)]
    inside = ((moved >= 0) & (moved < -low)).all(axis=1)
    return jnp.concatenate([x.coords[:, :1], moved], axis=1), inside


@one_program("capacity")
def _sources(row: Array, capacity: int) -> Array:
    """For every new row the old row that goes there, ``len(row)`` where none does."""
    number = jnp.arange(row.shape[0], dtype=jnp.int32)
    return jnp.full(capacity, row.shape[0], jnp.int32).at[row].set(number, mode="drop")


@one_program()
def _moved_up(x: Sites, keep: Array) -> tuple[Array, Array, Array]:
    """Coordinates of the sites to keep, the row that each comes from, and how many these are."""
    keep = keep & x.mask
    rank = jnp.cumsum(keep, dtype=jnp.int32) - 1
    row = jnp.where(keep, rank, x.capacity)
    sites = jnp.full_like(x.coords, -1).at[row].set(x.coords, mode="drop")
    return sites, _sources(row, x.capacity), jnp.sum(keep, dtype=jnp.int32)


def _joined(
    tensors: tuple[SparseTensor, SparseTensor],
    sources: tuple[Array, Array],
    join: Callable[[Array, Array, Array], Array],
    sites: Array,
    num_active: Array,
) -> SparseTensor:
    """Features of both from their source rows, joined on the sites."""
    of_x, of_y = (
        take_rows(tensor.features, rows, distinct=True)
        for tensor, rows in zip(tensors, sources, strict=True)
    )
    features = join(of_x, of_y, num_active)
    check_rows(features, sites.shape[0], "what combine returned")
    return _with_sites(tensors[0], sites, features, num_active)


def _with_sites(x: SparseTensor, coords: Array, features: Array, num_active: Array) -> SparseTensor:
    mask = jnp.arange(coords.shape[0], dtype=jnp.int32) < num_active
    features = jnp.where(mask[:, None], features, jnp.zeros((), features.dtype))
    return dataclasses.replace(x, coords=coords, features=features, num_active=num_active)


def _combination(
    x: SparseTensor, y: SparseTensor, combine: Combine
) -> Callable[[Array, Array, Array], Array]:
    """A function of the features of both and of how many rows are sites."""
    if not isinstance(combine, str):
        function: Any = combine
        # Two numbers where there is no site at all, as it may divide by their difference.
        return lambda a, b, n: function(fill_padding(a, n), fill_padding(b, n, no_site=0.25))
    if combine not in COMBINATIONS:
        raise InputError(
            f"combine is {combine!r}: must be one of {', '.join(COMBINATIONS)}, or a function"
        )
    if combine == "concatenate":
        return lambda a, b, _: jnp.concatenate([a, b], axis=1)
    if x.num_channels != y.num_channels:
        raise InputError(
            f"the tensors have {x.num_channels} and {y.num_channels} channels: must be equal to be "
            "added, use combine=concatenate"
        )
    return lambda a, b, _: a + b


def _check_same_level(x: Any, y: Any) -> None:
    of_x = (x.spatial_shape, x.batch_size, x.stride)
    of_y = (y.spatial_shape, y.batch_size, y.stride)
    if of_x != of_y:
        remedy = TO_ONE_LEVEL if x.stride != y.stride else "make both with the same"
        raise InputError(
            f"the tensors have (spatial_shape, batch_size, stride) {of_x} and {of_y}: must be "
            f"equal, {remedy}"
        )
