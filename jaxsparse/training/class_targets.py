"""Classes of whole events and of pixels as what is to be said."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax.numpy as jnp
from jaxtyping import Array, Float, Int

from jaxsparse.data.batch import Batch
from jaxsparse.errors import InputError
from jaxsparse.training.losses import ClassLoss
from jaxsparse.training.metrics import HeadSums, confusion_counts
from jaxsparse.training.target import Fields, Target, real_events

# Scores, labels and weights (None: 1 each) of some rows.
Rows = tuple[Float[Array, "rows classes"], Int[Array, " rows"], Float[Array, " rows"] | None]


def event_classes(key: str, head: Fields, config: Fields) -> Target:
    """The classes of whole events; an event that has one counts as one.

    Args:
      key: of the objective.
      head: fields of the head.
      config: settings of the objective.

    Raises:
      InputError: settings that do not go together.
    """
    return _classes(
        class_loss(key, head["num_classes"], config),
        pixel_targets=(),
        rows=lambda scores, batch: [(scores, batch.labels, None)],
        count=lambda batch: jnp.sum(batch.labels >= 0),
    )


def pixel_classes(key: str, head: Fields, config: Fields) -> Target:
    """The classes of pixels; a pixel counts by its weight. Arguments as :func:`event_classes`."""
    return _classes(
        class_loss(key, head["num_classes"], config),
        pixel_targets=("labels", "weights"),
        rows=lambda scores, batch: [
            (of_view, view.targets["labels"], view.targets["weights"])
            for of_view, view in zip(scores, batch.views, strict=True)
        ],
        count=real_events,
    )


def class_loss(key: str, num_classes: int, config: Fields) -> ClassLoss:
    """The loss of an objective.

    Raises:
      InputError: settings that do not go together.
    """
    weights, smoothing = tuple(map(float, config["class_weights"])), config["label_smoothing"]
    if smoothing and config["loss"] != "cross_entropy":
        raise InputError(
            f"{key}.label_smoothing is {smoothing}: it must be 0 with {key}.loss="
            f"{config['loss']}, which has no smoothed form"
        )
    if len(weights) not in (0, num_classes):
        raise InputError(
            f"{key}.class_weights is {weights}: it must hold {num_classes} numbers, or none"
        )
    return ClassLoss(config["loss"], config["q"], smoothing, weights)


def _classes(
    loss: ClassLoss,
    *,
    pixel_targets: tuple[str, ...],
    rows: Callable[[Any, Batch], list[Rows]],
    count: Callable[[Batch], Int[Array, ""]],
) -> Target:
    def sums(output: Any, batch: Batch) -> HeadSums:
        parts = rows(output, batch)
        return HeadSums(
            loss=sum(loss(*part) for part in parts),
            confusion=sum(confusion_counts(scores, labels) for scores, labels, _ in parts),
            count=jnp.asarray(count(batch), jnp.int32),
        )

    return Target(pixel_targets, sums, count)
