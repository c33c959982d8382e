"""Softmax over all the sites of an event, in one view or in several together."""

from __future__ import annotations

from collections.abc import Sequence

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float

from jaxsparse.ops.event_reduction import EventRows, event_largest, event_spread, event_sum


def event_log_sum_exp(
    scores: Sequence[Float[Array, "_ channels"]],
    rows: Sequence[EventRows],
    chosen: Sequence[Bool[Array, "_ channels"]] | None = None,
) -> Float[Array, "events channels"]:
    """``log sum_i exp(scores[i])`` over the sites of every event in all views.

    Args:
      scores: of every view, ``[sites, channels]``; computed with in float32. Padding rows are not
        read.
      rows: of every view, with the same number of events.
      chosen: which scores to sum over; all of them if None.

    Returns:
      float32 ``[events, channels]``; 0 where there is nothing to sum over, with gradient 0.

    >>> from jaxsparse import sparse_tensor
    >>> x = sparse_tensor([[0, 0], [0, 1], [2, 3]], [[0.0], [0.0], [5.0]], spatial_shape=(4,),
    ...                   batch_size=3)
    >>> event_log_sum_exp([x.features], [EventRows.of(x)]).round(3).tolist()
    [[0.6930000185966492], [0.0], [5.0]]
    """
    values = [each.astype(jnp.float32) for each in scores]
    if chosen is not None:
        values = [jnp.where(own, each, -jnp.inf) for each, own in zip(values, chosen, strict=True)]
    largest = [
        event_largest(jax.lax.stop_gradient(each), own)
        for each, own in zip(values, rows, strict=True)
    ]
    top = jnp.stack(largest).max(axis=0)
    top = jnp.where(jnp.isfinite(top), top, 0.0)  # of no row, and of infinite scores
    total = sum(
        event_sum(jnp.exp(each - event_spread(top, own)), own)
        for each, own in zip(values, rows, strict=True)
    )
    some = total > 0
    return jnp.where(some, jnp.log(jnp.where(some, total, 1.0)) + top, 0.0)


def event_softmax(
    scores: Sequence[Float[Array, "_ channels"]], rows: Sequence[EventRows]
) -> list[Float[Array, "_ channels"]]:
    """``exp(scores[i]) / sum_j exp(scores[j])`` over the sites j of the event of i in all views.

    Args:
      scores: of every view, ``[sites, channels]``.
      rows: of every view, with the same number of events.

    Returns:
      float32, one array a view; padding rows are zero.

    >>> from jaxsparse import sparse_tensor
    >>> x = sparse_tensor([[0, 0], [0, 1], [1, 3]], [[1.0], [1.0], [5.0]], spatial_shape=(4,),
    ...                   batch_size=2)
    >>> [weights.tolist() for weights in event_softmax([x.features] * 2, [EventRows.of(x)] * 2)]
    [[[0.25], [0.25], [0.5]], [[0.25], [0.25], [0.5]]]
    """
    total = event_log_sum_exp(scores, rows)

    def of_view(values: Array, own: EventRows) -> Array:
        logarithms = values.astype(jnp.float32) - event_spread(total, own)
        return jnp.exp(jnp.where((own.event < own.events)[:, None], logarithms, -jnp.inf))

    return list(map(of_view, scores, rows))
