"""Vectors of pixels that are to be near for one particle and apart for others of its class."""

from __future__ import annotations

import dataclasses

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int

from jaxsparse.data.batch import Batch, ViewBatch
from jaxsparse.models import EmbeddingScores
from jaxsparse.ops.event_reduction import EventRows
from jaxsparse.ops.rows import take_rows
from jaxsparse.training.metrics import HeadSums, right_and_wrong
from jaxsparse.training.target import Fields, Target, real_events

# Squared distance from which on a pixel is rather of no particle. It gives distances their scale:
# without, particles without others of their class near by stay as wide as they like.
NONE = 1.0


def embeddings(key: str, head: Fields, config: Fields) -> Target:
    """The pixels that have a class and a particle; every event counts as one, with any or without.

    Args:
      key: of the objective.
      head: fields of the head.
      config: settings of the objective.
    """
    loss = EmbeddingLoss(config["most"], config["sample"], config["seed_weight"])
    return Target(("instances", "labels", "shares"), loss, real_events)


@dataclasses.dataclass(frozen=True)
class EmbeddingLoss:
    """How far pixels are from their particles and from others, summed over images.

    The vector and the stretch of a particle are means over its pixels in the image. With the
    squared distances d of :class:`~jaxsparse.models.EmbeddingScores`, a pixel i of particle k costs

    ``-log(exp(-d_ik) / (exp(-NONE) + sum_j exp(-d_ij))) + seed (sigmoid(s_i) - exp(-d_ik))^2``

    with the sum over the particles of its class in the image, for instances are of one class, and s
    its seed. The target of the seed takes no gradient. Of a particle ``sample`` pixels stand for
    all, evenly spaced in the order of rows; one of fewer pixels has all. Costs are averaged over
    the sample of the image. Pixels weigh the share that the particle has of their charge, in the
    means of vectors too.

    Pixels of no class or no particle count nowhere, nor do those of the smallest particles of an
    event with more than ``most``.

    Source: the softmax over distances from means is that of Snell et al., arXiv 1703.05175; seeds
    of Neven et al., arXiv 1906.11109, equation 11.

    Attributes:
      most: particles of an event, over all its views, the largest.
      sample: pixels of a particle in a view.
      seed: weight of the second term.
    """

    most: int = 64
    sample: int = 32
    seed: float = 1.0

    def __call__(self, scores: EmbeddingScores, batch: Batch) -> HeadSums:
        """Loss, and sampled pixels that are nearer to their particle than to others and to none.

        Args:
          scores: of the head.
          batch: with the targets ``instances``, ``labels`` and ``shares``.
        """
        losses, tables = [], []
        for vectors, stretches, seeds, view in zip(
            scores.vectors, scores.stretches, scores.seeds, batch.views, strict=True
        ):
            sample = Sample.of(view, self.most, self.sample)
            loss, table = self._of_view(vectors, stretches, seeds, sample)
            losses.append(loss)
            tables.append(table)
        total: Float[Array, ""] = jnp.sum(jnp.stack(losses))
        return HeadSums(loss=total, confusion=sum(tables), count=real_events(batch))

    def _of_view(
        self, vectors: Array, stretches: Array, seeds: Array, sample: Sample
    ) -> tuple[Float[Array, ""], Int[Array, "2 2"]]:
        own = jnp.eye(self.most)[:, None]  # of the particle of a pixel
        distance = squared_distances(sample.read(vectors), sample.read(stretches), sample.share)
        to_own = jnp.sum(own * distance, axis=-1)
        near = jnp.where(sample.rivals, -distance, -jnp.inf)
        near = jnp.concatenate([near, jnp.full((*near.shape[:-1], 1), -NONE)], axis=-1)
        cost = to_own + jax.nn.logsumexp(near, axis=-1)
        target = jax.lax.stop_gradient(jnp.exp(-to_own))
        cost += self.seed * (jax.nn.sigmoid(sample.read(seeds[:, None])[..., 0]) - target) ** 2
        right = jnp.argmax(near, axis=-1) == jnp.arange(self.most)[:, None]
        sums, weights = (jnp.sum(each, axis=(1, 2)) for each in (sample.share * cost, sample.share))
        total = jnp.sum(sums / jnp.where(weights > 0, weights, 1.0))
        return total, right_and_wrong(right, sample.there)


