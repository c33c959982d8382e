"""What the outputs of a head are compared with, whatever the head."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from typing import Any

import jax.numpy as jnp
from jaxtyping import Array, Int

from jaxsparse.data.batch import Batch
from jaxsparse.training.metrics import HeadSums

Fields = Mapping[str, Any]  # of a head, or settings of an objective, by name


@dataclasses.dataclass(frozen=True)
class Target:
    """What the outputs of a head are compared with, and how.

    Attributes:
      pixel_targets: what it needs of every pixel, of :data:`jaxsparse.data.targets.TARGETS`.
      sums: output of the head, batch of one device -> its loss, summed over all rows that count,
        and how many are right; traceable.
      count: batch -> events that the loss is of, which a mean divides by; with any leading axes.
    """

    pixel_targets: tuple[str, ...]
    sums: Callable[[Any, Batch], HeadSums]
    count: Callable[[Batch], Int[Array, ""]]


def real_events(batch: Batch) -> Int[Array, ""]:
    """Events of a batch, with truth or without; with any leading axes."""
    return jnp.sum(batch.num_events, dtype=jnp.int32)
