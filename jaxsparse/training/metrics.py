"""Counts that a training or validation step adds up, and the ratios read off them.

A step returns sums (:class:`Sums`), never means: sums over devices, steps and events add.
"""

from __future__ import annotations

import dataclasses
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Int


@jax.tree_util.register_dataclass
@dataclasses.dataclass(frozen=True)
class HeadSums:
    """What one step counted of one head, over all devices.

    Attributes:
      loss: float32 ``[]``, summed over all rows (pixels, or events) of all events.
      confusion: int32 ``[classes, classes]``, rows by truth (rows) and prediction; of a head that
        tells no classes ``[[right, wrong], [0, 0]]``.
      count: int32 ``[]``, events that the loss is of: of whole events those that have a class.
    """

    loss: Any
    confusion: Any
    count: Any

    @property
    def loss_per_event(self) -> float:
        """The summed loss over the number of events: comparable between batch sizes."""
        return float(self.loss / max(int(self.count), 1))

    @property
    def accuracy(self) -> float:
        """Rightly classified rows over rows with truth, pooled; NaN without any."""
        return accuracy(np.asarray(self.confusion))


@jax.tree_util.register_dataclass
@dataclasses.dataclass(frozen=True)
class Sums:
    """What one step counted, over all devices.

    Attributes:
      heads: by name.
      events: int32 ``[]``, real events (padding events do not count).
      sites: int32 ``[]``, active sites, with truth or without.
    """

    heads: dict[str, HeadSums]
    events: Any
    sites: Any

    def head(self, name: str) -> HeadSums:
        """Of one head; of nothing where no step was counted."""
        return self.heads.get(name, HeadSums(0.0, np.zeros((1, 1), np.int64), 0))

    def beside(self, main: str) -> dict[str, dict[str, float]]:
        """Loss and accuracy of the other heads, by name."""
        return {
            name: {"loss": head.loss_per_event, "accuracy": head.accuracy}
            for name, head in self.heads.items()
            if name != main
        }

    def __add__(self, other: Sums) -> Sums:
        return jax.tree.map(lambda a, b: a + b, self, other)

    def fetch(self) -> Sums:
        """The same on the host in 64 bits, so that long sums stay exact."""
        heads = {
            name: HeadSums(
                loss=np.float64(head.loss),
                confusion=np.asarray(head.confusion, np.int64),
                count=np.int64(head.count),
            )
            for name, head in self.heads.items()
        }
        return Sums(heads, events=np.int64(self.events), sites=np.int64(self.sites))

    def to_json(self) -> dict[str, Any]:
        """As JSON, exact; :meth:`from_json` is the way back."""
        heads = {
            name: {
                "loss": float(head.loss),
                "confusion": np.asarray(head.confusion).tolist(),
                "count": int(head.count),
            }
            for name, head in self.heads.items()
        }
        return {"heads": heads, "events": int(self.events), "sites": int(self.sites)}

    @classmethod
    def from_json(cls, stored: dict[str, Any]) -> Sums:
        """What :meth:`to_json` made."""
        heads = {
            name: HeadSums(head["loss"], np.array(head["confusion"]), head["count"])
            for name, head in stored["heads"].items()
        }
        return cls(heads, stored["events"], stored["sites"]).fetch()


def confusion_counts(
    logits: Float[Array, "sites classes"], labels: Int[Array, " sites"]
) -> Int[Array, "classes classes"]:
    """Pixels by true class (rows) and largest logit (columns); traceable, without scatter.

    Args:
      logits: ``[sites, classes]``.
      labels: integer ``[sites]``; negative ones (padding, no truth) count nowhere.

    Returns:
      int32 ``[classes, classes]``.

    >>> confusion_counts(jnp.array([[1.0, 0.0], [2.0, 3.0], [9.0, 0.0]]), jnp.array([0, 0, -1]))
    Array([[1, 1],
           [0, 0]], dtype=int32)
    """
    num_classes = logits.shape[-1]
    cell = labels * num_classes + jnp.argmax(logits, axis=-1)
    cell = jnp.where(labels >= 0, cell, -1)
    hits = cell[:, None] == jnp.arange(num_classes**2)
    return jnp.sum(hits, axis=0, dtype=jnp.int32).reshape(num_classes, num_classes)


def right_and_wrong(right: Bool[Array, " rows"], known: Bool[Array, " rows"]) -> Int[Array, "2 2"]:
    """The table of a head that tells no classes, whose :func:`accuracy` is the share of the right.

    Args:
      right: which rows are.
      known: which rows have truth; others count nowhere.

    >>> right_and_wrong(jnp.array([True, True, False]), jnp.array([True, False, True])).tolist()
    [[1, 1], [0, 0]]
    """
    counted = [jnp.sum(known & right), jnp.sum(known & ~right)]
    return (
        jnp.stack([*counted, *[jnp.zeros((), counted[0].dtype)] * 2])
        .astype(jnp.int32)
        .reshape(2, 2)
    )


def accuracy(confusion: np.ndarray) -> float:
    """Diagonal over total of a confusion table; NaN for an empty one.

    >>> accuracy(np.array([[3, 1], [0, 0]]))
    0.75
    """
    total = confusion.sum()
    return float(np.trace(confusion) / total) if total else float("nan")