@dataclasses.dataclass(frozen=True)
class Sample:
    """Some pixels of every particle of every event of a view.

    Attributes:
      rows: int32 ``[events, particles, sample]``, their rows.
      there: bool, the same, whether there is such a pixel.
      share: float32, the same, the share of the particle in its charge; 0 where none is.
      rivals: bool ``[events, particles, 1, particles]``, which are of the same class.
    """

    rows: Int[Array, "events particles sample"]
    there: Bool[Array, "events particles sample"]
    share: Float[Array, "events particles sample"]
    rivals: Bool[Array, "events particles 1 particles"]

    @classmethod
    def of(cls, view: ViewBatch, most: int, sample: int) -> Sample:
        """That of a view.

        Args:
          view: with the targets ``instances``, ``labels`` and ``shares``.
          most: particles of an event.
          sample: pixels of a particle.
        """
        of_events = EventRows.of(view.tensor())
        particle, label, share = (
            jnp.asarray(view.targets[name]) for name in ("instances", "labels", "shares")
        )
        known = (particle >= 0) & (particle < most) & (label >= 0) & (share > 0)
        number = of_events.events * most
        key = jnp.where(known, of_events.event * most + particle, number)
        order = jnp.argsort(key)  # stable
        first = jnp.searchsorted(key[order], jnp.arange(number + 1))
        pixels = jnp.diff(first)[:, None]
        place = jnp.arange(sample)
        there = place < pixels
        place = jnp.where(pixels > sample, place * pixels // sample, place)
        place = jnp.where(there, first[:-1, None] + place, len(key))
        shape = of_events.events, most, sample
        rows = order.at[place].get(mode="fill", fill_value=len(key)).reshape(shape)
        there = there.reshape(shape)
        shares = share.at[rows].get(mode="fill", fill_value=0.0)
        classes = label.at[rows[..., 0]].get(mode="fill", fill_value=-1)
        same = (classes[:, :, None] == classes[:, None]) & there[:, None, :, 0]
        return cls(rows, there, shares, same[:, :, None])

    def read(self, features: Float[Array, "sites channels"]) -> Float[Array, "... channels"]:
        """Those of the sample, ``[events, particles, sample, channels]``; 0 where none is."""
        read = take_rows(features, self.rows.reshape(-1))
        return read.reshape(*self.rows.shape, features.shape[1])


def squared_distances(
    vectors: Float[Array, "events particles sample channels"],
    stretches: Float[Array, "events particles sample squares"],
    share: Float[Array, "events particles sample"],
) -> Float[Array, "events particles sample particles"]:
    """Of every pixel of a sample from every particle of its event."""
    dim = round(stretches.shape[-1] ** 0.5)
    total = jnp.sum(share, axis=2, keepdims=True)
    weight = (share / jnp.where(total > 0, total, 1.0))[..., None]
    vector, stretch = (jnp.sum(weight * each, axis=2) for each in (vectors, stretches))
    apart = vectors[..., None, :] - vector[:, None, None]
    place, rest = apart[..., :dim], apart[..., dim:]
    seen = [
        jnp.einsum("ekab,eiskb->eiska", _square(stretch), place, precision="highest"),
        jnp.einsum("eisab,eiskb->eiska", _square(stretches), place, precision="highest"),
    ]
    lengths = [jnp.sum(each**2, axis=-1) for each in seen]
    return (lengths[0] + lengths[1]) / 2 + jnp.sum(rest**2, axis=-1)


def _square(stretches: Float[Array, "... squares"]) -> Float[Array, "... dim dim"]:
    dim = round(stretches.shape[-1] ** 0.5)
    return stretches.reshape(*stretches.shape[:-1], dim, dim)
