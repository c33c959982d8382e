"""The training loss: cross entropy with a weight per pixel, summed."""

from __future__ import annotations

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int


def weighted_cross_entropy(
    logits: Float[Array, "sites classes"],
    labels: Int[Array, "sites"],
    weights: Float[Array, "sites"],
) -> Float[Array, ""]:
    """Weighted cross entropy, **summed** over the pixels of all events.

    ``loss = - sum_i w_i log softmax(logits_i)[label_i]`` over the rows with ``label_i >= 0``. A
    sum, not a mean: the weights already say how much a pixel counts (about 1/N for each of the N
    pixels of a cluster), and sums of shards add up to the sum of the batch.

    Args:
      logits: ``[sites, classes]``; computed with in float32 whatever their dtype.
      labels: integer ``[sites]``; rows with a negative label (padding, no truth) count nothing,
        whatever their logits and weights hold.
      weights: float ``[sites]``.

    Returns:
      float32 scalar; 0 where no row counts.

    Source: SparseSSNet (arXiv 2012.08513). The label is picked by a product with its one-hot row,
    so the gradient holds no scatter.

    >>> logits = jnp.array([[0.0, 0.0], [5.0, -5.0]])
    >>> loss = weighted_cross_entropy(logits, jnp.array([1, -1]), jnp.array([2.0, 7.0]))
    >>> round(float(loss), 4)  # 2 log 2
    1.3863
    """
    counted = labels >= 0
    # Replace rather than multiply: an infinite logit times zero would be NaN.
    safe = jnp.where(counted[:, None], logits.astype(jnp.float32), 0.0)
    scale = jnp.where(counted, weights.astype(jnp.float32), 0.0)
    truth = jax.nn.one_hot(labels, logits.shape[-1], dtype=jnp.float32)
    return -jnp.sum(scale * jnp.sum(truth * jax.nn.log_softmax(safe), axis=-1))
