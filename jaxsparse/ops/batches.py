"""Batches put together: events one after the other, or whole batches beside each other."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

import jax
import jax.numpy as jnp
from jaxtyping import Array

from jaxsparse.errors import InputError, check_kind
from jaxsparse.integers import positive
from jaxsparse.ops.one_program import one_program
from jaxsparse.ops.rows import take_rows
from jaxsparse.ops.site_list import Sites
from jaxsparse.tensor import SparseTensor, check_room, check_tensor


def concatenate_events(
    tensors: Sequence[SparseTensor], *, capacity: int | None = None
) -> SparseTensor:
    """The events of the first batch, then those of the second, and so on. Traceable.

    ``x[event]`` is the way back.

    Args:
      tensors: one or more, of the same shape, stride and channels.
      capacity: rows of the result (static); None: those of all together, which always fits.
        Under ``jit`` the last sites are missing where a smaller one does not suffice: compare
        it with the sum of ``num_active``.

    Returns:
      A tensor, differentiable any number of times in the features.

    Raises:
      InputError: none, or tensors of different levels or channels, and, outside of ``jit``, more
        sites than ``capacity``.

    >>> from jaxsparse import sparse_tensor
    >>> x = sparse_tensor([[0, 1]], [[2.0]], spatial_shape=(4,), batch_size=2, capacity=2)
    >>> y = concatenate_events([x, 10 * x])
    >>> y.coords.tolist(), y.features.tolist(), len(y)
    ([[0, 1], [2, 1], [-1, -1], [-1, -1]], [[2.0], [20.0], [0.0], [0.0]], 4)
    """
    _check_alike(tensors, same_events=False)
    enough = sum(x.capacity for x in tensors)
    rows = enough if capacity is None else positive("capacity", capacity)
    coords, source, total = _concatenated(tuple(map(Sites.of, tensors)), rows)
    check_room(total, rows)
    features = jnp.concatenate([x.features for x in tensors])
    return dataclasses.replace(
        tensors[0],
        coords=coords,
        features=take_rows(features, source, distinct=True),
        num_active=jnp.minimum(total, rows),
        batch_size=sum(x.batch_size for x in tensors),
    )


@one_program("rows")
def _concatenated(batches: tuple[Sites, ...], rows: int) -> tuple[Array, Array, Array]:
    """Coordinates, the row of all batches in a row that each comes from, and how many there are."""
    total = jnp.sum(jnp.stack([x.count for x in batches]), dtype=jnp.int32)
    # Where the active rows of each batch begin, before padding is left out and after.
    target = jnp.arange(rows, dtype=jnp.int32)
    source = jnp.full(rows, sum(x.capacity for x in batches), jnp.int32)
    begin, filled, shifted, events = 0, jnp.zeros((), jnp.int32), [], 0
    for x in batches:
        own = (target >= filled) & (target < filled + x.count)
        source = jnp.where(own, target - filled + begin, source)
        shifted.append(x.coords + jnp.array([[events, *[0] * x.dim]], jnp.int32))
        begin, filled, events = begin + x.capacity, filled + x.count, events + x.batch_size
    coords = jnp.concatenate(shifted).at[source].get(mode="fill", fill_value=-1)
    return coords, source, total


def stack(tensors: Sequence[SparseTensor]) -> SparseTensor:
    """Batches beside each other, for ``jax.vmap``: every array gets a leading axis.

    Args:
      tensors: one or more, of the same shape, events, stride and channels; those with fewer rows
        are padded.

    Returns:
      A tensor of the largest capacity, which is that of each of its batches; ``unstack`` is the
      way back.

    Raises:
      InputError: none, or tensors that are not alike.

    >>> from jaxsparse import sparse_tensor
    >>> x = sparse_tensor([[0, 1]], [[2.0]], spatial_shape=(4,), batch_size=1)
    >>> both = stack([x, 10 * x])
    >>> both.features.shape, both.capacity, both.mask.tolist()
    ((2, 1, 1), 1, [[True], [True]])
    >>> jax.vmap(lambda x: x.to_dense().sum())(both).tolist()
    [2.0, 20.0]
    """
    _check_alike(tensors, same_events=True)
    capacity = max(x.capacity for x in tensors)
    grown = [_grown(x, capacity) for x in tensors]
    return jax.tree.map(lambda *arrays: jnp.stack(arrays), *grown)


def unstack(stacked: SparseTensor) -> list[SparseTensor]:
    """The batches that ``stack`` put beside each other, each of the capacity of the stack.

    Args:
      stacked: a tensor whose arrays have one leading axis.

    Raises:
      InputError: no stack.

    >>> from jaxsparse import sparse_tensor
    >>> x = sparse_tensor([[0, 1]], [[2.0]], spatial_shape=(4,), batch_size=1)
    >>> [one.features.tolist() for one in unstack(stack([x, 10 * x]))]
    [[[2.0]], [[20.0]]]
    """
    check_kind("stacked", stacked, SparseTensor, remedy="what ops.stack returned")
    shape = jnp.shape(stacked.coords)
    if len(shape) != 3:
        raise InputError(
            f"stacked has coords of shape {shape}: must be [batches, capacity, axes], as ops.stack "
            "makes it; the events of one batch are x[0], x[1], ..."
        )
    return [jax.tree.map(lambda array, i=i: array[i], stacked) for i in range(shape[0])]


def _grown(x: SparseTensor, capacity: int) -> SparseTensor:
    more = ((0, capacity - x.capacity), (0, 0))
    return dataclasses.replace(
        x,
        coords=jnp.pad(x.coords, more, constant_values=-1),
        features=jnp.pad(x.features, more),
        num_active=jnp.asarray(x.num_active, jnp.int32),
    )


def _check_alike(tensors: Sequence[SparseTensor], *, same_events: bool) -> None:
    if not tensors:
        raise InputError("tensors is empty: must be one or more")
    for index, x in enumerate(tensors):
        check_tensor(x, f"tensors[{index}]")
        of_x, of_first = (
            (t.spatial_shape, t.stride, t.num_channels, t.batch_size if same_events else None)
            for t in (x, tensors[0])
        )
        if of_x != of_first:
            raise InputError(
                f"tensors[{index}] has shape, stride, channels and events {of_x}: must be "
                f"{of_first} as tensors[0]"
            )
