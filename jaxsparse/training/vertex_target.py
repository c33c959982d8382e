"""The pixels nearest to the vertex as what is to be named."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float

from jaxsparse.data.batch import Batch, ViewBatch
from jaxsparse.ops.event_reduction import EventRows, event_largest, event_spread
from jaxsparse.ops.event_softmax import event_log_sum_exp
from jaxsparse.training.metrics import HeadSums, right_and_wrong
from jaxsparse.training.target import Fields, Target, real_events


def vertices(key: str, head: Fields, config: Fields) -> Target:
    """The pixels nearest to a vertex; every event counts as one, with a vertex or without."""
    return Target(("vertex_distance",), vertex_sums, real_events)


def vertex_sums(scores: tuple[Float[Array, "_ 1"], ...], batch: Batch) -> HeadSums:
    """The loss of vertices, summed over images, and how many images are right.

    With p the softmax of the scores over the pixels of an image, ``-log sum p`` over the pixels
    that are nearest to the vertex (Chebyshev distance): each of them is a right answer. An image
    without a pixel or without a vertex counts nothing.

    Args:
      scores: of every view.
      batch: with the target ``vertex_distance``.
    """
    losses, tables = [], []
    for each, view in zip(scores, batch.views, strict=True):
        rows = EventRows.of(view.tensor())
        nearest = _nearest(view, rows)
        known = event_largest(nearest.astype(jnp.float32), rows)[:, 0] > 0
        there = event_log_sum_exp([each], [rows], [nearest])
        loss = event_log_sum_exp([each], [rows]) - there
        losses.append(jnp.sum(jnp.where(known, loss[:, 0], 0.0)))
        fixed = jax.lax.stop_gradient(each)
        right = event_largest(jnp.where(nearest, fixed, -jnp.inf), rows) >= event_largest(
            fixed, rows
        )
        tables.append(right_and_wrong(right[:, 0], known))
    total: Any = sum(losses)
    return HeadSums(loss=total, confusion=sum(tables), count=real_events(batch))


def _nearest(view: ViewBatch, rows: EventRows) -> Bool[Array, "_ 1"]:
    """Which pixels of an image are nearest to a vertex; none where there is no vertex."""
    distance = view.targets["vertex_distance"][:, None]
    least = -event_largest(-distance, rows)
    return jnp.isfinite(distance) & (distance == event_spread(least, rows))
