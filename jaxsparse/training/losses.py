"""The training losses, summed: of pixels with a weight each, and of whole events."""

from __future__ import annotations

import dataclasses

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int
from ml_collections import ConfigDict

from jaxsparse import settings
from jaxsparse.errors import InputError


def weighted_cross_entropy(
    logits: Float[Array, "sites classes"],
    labels: Int[Array, " sites"],
    weights: Float[Array, " sites"],
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


@dataclasses.dataclass(frozen=True)
class EventLoss:
    """A loss of the scores of whole events, **summed** over those that have a class.

    With p the softmax of an event's logits, y its class and w the weight of that class:

    - ``"cross_entropy"``: ``-w_y sum_k t_k log p_k``, where t is 1 for y and 0 for the others;
      with label smoothing s it is ``1 - s + s/K`` for y and ``s/K`` for the others (Szegedy and
      others, arXiv 1512.00567, section 7).
    - ``"generalized"``: ``w_y (1 - p_y^q) / q`` (Zhang and Sabuncu, arXiv 1805.07836, equation 6),
      cross entropy for q to 0 and ``1 - p_y``, half the mean absolute error, for q = 1. Events with
      a small p_y, where wrong labels end up, pull by ``p_y^q`` less than in cross entropy. The
      paper recommends q = 0.7.

    Attributes:
      name: ``"cross_entropy"`` or ``"generalized"``.
      q: of the generalized cross entropy.
      label_smoothing: of the cross entropy.
      class_weights: one a class, or empty for 1 each.

    >>> logits, labels = jnp.array([[0.0, 0.0], [5.0, -5.0]]), jnp.array([1, -1])
    >>> round(float(EventLoss()(logits, labels)), 4)  # log 2; the second event has no class
    0.6931
    >>> round(float(EventLoss("generalized", q=1.0)(logits, labels)), 4)  # 1 - 1/2
    0.5
    """

    name: str = "cross_entropy"
    q: float = 0.7
    label_smoothing: float = 0.0
    class_weights: tuple[float, ...] = ()

    @classmethod
    def of(cls, config: ConfigDict, num_classes: int) -> EventLoss:
        """From the ``loss`` part of a config.

        Raises:
          InputError: an unknown name, a number out of its range, weights of another number.
        """
        weights = tuple(float(weight) for weight in config.class_weights)
        smoothing = config.label_smoothing
        settings.check("loss", config)
        _require(
            not smoothing or config.name == "cross_entropy", "label_smoothing", smoothing,
            "be 0 with loss.name=generalized, which has no smoothed form",
        )  # fmt: skip
        _require(
            len(weights) in (0, num_classes),
            "class_weights", weights, f"hold {num_classes} numbers, or none",
        )  # fmt: skip
        return cls(config.name, config.q, smoothing, weights)

    def __call__(
        self, logits: Float[Array, "events classes"], labels: Int[Array, " events"]
    ) -> Float[Array, ""]:
        """The sum.

        Args:
          logits: ``[events, classes]``; computed with in float32 whatever their dtype.
          labels: integer ``[events]``; events with a negative one (empty slots, no class) count
            nothing, whatever their logits hold.

        Returns:
          float32 scalar; 0 where no event counts. Its gradient scatters nothing.
        """
        num_classes = logits.shape[-1]
        counted = labels >= 0
        safe = jnp.where(counted[:, None], logits.astype(jnp.float32), 0.0)
        truth = jax.nn.one_hot(labels, num_classes, dtype=jnp.float32)  # no row for -1
        log_p = jax.nn.log_softmax(safe)
        if self.name == "generalized":
            losses = -jnp.expm1(self.q * jnp.sum(truth * log_p, axis=-1)) / self.q
        else:
            spread = self.label_smoothing / num_classes
            target = (1 - self.label_smoothing) * truth + spread
            losses = -jnp.sum(target * log_p, axis=-1)
        if self.class_weights:
            losses *= truth @ jnp.asarray(self.class_weights, jnp.float32)
        return jnp.sum(jnp.where(counted, losses, 0.0))


def _require(condition: bool, key: str, value: object, rule: str) -> None:
    if not condition:
        raise InputError(f"loss.{key} is {value}: it must {rule}.")
