"""Sites as sets: union, intersection, pruning, cropping. Results are in canonical order."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Int

from jaxsparse.errors import InputError
from jaxsparse.integers import integer, integers
from jaxsparse.ops import coordinates
from jaxsparse.ops.lookup import Lookup
from jaxsparse.ops.rows import take_rows
from jaxsparse.sparse_tensor import SparseTensor

Combine = str | Callable[[Array, Array], Array]
COMBINATIONS = ("add", "concatenate")


def union(
    x: SparseTensor, y: SparseTensor, *, combine: Combine = "add", capacity: int | None = None
) -> tuple[SparseTensor, Int[Array, ""]]:
    """The sites of either tensor, with ``combine(features of x, features of y)``.

    A tensor that lacks a site gives zeros there. Traceable.

    Args:
        x: sites of some level.
        y: sites of the same level, shape and batch size.
        combine: ``"add"``; ``"concatenate"``, the channels of ``x`` and then those of ``y``; or a
            function of two ``[capacity, channels]`` arrays. What it gives on padding rows is
            replaced by zero.
        capacity: rows of the result (static); None: those of both together, which always fits.

    Returns:
        ``(tensor, num_sites)``: the true number of sites, int32. Under ``jit`` it can exceed
        ``capacity``; the last sites are then missing. Differentiable any number of times in the
        features.

    Raises:
        InputError: tensors of different levels, channels that cannot be added, an unknown
            combination, and, outside of ``jit``, more sites than ``capacity``.

    Source: agrees with the union of MinkowskiEngine (tests).

    >>> from jaxsparse import sparse_tensor
    >>> x = sparse_tensor([[0, 0], [0, 1]], [[1.0], [2.0]], spatial_shape=(4,), batch_size=1)
    >>> y = sparse_tensor([[0, 1], [0, 3]], [[3.0], [4.0]], spatial_shape=(4,), batch_size=1)
    >>> total, num_sites = union(x, y)
    >>> total.coords.tolist(), total.features.tolist(), int(num_sites)
    ([[0, 0], [0, 1], [0, 3], [-1, -1]], [[1.0], [5.0], [4.0], [0.0]], 3)
    """
    _check_same_level(x, y)
    join = _combination(x, y, combine)
    enough = x.capacity + y.capacity
    capacity = enough if capacity is None else integer("capacity", capacity)
    if capacity < 1:
        raise InputError(f"capacity is {capacity}: must be at least 1")
    coords = jnp.concatenate([x.coords, y.coords])
    valid = jnp.concatenate([x.mask, y.mask])
    words = coordinates.key_words(coords, valid, x.batch_size, x.spatial_shape)
    rank, num_sites = coordinates.rank_by_sort(words)
    if not isinstance(num_sites, jax.core.Tracer) and int(num_sites) > capacity:
        raise InputError(
            f"capacity is {capacity} but the union has {int(num_sites)} sites: raise it"
        )
    row = jnp.where(valid & (rank < capacity), rank, capacity)
    # A site of both tensors writes equal coordinates twice.
    sites = jnp.full((capacity, coords.shape[1]), -1, jnp.int32).at[row].set(coords, mode="drop")
    features = join(
        take_rows(x.features, _sources(row[: x.capacity], capacity), distinct=True),
        take_rows(y.features, _sources(row[x.capacity :], capacity), distinct=True),
    )
    num_active = jnp.minimum(num_sites, capacity)
    return _with_sites(x, sites, features, num_active), num_sites


def intersection(x: SparseTensor, y: SparseTensor, *, combine: Combine = "add") -> SparseTensor:
    """The sites of both tensors, with ``combine(features of x, features of y)``. Traceable.

    Args:
        x: sites of some level.
        y: sites of the same level, shape and batch size.
        combine: as in ``union``.

    Returns:
        A tensor of the capacity of ``x``, which always fits. Differentiable any number of times in
        the features.

    Raises:
        InputError: tensors of different levels, channels that cannot be added, an unknown
            combination.

    >>> from jaxsparse import sparse_tensor
    >>> x = sparse_tensor([[0, 0], [0, 1]], [[1.0], [2.0]], spatial_shape=(4,), batch_size=1)
    >>> y = sparse_tensor([[0, 1], [0, 3]], [[3.0], [4.0]], spatial_shape=(4,), batch_size=1)
    >>> both = intersection(x, y, combine="concatenate")
    >>> both.coords.tolist(), both.features.tolist()
    ([[0, 1], [-1, -1]], [[2.0, 3.0], [0.0, 0.0]])
    """
    _check_same_level(x, y)
    join = _combination(x, y, combine)
    find = Lookup(y.coords, y.num_active, batch_size=y.batch_size, spatial_shape=y.spatial_shape)
    row = find(x.coords, x.mask)
    features = join(x.features, take_rows(y.features, row, distinct=True))
    return prune(x.replace(features=features), row < y.capacity)


def prune(x: SparseTensor, keep: Bool[Array | np.ndarray, "sites"]) -> SparseTensor:
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
    keep = jnp.asarray(keep)
    if keep.shape != (x.capacity,) or keep.dtype != bool:
        raise InputError(
            f"keep has shape {keep.shape} and type {keep.dtype}: must be bool [{x.capacity}]"
        )
    keep = keep & x.mask
    rank = jnp.cumsum(keep, dtype=jnp.int32) - 1
    row = jnp.where(keep, rank, x.capacity)
    sites = jnp.full_like(x.coords, -1).at[row].set(x.coords, mode="drop")
    features = take_rows(x.features, _sources(row, x.capacity), distinct=True)
    return _with_sites(x, sites, features, jnp.sum(keep, dtype=jnp.int32))


def crop(
    x: SparseTensor, start: Int[Array | np.ndarray, "dim"] | Sequence[int], shape: Sequence[int]
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
    lengths = integers("shape", shape)
    if len(lengths) != x.dim:
        raise InputError(f"shape is {lengths}: must be {x.dim} lengths, as the tensor has axes")
    coordinates.key_groups(x.batch_size, lengths)
    given = start if isinstance(start, jax.Array) else np.asarray(start)
    if given.shape != (x.dim,) and given.shape != (x.batch_size, x.dim):
        raise InputError(
            f"start has shape {given.shape}: must be [{x.dim}] or [{x.batch_size}, {x.dim}]"
        )
    # A start further out selects nothing either, and differences stay within int32. Python and
    # numpy integers are limited at their own width, before int32 could wrap them.
    library = jnp if isinstance(given, jax.Array) else np
    corner = library.clip(given, -np.array(lengths, np.int32), np.array(x.spatial_shape, np.int32))
    if not jnp.issubdtype(corner.dtype, jnp.integer):
        raise InputError(f"start has type {corner.dtype}: must be integers")
    corner = jnp.broadcast_to(jnp.asarray(corner, jnp.int32), (x.batch_size, x.dim))
    moved = x.coords[:, 1:] - corner[jnp.maximum(x.coords[:, 0], 0)]
    inside = ((moved >= 0) & (moved < jnp.array(lengths, jnp.int32))).all(axis=1)
    coords = jnp.concatenate([x.coords[:, :1], moved], axis=1)
    shifted = dataclasses.replace(x, coords=coords, spatial_shape=lengths)
    return prune(shifted, inside)


def _sources(row: Array, capacity: int) -> Array:
    """For every new row the old row that goes there, ``len(row)`` where none does."""
    number = jnp.arange(row.shape[0], dtype=jnp.int32)
    return jnp.full(capacity, row.shape[0], jnp.int32).at[row].set(number, mode="drop")


def _with_sites(x: SparseTensor, coords: Array, features: Array, num_active: Array) -> SparseTensor:
    mask = jnp.arange(coords.shape[0], dtype=jnp.int32) < num_active
    features = jnp.where(mask[:, None], features, jnp.zeros((), features.dtype))
    return dataclasses.replace(x, coords=coords, features=features, num_active=num_active)


def _combination(
    x: SparseTensor, y: SparseTensor, combine: Combine
) -> Callable[[Array, Array], Array]:
    if callable(combine):
        return combine
    if combine not in COMBINATIONS:
        raise InputError(
            f"combine is {combine!r}: must be one of {', '.join(COMBINATIONS)}, or a function"
        )
    if combine == "concatenate":
        return lambda a, b: jnp.concatenate([a, b], axis=1)
    if x.num_channels != y.num_channels:
        raise InputError(
            f"the tensors have {x.num_channels} and {y.num_channels} channels: must be equal to be "
            "added, use combine=concatenate"
        )
    return jnp.add


def _check_same_level(x: SparseTensor, y: SparseTensor) -> None:
    of_x = (x.spatial_shape, x.batch_size, x.stride)
    of_y = (y.spatial_shape, y.batch_size, y.stride)
    if of_x != of_y:
        raise InputError(
            f"the tensors have (spatial_shape, batch_size, stride) {of_x} and {of_y}: must be "
            "equal, bring them to one level first"
        )
