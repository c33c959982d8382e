"""Reductions over the sites of every event, and vectors of events given to their sites.

Rows are sorted by event, so an event is a range of rows. Sums go up a tree: every node is the sum
of ``RADIX`` nodes below it, and an event adds up the few nodes that make up its range. That takes
one pass over the rows whatever the number of events, no scatter, an order of addition that never
changes, and no rounding from one event reaches another, as it would in a running sum.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int

from jaxsparse.errors import InputError
from jaxsparse.features import check_features
from jaxsparse.ops.linear_pair import LinearPair
from jaxsparse.ops.one_program import one_program
from jaxsparse.ops.search import count_below
from jaxsparse.ops.site_list import Sites
from jaxsparse.pytree import pytree
from jaxsparse.tensor import SparseTensor, check_tensor

# Wide enough that 50 k rows are four levels, and narrow enough to sum in pairs, nearly.
RADIX = 16


@pytree
@dataclasses.dataclass(frozen=True)
class EventRows:
    """Where the rows of every event are.

    Attributes:
      bounds: int32 ``[events + 1]``: event ``b`` has the rows from ``bounds[b]`` to before
        ``bounds[b + 1]``.
      event: int32 ``[sites]``, the event of every row, ``events`` on padding.
    """

    bounds: Int[Array, " bounds"]
    event: Int[Array, " sites"]

    @classmethod
    def of(cls, x: SparseTensor) -> EventRows:
        """Those of a tensor.

        >>> from jaxsparse import sparse_tensor
        >>> x = sparse_tensor([[0, 0], [2, 0], [2, 1]], [[1.0]] * 3, spatial_shape=(4,),
        ...                   batch_size=4, capacity=4)
        >>> rows = EventRows.of(x)
        >>> rows.bounds.tolist(), rows.event.tolist()
        ([0, 1, 1, 3, 3], [0, 2, 2, 4])
        """
        check_tensor(x)
        return _event_rows(Sites.of(x))

    @property
    def events(self) -> int:
        """Number of events."""
        return self.bounds.shape[0] - 1

    @property
    def counts(self) -> Int[Array, " events"]:
        """Sites of every event."""
        return self.bounds[1:] - self.bounds[:-1]


@one_program()
def _event_rows(sites: Sites) -> EventRows:
    event = jnp.where(sites.mask, sites.coords[:, 0], sites.batch_size)
    numbers = jnp.arange(sites.batch_size + 1, dtype=jnp.int32)
    return EventRows(count_below((event,), (numbers,)), event)


def event_sum(
    features: Float[Array, "sites channels"], rows: EventRows
) -> Float[Array, "events channels"]:
    """Float32 sum of the rows of every event; padding rows are not read.

    Its derivative gives every row the cotangent of its event: ``event_spread``.
    """
    check_features(features.dtype)
    return _event_sum(rows, features, rows.events, jnp.float32)


def event_spread(
    vectors: Float[Array, "events channels"], rows: EventRows
) -> Float[Array, "sites channels"]:
    """The vector of its event at every row, of the type of ``vectors``; padding rows are zero.

    Its derivative sums the rows of every event: ``event_sum``.
    """
    check_features(vectors.dtype, "vectors")
    return _event_sum.transpose(rows, vectors, rows.event.shape[0])


def event_largest(
    values: Float[Array, "sites channels"], rows: EventRows
) -> Float[Array, "events channels"]:
    """The largest value of every event, channel by channel; ``-inf`` of an event without sites.

    Padding rows are not read. It has no derivative: see :func:`global_max_pooling`.
    """
    return _reduce(jnp.asarray(values), rows.bounds, jnp.max, -jnp.inf)


def global_sum_pooling(x: SparseTensor) -> Float[Array, "events channels"]:
    """Sum over the sites of every event.

    Args:
      x: a batch, features float32, bfloat16 or float16; sums are float32.

    Returns:
      ``[batch_size, channels]`` of the type of the features. An event without sites gives 0.

    Raises:
      InputError: features of another type.

    Source: agrees with ``MinkowskiGlobalSumPooling`` (Choy et al., arXiv:1904.08755).

    >>> from jaxsparse import sparse_tensor
    >>> x = sparse_tensor([[0, 0], [0, 1], [1, 3]], [[1.0], [2.0], [4.0]], spatial_shape=(4,),
    ...                   batch_size=3)
    >>> global_sum_pooling(x).tolist()
    [[3.0], [4.0], [0.0]]
    """
    rows = EventRows.of(x)
    return event_sum(x.features, rows).astype(x.features.dtype)


def global_average_pooling(x: SparseTensor) -> Float[Array, "events channels"]:
    """Average over the sites of every event.

    Args:
      x: a batch, features float32, bfloat16 or float16; sums are float32.

    Returns:
      ``[batch_size, channels]`` of the type of the features. An event without sites gives 0.

    Raises:
      InputError: features of another type.

    Source: agrees with ``MinkowskiGlobalAvgPooling`` (Choy et al., arXiv:1904.08755).

    >>> from jaxsparse import sparse_tensor
    >>> x = sparse_tensor([[0, 0], [0, 1], [1, 3]], [[1.0], [2.0], [4.0]], spatial_shape=(4,),
    ...                   batch_size=3)
    >>> global_average_pooling(x).tolist()
    [[1.5], [4.0], [0.0]]
    """
    rows = EventRows.of(x)
    return event_average(x.features, rows).astype(x.features.dtype)


def event_average(
    features: Float[Array, "sites channels"], rows: EventRows
) -> Float[Array, "events channels"]:
    """Float32 average of the rows of every event, 0 where there is none."""
    counts = jnp.maximum(rows.counts, 1)[:, None].astype(jnp.float32)
    return event_sum(features, rows) / counts


def global_max_pooling(x: SparseTensor) -> Float[Array, "events channels"]:
    """Maximum over the sites of every event, for every channel of its own.

    Of equal sites the first row gets all of the gradient. NaN counts as the largest number, as in
    ``jnp.max``.

    Args:
      x: a batch, features float32, bfloat16 or float16.

    Returns:
      ``[batch_size, channels]`` of the type of the features. An event without sites gives 0.

    Raises:
      InputError: features of another type.

    Source: agrees with ``MinkowskiGlobalMaxPooling`` (Choy et al., arXiv:1904.08755).

    >>> from jaxsparse import sparse_tensor
    >>> x = sparse_tensor([[0, 0], [0, 1], [1, 3]], [[-1.0], [-2.0], [-4.0]], spatial_shape=(4,),
    ...                   batch_size=3)
    >>> global_max_pooling(x).tolist()
    [[-1.0], [-4.0], [0.0]]
    """
    check_tensor(x)
    check_features(x.features.dtype)
    rows = EventRows.of(x)
    choice = _largest_row(rows, jax.lax.stop_gradient(x.features))
    return _chosen_row((rows, choice), x.features, x.batch_size)


@one_program()
def _largest_row(rows: EventRows, values: Array) -> Array:
    """The first row of every event that has its maximum, channel by channel."""
    capacity = values.shape[0]
    largest = event_largest(values, rows)
    own = largest.at[rows.event].get(mode="fill", fill_value=0)
    row = jnp.arange(capacity, dtype=jnp.int32)[:, None]
    candidate = jnp.where((values == own) | jnp.isnan(values), row, capacity)
    return _reduce(candidate, rows.bounds, jnp.min, capacity)


def broadcast_add(x: SparseTensor, vectors: Float[Array, "events channels"]) -> SparseTensor:
    """``out[i] = in[i] + vectors[event of i]``.

    Args:
      x: a batch.
      vectors: ``[batch_size, channels]``, for example of a global pooling.

    Returns:
      The sites of ``x``, features of its type; padding rows are zero.

    Raises:
      InputError: features or vectors of another type, vectors of another shape.

    Source: agrees with ``MinkowskiBroadcastAddition`` (Choy et al., arXiv:1904.08755).

    >>> from jaxsparse import sparse_tensor
    >>> x = sparse_tensor([[0, 0], [1, 1]], [[1.0], [2.0]], spatial_shape=(4,), batch_size=2)
    >>> broadcast_add(x, jnp.array([[10.0], [20.0]])).features.tolist()
    [[11.0], [22.0]]
    """
    check_tensor(x)
    spread = _spread(x, vectors, x.num_channels).astype(jnp.float32)
    return _on_sites(x, x.features.astype(jnp.float32) + spread)


def broadcast_multiply(x: SparseTensor, vectors: Float[Array, "events channels"]) -> SparseTensor:
    """``out[i] = in[i] * vectors[event of i]``, channel by channel.

    Args:
      x: a batch.
      vectors: ``[batch_size, channels]``.

    Returns:
      The sites of ``x``, features of its type; padding rows are zero.

    Raises:
      InputError: features or vectors of another type, vectors of another shape.

    Source: agrees with ``MinkowskiBroadcastMultiplication`` (Choy et al., arXiv:1904.08755).

    >>> from jaxsparse import sparse_tensor
    >>> x = sparse_tensor([[0, 0], [1, 1]], [[1.0], [2.0]], spatial_shape=(4,), batch_size=2)
    >>> broadcast_multiply(x, jnp.array([[10.0], [20.0]])).features.tolist()
    [[10.0], [40.0]]
    """
    check_tensor(x)
    spread = _spread(x, vectors, x.num_channels).astype(jnp.float32)
    return _on_sites(x, x.features.astype(jnp.float32) * spread)


def broadcast_concatenate(
    x: SparseTensor, vectors: Float[Array, "events channels"]
) -> SparseTensor:
    """The channels of a site, then those of the vector of its event.

    Args:
      x: a batch.
      vectors: ``[batch_size, any number of channels]``.

    Returns:
      The sites of ``x``, features of its type; padding rows are zero.

    Raises:
      InputError: features or vectors of another type, vectors of another shape.

    Source: agrees with ``MinkowskiBroadcastConcatenation`` (Choy et al., arXiv:1904.08755).

    >>> from jaxsparse import sparse_tensor
    >>> x = sparse_tensor([[0, 0], [1, 1]], [[1.0], [2.0]], spatial_shape=(4,), batch_size=2)
    >>> broadcast_concatenate(x, jnp.array([[10.0], [20.0]])).features.tolist()
    [[1.0, 10.0], [2.0, 20.0]]
    """
    check_tensor(x)
    spread = _spread(x, vectors, None).astype(x.features.dtype)
    return _on_sites(x, jnp.concatenate([x.features, spread], axis=1))


def _on_sites(x: SparseTensor, features: Array) -> SparseTensor:
    """Features of the type of ``x``, zero on padding, whatever stood there."""
    return x.replace(jnp.where(x.mask[:, None], features, 0).astype(x.features.dtype))


def _spread(x: SparseTensor, vectors: Array, channels: int | None) -> Array:
    vectors = jnp.asarray(vectors)
    check_features(x.features.dtype)
    if (
        vectors.ndim != 2
        or vectors.shape[0] != x.batch_size
        or channels not in (None, vectors.shape[1])
    ):
        raise InputError(
            f"vectors has shape {vectors.shape}: must be one row for each event, "
            f"[{x.batch_size}, {'channels' if channels is None else channels}]"
        )
    return event_spread(vectors, EventRows.of(x))


def _reduce(values: Array, bounds: Array, reduce: Callable[..., Array], identity: float) -> Array:
    """``reduce(values[bounds[b]:bounds[b + 1]])`` for every ``b``, by the tree.

    On the way up, each range gives off the nodes at either end that do not fill a node of the next
    level: fewer than ``RADIX`` at an end.
    """
    first, last = bounds[:-1], bounds[1:]
    step = jnp.arange(RADIX - 1, dtype=jnp.int32)[None]
    result = jnp.full((first.shape[0], values.shape[1]), identity, values.dtype)
    while True:
        above_first, above_last = -(-first // RADIX), last // RADIX
        left_end = jnp.minimum(above_first * RADIX, last)
        right = jnp.maximum(above_last * RADIX, left_end)
        nodes = jnp.concatenate([first[:, None] + step, right[:, None] + step], axis=1)
        ends = jnp.stack([left_end, last], axis=1).repeat(RADIX - 1, axis=1)
        taken = values.at[nodes].get(mode="fill", fill_value=0)
        taken = jnp.where((nodes < ends)[..., None], taken, identity)
        result = reduce(jnp.concatenate([result[:, None], taken], axis=1), axis=1)
        if values.shape[0] < RADIX:
            return result
        first, last = above_first, jnp.maximum(above_last, above_first)
        missing = -values.shape[0] % RADIX
        values = jnp.pad(values, ((0, missing), (0, 0)), constant_values=identity)
        values = reduce(values.reshape(-1, RADIX, values.shape[1]), axis=1)


def _sums(rows: EventRows, x: Array) -> Array:
    return _reduce(x.astype(jnp.float32), rows.bounds, jnp.sum, 0)


def _spreads(rows: EventRows, vectors: Array) -> Array:
    return vectors.at[rows.event].get(mode="fill", fill_value=0).astype(jnp.float32)


def _at_choice(structure: tuple[EventRows, Array], x: Array) -> Array:
    """``out[b, c] = x[choice[b, c], c]``, 0 where the choice is past the end."""
    choice = structure[1]
    channel = jnp.arange(x.shape[1], dtype=jnp.int32)[None]
    return x.at[choice, channel].get(mode="fill", fill_value=0).astype(jnp.float32)


def _from_choice(structure: tuple[EventRows, Array], g: Array) -> Array:
    """``back[i, c] = g[event of i, c]`` where the event chose row ``i``, else 0."""
    rows, choice = structure
    row = jnp.arange(rows.event.shape[0], dtype=jnp.int32)[:, None]
    chosen = choice.at[rows.event].get(mode="fill", fill_value=-1)
    return jnp.where(chosen == row, _spreads(rows, g), 0)


_event_sum = LinearPair("sparse_event_sum", _sums, _spreads)
_chosen_row = LinearPair("sparse_event_choice", _at_choice, _from_choice)
