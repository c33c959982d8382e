"""What a training minimises: of every head a loss against a target, with a weight.

``loss = sum over objectives of weight * reduction(loss of the head's rows)``. The loss is summed
over rows, devices and micro-batches; the reduction is ``sum``, or ``mean``: divided by the events
that it is of. Parts of a batch add up to the same number however it is shared out.
"""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import jax.numpy as jnp
from jaxtyping import Array, Float, Int
from ml_collections import ConfigDict

from jaxsparse import settings
from jaxsparse.data.batch import Batch
from jaxsparse.data.targets import Weigh
from jaxsparse.data.weights import pixel_weights
from jaxsparse.errors import InputError
from jaxsparse.training.losses import ClassLoss
from jaxsparse.training.metrics import HeadSums, confusion_counts

# Scores, labels and weights (None: 1 each) of some rows.
Rows = tuple[Float[Array, "rows classes"], Int[Array, " rows"], Float[Array, " rows"] | None]


@dataclasses.dataclass(frozen=True)
class Target:
    """What the outputs of a head are compared with.

    Attributes:
      pixel_targets: what it needs of every pixel, of :data:`jaxsparse.data.targets.TARGETS`.
      rows: output of the head, batch -> its rows, in one or several parts.
      count: batch -> events that the loss is of; with any leading axes.
    """

    pixel_targets: tuple[str, ...]
    rows: Callable[[Any, Batch], list[Rows]]
    count: Callable[[Batch], Int[Array, ""]]


# By the name of the head. A pixel counts by its weight, an event that has a class as one.
TARGETS = {
    "event": Target(
        pixel_targets=(),
        rows=lambda scores, batch: [(scores, batch.labels, None)],
        count=lambda batch: jnp.sum(batch.labels >= 0),
    ),
    "semantic": Target(
        pixel_targets=("labels", "weights"),
        rows=lambda scores, batch: [
            (of_view, view.targets["labels"], view.targets["weights"])
            for of_view, view in zip(scores, batch.views, strict=True)
        ],
        count=lambda batch: jnp.sum(batch.num_events),
    ),
}


@dataclasses.dataclass(frozen=True)
class Objective:
    """One head's part of what is minimised.

    Attributes:
      head: its name.
      target: what its output is compared with.
      loss: how.
      reduction: ``"sum"`` or ``"mean"``.
      weight: among the objectives.
    """

    head: str
    target: Target
    loss: ClassLoss
    reduction: str
    weight: float

    def sums(self, outputs: Mapping[str, Any], batch: Batch) -> HeadSums:
        """What the rows of one device count; traceable."""
        parts = self.target.rows(outputs[self.head], batch)
        return HeadSums(
            loss=sum(self.loss(*part) for part in parts),
            confusion=sum(confusion_counts(scores, labels) for scores, labels, _ in parts),
            count=jnp.asarray(self.target.count(batch), jnp.int32),
        )

    def scale(self, count: Int[Array, ""]) -> Any:
        """What the summed loss is multiplied with.

        Args:
          count: of the target, of the whole batch: all devices and micro-batches.
        """
        if self.reduction == "sum":
            return self.weight
        return self.weight / jnp.maximum(count, 1).astype(jnp.float32)


def objectives_of(config: ConfigDict) -> tuple[Objective, ...]:
    """The objectives of a config, one for every head of its network.

    Raises:
      InputError: a value out of its range.
    """
    heads, given = config.model.heads, config.objectives
    return tuple(_objective(name, given[name], heads[name].num_classes) for name in sorted(heads))


def pixel_targets(objectives: Iterable[Objective]) -> tuple[str, ...]:
    """What batches must have of every pixel, of :data:`jaxsparse.data.targets.TARGETS`."""
    return tuple(name for objective in objectives for name in objective.target.pixel_targets)


def weigh_pixels(config: ConfigDict) -> Weigh | None:
    """The weight of every pixel in the loss, as the objective ``semantic`` has it; None without.

    Raises:
      InputError: a value out of its range.
    """
    if (semantic := config.objectives.get("semantic")) is None:
        return None
    settings.check("objectives.semantic", semantic)
    return functools.partial(
        pixel_weights, low=semantic.cluster_low, high=semantic.cluster_high,
        scale=semantic.cluster_scale, vertex_weight=semantic.vertex_weight,
        vertex_radius=semantic.vertex_radius,
    )  # fmt: skip


def main_head(config: ConfigDict) -> str:
    """The head whose loss and accuracy validations are compared by and logs put first.

    Raises:
      InputError: ``main_head`` is none of the heads, or empty where there are several.
    """
    heads, name = tuple(config.model.heads), config.main_head
    if not name and len(heads) == 1:
        return heads[0]
    if name not in heads:
        raise InputError(f"main_head is {name!r}: it must be one of {', '.join(heads)}")
    return str(name)


def _objective(head: str, config: ConfigDict, num_classes: int) -> Objective:
    group = f"objectives.{head}"
    settings.check(group, config)
    weights, smoothing = tuple(map(float, config.class_weights)), config.label_smoothing
    if smoothing and config.loss != "cross_entropy":
        raise InputError(
            f"{group}.label_smoothing is {smoothing}: it must be 0 with {group}.loss="
            f"{config.loss}, which has no smoothed form"
        )
    if len(weights) not in (0, num_classes):
        raise InputError(
            f"{group}.class_weights is {weights}: it must hold {num_classes} numbers, or none"
        )
    loss = ClassLoss(config.loss, config.q, smoothing, weights)
    return Objective(head, TARGETS[head], loss, config.reduction, float(config.weight))
