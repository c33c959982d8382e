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
from jaxtyping import Array, Int
from ml_collections import ConfigDict

from jaxsparse import settings
from jaxsparse.data.batch import Batch
from jaxsparse.data.targets import Weigh
from jaxsparse.data.weights import pixel_weights
from jaxsparse.errors import InputError
from jaxsparse.training.class_targets import event_classes, pixel_classes
from jaxsparse.training.edge_target import edges
from jaxsparse.training.embedding_target import embeddings
from jaxsparse.training.instance_target import instances
from jaxsparse.training.metrics import HeadSums
from jaxsparse.training.target import Fields, Target
from jaxsparse.training.vertex_target import vertices

# By the name of a head, what its output is compared with: a function of the key of its objective,
# the fields of the head and the settings of the objective.
TARGETS: dict[str, Callable[[str, Fields, Fields], Target]] = {
    "edges": edges,
    "embedding": embeddings,
    "event": event_classes,
    "instance": instances,
    "semantic": pixel_classes,
    "vertex": vertices,
}


@dataclasses.dataclass(frozen=True)
class Objective:
    """One head's part of what is minimised.

    Attributes:
      head: its name.
      target: what its output is compared with, and how.
      reduction: ``"sum"`` or ``"mean"``.
      weight: among the objectives.
    """

    head: str
    target: Target
    reduction: str
    weight: float

    def sums(self, outputs: Mapping[str, Any], batch: Batch) -> HeadSums:
        """What the rows of one device count; traceable."""
        return self.target.sums(outputs[self.head], batch)

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
      InputError: a value out of its range, or a head of your own without a target.
    """
    heads, given = config.model.heads, config.objectives
    return tuple(_objective(name, heads[name], given[name]) for name in sorted(heads))


def pixel_targets(objectives: Iterable[Objective]) -> tuple[str, ...]:
    """What batches must have of every pixel, of :data:`jaxsparse.data.targets.TARGETS`."""
    names = (name for objective in objectives for name in objective.target.pixel_targets)
    return tuple(dict.fromkeys(names))


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


def _objective(name: str, head: ConfigDict, config: ConfigDict) -> Objective:
    group = f"objectives.{name}"
    settings.check(group, config)
    if name not in TARGETS:
        raise InputError(
            f"head {name} has no target: add it to TARGETS of jaxsparse.training.objectives"
        )
    target = TARGETS[name](group, dict(head.items()), dict(config.items()))
    return Objective(name, target, config.reduction, float(config.weight))
