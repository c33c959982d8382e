"""The particles of an event as what its queries are to become."""

from __future__ import annotations

import dataclasses
import functools
import itertools
from collections.abc import Sequence
from typing import Any

import jax
import jax.numpy as jnp
import optax
from jaxtyping import Array, Bool, Float, Int

from jaxsparse.data.batch import Batch
from jaxsparse.models import InstanceScores
from jaxsparse.ops.event_reduction import EventRows, event_spread, event_sum
from jaxsparse.training.metrics import HeadSums, right_and_wrong
from jaxsparse.training.target import Fields, Target, real_events

WORST = 1e6  # what a match costs at most


def instances(key: str, head: Fields, config: Fields) -> Target:
    """The particles of an event, over all its views; a particle is the query that fits it best.

    Args:
      key: of the objective.
      head: fields of the head.
      config: settings of the objective.
    """
    loss = InstanceLoss(
        pixels=config["pixel_weight"],
        dice=config["dice_weight"],
        used=config["used_weight"],
        classes=config["class_weight"],
    )
    return Target(("instances", "labels"), loss, real_events)


@dataclasses.dataclass(frozen=True)
class InstanceLoss:
    """What queries say against the particles of an event, summed over events.

    Every particle is matched with one query of its event, so that the matches together cost least
    (the Hungarian algorithm). Then, with p the softmax over queries at every pixel, of an event

    - ``pixels``: the mean of ``-log p[query of the particle of the pixel]`` over its pixels;
    - ``dice``: the mean over particles of ``1 - (2 sum p + 1) / (sum p + pixels + 1)``, the first
      sum over the pixels of the particle, the second over all;
    - ``used``: the mean over queries of the binary cross entropy of being a particle;
    - ``classes``: the mean cross entropy of the particles' classes, the class being that of most of
      its pixels.

    The cost of a match has the first two terms of the particle and minus the logarithms of its
    class and of being used. An event has at most as many particles as queries here: the smallest
    ones beyond that, and pixels of none, count nowhere. An event without a particle counts only in
    ``used``. All answers of the head are matched as its last one, and their losses averaged (deep
    supervision).

    Source: Cheng et al., arXiv 2112.01527, section 3; dice of Milletari et al., arXiv 1606.04797.

    Attributes:
      pixels, dice, used, classes: weights of the terms.
    """

    pixels: float = 1.0
    dice: float = 1.0
    used: float = 1.0
    classes: float = 1.0

    def __call__(self, scores: InstanceScores, batch: Batch) -> HeadSums:
        """Loss and pixels whose best query is that of their particle.

        Args:
          scores: of the head.
          batch: with the targets ``instances`` and ``labels``.
        """
        truth = Particles.of(scores, batch)
        answers = [*scores.earlier, scores]
        overlaps = truth.overlaps_of(answers)
        matched = match(jax.lax.stop_gradient(self._costs(scores, truth, overlaps[-1])), truth)
        losses = [
            self._of_events(answer, truth, each, matched)
            for answer, each in zip(answers, overlaps, strict=True)
        ]
        real = batch.events >= 0
        total = sum(jnp.sum(jnp.where(real, each, 0.0)) for each in losses) / len(losses)
        return HeadSums(
            loss=total, confusion=truth.right(scores, matched), count=real_events(batch)
        )

    def _terms(self, truth: Particles, overlaps: Overlaps) -> tuple[Array, Array]:
        """Of every particle with every query: minus the mean logarithm, and 1 - dice."""
        sizes = truth.sizes[..., None]
        mean = -overlaps.logarithms / jnp.maximum(sizes, 1.0)
        dice = (2 * overlaps.shares + 1) / (overlaps.totals[:, None] + sizes + 1)
        return mean, 1 - dice

    def _costs(
        self, scores: InstanceScores, truth: Particles, overlaps: Overlaps
    ) -> Float[Array, "events particles queries"]:
        mean, dice = self._terms(truth, overlaps)
        classes = _of_class(jax.nn.log_softmax(scores.classes), truth.classes)
        used = jax.nn.log_sigmoid(scores.used)[:, None]
        return self.pixels * mean + self.dice * dice - self.classes * classes - self.used * used

    def _of_events(
        self, scores: InstanceScores, truth: Particles, overlaps: Overlaps, matched: Array
    ) -> Float[Array, " events"]:
        mean, dice = self._terms(truth, overlaps)
        number = jnp.maximum(jnp.sum(truth.there, axis=1), 1.0)
        pixels = jnp.sum(mean * truth.sizes[..., None] * matched, axis=(1, 2))
        pixels = pixels / jnp.maximum(jnp.sum(truth.sizes, axis=1), 1.0)
        classes = -_of_class(jax.nn.log_softmax(scores.classes), truth.classes)
        taken = jnp.sum(matched, axis=1)
        used = jnp.mean(optax.sigmoid_binary_cross_entropy(scores.used, taken), axis=1)
        return (
            self.pixels * pixels
            + self.dice * jnp.sum(dice * matched, axis=(1, 2)) / number
            + self.classes * jnp.sum(classes * matched, axis=(1, 2)) / number
            + self.used * used
        )


@dataclasses.dataclass(frozen=True)
class Overlaps:
    """Sums over the pixels of events that have a particle, p being the softmax over queries.

    Attributes:
      shares: float32 ``[events, particles, queries]``, of p over the pixels of a particle.
      logarithms: the same of log p.
      totals: float32 ``[events, queries]``, of p over all of them.
    """

    shares: Float[Array, "events particles queries"]
    logarithms: Float[Array, "events particles queries"]
    totals: Float[Array, "events queries"]


