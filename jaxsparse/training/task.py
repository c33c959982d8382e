"""What differs between labelling pixels and labelling events, behind one interface.

The step, the loop, checkpoints and evaluation know only :class:`Task`.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any, Protocol

from jaxtyping import Array, Float, Int
from ml_collections import ConfigDict

from jaxsparse import models
from jaxsparse.data.event_file import EventFile
from jaxsparse.data.loader import Loader
from jaxsparse.errors import InputError
from jaxsparse.training.metrics import Sums


@dataclasses.dataclass(frozen=True)
class Loaders:
    """The data of a run.

    Attributes:
      train: endless.
      validation: one pass; None where the run has no validation events.
      num_events: training events of an epoch.
      facts: what to tell the user about the data, by name.
      contents: :func:`~jaxsparse.data.fingerprint.fingerprint` of every file by its config key.
      event_classes: names of the classes of whole events in the training file; none for pixels.
    """

    train: Loader
    validation: Loader | None
    num_events: int
    facts: dict[str, str]
    contents: dict[str, str]
    event_classes: tuple[str, ...] = ()


class Task(Protocol):
    """A batch's way into the network and the loss of what comes out; all but loaders traceable."""

    config: ConfigDict

    @property
    def has_validation(self) -> bool:
        """Whether the config names validation events."""

    def loaders(self, num_devices: int) -> Loaders:
        """Opens the files, checks them against the config, measures buckets."""

    def example(self) -> Any:
        """A batch with one site, enough to find the shapes of parameters."""

    def logits(self, outputs: dict[str, Any]) -> Float[Array, "rows classes"]:
        """Of the outputs of the network those that the loss is of."""

    def labels(self, batch: Any) -> Int[Array, " rows"]:
        """Class of every row of the logits, -1 for those that count nowhere."""

    def loss(self, logits: Float[Array, "rows classes"], batch: Any) -> Float[Array, ""]:
        """Summed over the rows that one replica has."""

    def counts(self, batch: Any) -> tuple[Int[Array, ""], Int[Array, ""]]:
        """(events that the loss is per, active sites)."""

    def scale_gradients(self, gradients: Any, sums: Sums) -> Any:
        """From the gradients of the summed loss of a whole batch to those that are descended."""


def build_task(config: ConfigDict) -> Task:
    """The task that ``config.task`` names.

    Raises:
      InputError: an unknown task, a network for another task, values that do not fit the task.
    """
    from jaxsparse.training.classification import Classification
    from jaxsparse.training.segmentation import Segmentation

    tasks: dict[str, Callable[[ConfigDict], Task]] = {
        "segmentation": Segmentation,
        "classification": Classification,
    }
    if config.task not in tasks:
        raise InputError(f"task is {config.task!r}: it must be {' or '.join(tasks)}.")
    heads = models.build(config.model).heads
    head = {"segmentation": "semantic", "classification": "event"}[config.task]
    if head not in heads:
        raise InputError(
            f"task is {config.task!r}, whose head is {head}, but the network of model.name "
            f"{config.model.name!r} has {', '.join(heads)}: set task, or choose another network."
        )
    if config.model.in_channels != 1:
        raise InputError(
            f"model.in_channels is {config.model.in_channels}: pixels have one value, set it to 1."
        )
    return tasks[config.task](config)


def open_events(config: ConfigDict, key: str) -> EventFile:
    """The event file that ``config.data[key]`` names.

    Raises:
      InputError: no name, no such file, or one without events.
    """
    path = config.data[key]
    if not path:
        raise InputError(f"data.{key} is empty: give an event file, --config.data.{key}=FILE.")
    source = EventFile(path)
    if len(source) == 0:
        raise InputError(f"data.{key} is {path}: it has no events, give a file with some.")
    return source


def few_buckets(data: ConfigDict) -> ConfigDict:
    """``data`` for a validation pass: it is short, and compiling costs more than padding."""
    few = data.copy_and_resolve_references()
    few.num_buckets = min(2, few.num_buckets)
    return few
