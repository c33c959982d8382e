"""The training loss of rows that have a class, pixels or events, summed."""

from __future__ import annotations

import dataclasses

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int


@dataclasses.dataclass(frozen=True)
class ClassLoss:
    """A loss of the scores of rows, **summed** over those that have a class.

    With p the softmax of a row's logits, y its class and w its weight times that of the class:

    - ``"cross_entropy"``: ``-w sum_k t_k log p_k``, where t is 1 for y and 0 for the others; with
      label smoothing s it is ``1 - s + s/K`` for y and ``s/K`` for the others (Szegedy and others,
      arXiv 1512.00567, section 7).
    - ``"generalized"``: ``w (1 - p_y^q) / q`` (Zhang and Sabuncu, arXiv 1805.07836, equation 6),
      cross entropy for q to 0 and ``1 - p_y``, half the mean absolute error, for q = 1. Rows with a
      small p_y, where wrong labels end up, pull by ``p_y^q`` less than in cross entropy. The paper
      recommends q = 0.7.

    A sum, not a mean: weights of pixels already say how much one counts (SparseSSNet, arXiv
    2012.08513: about 1/N for each of the N pixels of a cluster), and sums of shards add up to the
    sum of the batch. The class is picked by a product with its one-hot row, so the gradient holds
    no scatter.

    Attributes:
      name: ``"cross_entropy"`` or ``"generalized"``.
      q: of the generalized cross entropy.
      label_smoothing: of the cross entropy.
      class_weights: one a class, or empty for 1 each.

    >>> logits, labels = jnp.array([[0.0, 0.0], [5.0, -5.0]]), jnp.array([1, -1])
    >>> round(float(ClassLoss()(logits, labels)), 4)  # log 2; the second row has no class
    0.6931
    >>> round(float(ClassLoss()(logits, labels, jnp.array([2.0, 7.0]))), 4)
    1.3863
    >>> round(float(ClassLoss("generalized", q=1.0)(logits, labels)), 4)  # 1 - 1/2
    0.5
    """

    name: str = "cross_entropy"
    q: float = 0.7
    label_smoothing: float = 0.0
    class_weights: tuple[float, ...] = ()

    def __call__(
        self,
        logits: Float[Array, "rows classes"],
        labels: Int[Array, " rows"],
        weights: Float[Array, " rows"] | None = None,
    ) -> Float[Array, ""]:
        """The sum.

        Args:
          logits: ``[rows, classes]``; computed with in float32 whatever their dtype.
          labels: integer ``[rows]``; rows with a negative one (padding, empty slots, no truth)
            count nothing, whatever their logits and weights hold.
          weights: float ``[rows]``; 1 each if None.

        Returns:
          float32 scalar; 0 where no row counts.
        """
        num_classes = logits.shape[-1]
        counted = labels >= 0
        # Replace rather than multiply: an infinite logit times zero would be NaN.
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
        if weights is not None:
            losses *= jnp.where(counted, weights.astype(jnp.float32), 0.0)
        return jnp.sum(jnp.where(counted, losses, 0.0))