@dataclasses.dataclass(frozen=True)
class Particles:
    """The true particles of every event, the largest first, as many as there are queries at most.

    Attributes:
      own: of every view, float32 ``[sites, particles]``: 1 where the pixel is the particle's.
      rows: of every view, where the pixels of an event are.
      sizes: float32 ``[events, particles]``, pixels in all views.
      classes: float32 ``[events, particles, classes]``: 1 for the class of a particle.
    """

    own: list[Float[Array, "_ particles"]]
    rows: list[EventRows]
    sizes: Float[Array, "events particles"]
    classes: Float[Array, "events particles classes"]

    @classmethod
    def of(cls, scores: InstanceScores, batch: Batch) -> Particles:
        """Those of a batch, for a head with these scores."""
        _, most, classes = scores.classes.shape
        rows = [EventRows.of(view.tensor()) for view in batch.views]
        own = [jax.nn.one_hot(view.targets["instances"], most) for view in batch.views]
        labels = [jax.nn.one_hot(view.targets["labels"], classes) for view in batch.views]
        votes, sizes = _sums([(_pairs(a, b), a) for a, b in zip(own, labels, strict=True)], rows)
        votes = votes.reshape(-1, most, classes)
        classes_of = jax.nn.one_hot(jnp.argmax(votes, axis=-1), classes)
        known = jnp.max(votes, axis=-1, keepdims=True) > 0
        return cls(own, rows, sizes, jnp.where(known, classes_of, 0.0))

    @property
    def there(self) -> Bool[Array, "events particles"]:
        """Which there are."""
        return self.sizes > 0

    def overlaps_of(self, answers: Sequence[InstanceScores]) -> list[Overlaps]:
        """How every answer shares the pixels of particles out among its queries."""
        columns = []
        for view, own in enumerate(self.own):
            of_view = []
            for answer in answers:
                logarithms = jax.nn.log_softmax(answer.pixels[view])
                shares = jnp.exp(logarithms)
                held = shares * jnp.sum(own, axis=1, keepdims=True)
                of_view += [_pairs(own, shares), _pairs(own, logarithms), held]
            columns.append(tuple(of_view))
        sums = iter(_sums(columns, self.rows))
        pairs = *self.sizes.shape, answers[0].used.shape[1]
        return [
            Overlaps(shares.reshape(pairs), logarithms.reshape(pairs), totals)
            for shares, logarithms, totals in zip(sums, sums, sums, strict=True)
        ]

    def right(
        self, scores: InstanceScores, matched: Float[Array, "events particles queries"]
    ) -> Int[Array, "2 2"]:
        """Pixels of particles whose highest score is that of the particle's query."""
        query = jnp.argmax(matched, axis=-1).astype(jnp.float32)
        tables = []
        for each, own, rows in zip(scores.pixels, self.own, self.rows, strict=True):
            wanted = jnp.sum(own * event_spread(query, rows), axis=1)
            known = jnp.sum(own, axis=1) > 0
            tables.append(right_and_wrong(jnp.argmax(each, axis=1) == wanted, known))
        return functools.reduce(jnp.add, tables)


def match(
    costs: Float[Array, "events particles queries"], truth: Particles
) -> Float[Array, "events particles queries"]:
    """1 where a particle is matched with a query: each particle with one, so that it costs least.

    Args:
      costs: with as many queries as particles at most; what is not finite costs ``WORST``.
      truth: says which particles there are; no others are matched.
    """
    # A cost that is not finite would keep the search going forever.
    costs = jnp.where(jnp.isfinite(costs), jnp.clip(costs, -WORST, WORST), WORST)
    costs = jnp.where(truth.there[..., None], costs, 0.0)
    particles, queries = jax.vmap(optax.assignment.hungarian_algorithm)(costs)
    number = costs.shape[-1]
    pairs = (
        jax.nn.one_hot(particles, number)[..., None] * jax.nn.one_hot(queries, number)[:, :, None]
    )
    return jnp.sum(pairs, axis=1) * truth.there[..., None]


def _of_class(
    logarithms: Float[Array, "events queries classes"],
    classes: Float[Array, "events particles classes"],
) -> Float[Array, "events particles queries"]:
    """What every query says of the class of every particle; 0 for one without a class."""
    return jnp.einsum("eqc,epc->epq", logarithms, classes)


def _pairs(left: Float[Array, "_ a"], right: Float[Array, "_ b"]) -> Float[Array, "_ pairs"]:
    """``left[i, a] right[i, b]`` of every row, flat."""
    return (left[:, :, None] * right[:, None, :]).reshape(len(left), -1)


def _sums(views: Sequence[tuple[Array, ...]], rows: Sequence[EventRows]) -> list[Array]:
    """Of each of some arrays of every view, its sums over the pixels of all views of an event.

    One sum of all of them side by side: a reduction is compiled, and runs, as long as many.
    """
    total: Any = sum(
        event_sum(jnp.concatenate(arrays, axis=1), own)
        for arrays, own in zip(views, rows, strict=True)
    )
    ends = itertools.accumulate(array.shape[1] for array in views[0])
    return jnp.split(total, list(ends)[:-1], axis=1)
