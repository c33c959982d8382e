"""Whether both pixels of a pair are of one particle, as what is to be said."""

from __future__ import annotations

import jax.numpy as jnp
import optax
from jaxtyping import Array, Bool, Float, Int

from jaxsparse.data.batch import Batch, ViewBatch
from jaxsparse.models import EdgeScores
from jaxsparse.ops.event_reduction import EventRows, event_sum
from jaxsparse.training.metrics import HeadSums, right_and_wrong
from jaxsparse.training.target import Fields, Target, real_events


def edges(key: str, head: Fields, config: Fields) -> Target:
    """The pairs of pixels that have a particle; every event counts as one, with any or without."""
    return Target(("instances", "shares"), edge_sums, real_events)


def edge_sums(scores: EdgeScores, batch: Batch) -> HeadSums:
    """The loss of pairs, summed over images, and how many pairs are right.

    Of an image the mean of the binary cross entropy over its pairs of pixels that both have a
    particle. A pair weighs the product of the shares that the particles have of their pixels: the
    chance that charge of one pixel and charge of the other are of these two. A pair is right whose
    score is above 0 exactly where both are of one particle.

    Args:
      scores: of the head.
      batch: with the targets ``instances`` and ``shares``.
    """
    losses, tables = [], []
    for others, score, view in zip(scores.others, scores.same, batch.views, strict=True):
        same, known, weight = _truth(others, view)
        entropy = optax.sigmoid_binary_cross_entropy(
            jnp.where(known, score, 0.0), same.astype(jnp.float32)
        )
        both = jnp.stack([jnp.sum(weight * entropy, axis=1), jnp.sum(weight, axis=1)], axis=1)
        sums = event_sum(both, EventRows.of(view.tensor()))
        losses.append(jnp.sum(sums[:, 0] / jnp.where(sums[:, 1] > 0, sums[:, 1], 1.0)))
        tables.append(right_and_wrong((score > 0) == same, known))
    total: Float[Array, ""] = jnp.sum(jnp.stack(losses))
    return HeadSums(loss=total, confusion=sum(tables), count=real_events(batch))


def _truth(
    others: Int[Array, "_ directions"], view: ViewBatch
) -> tuple[Bool[Array, "_ directions"], Bool[Array, "_ directions"], Float[Array, "_ directions"]]:
    """Of every pair whether both are of one particle, whether that is known, and its weight."""
    particle, share = (jnp.asarray(view.targets[name]) for name in ("instances", "shares"))
    theirs = particle.at[others].get(mode="fill", fill_value=-1)
    known = (particle[:, None] >= 0) & (theirs >= 0)
    weight = share[:, None] * share.at[others].get(mode="fill", fill_value=0.0)
    return particle[:, None] == theirs, known, jnp.where(known, weight, 0.0)
