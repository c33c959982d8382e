"""What every evaluated head is."""

from __future__ import annotations

import abc
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, ClassVar

from jaxsparse.data.batch import Batch
from jaxsparse.detectors import ClassSet
from jaxsparse.evaluation.data_set import DataSet, Portion
from jaxsparse.evaluation.metrics.metric import Metric
from jaxsparse.evaluation.scored import Scored

if TYPE_CHECKING:  # matplotlib is loaded when something is drawn
    from jaxsparse.viz.picture import Picture


class EvaluatedHead(abc.ABC):
    """One output of a network over a data set.

    Args:
      data_set: that is evaluated.
      other: events to fit baselines on, if they shall not be of the data set.
      attributes: of the file of predictions.
      quiet: no progress bar.

    Attributes:
      classes: names of its classes.
      class_set: what is known of them.
      metrics: which figures apply, in the order of the report.
      heads: all heads of the network by name, before anything is drawn.
    """

    foreign: ClassVar[tuple[str, ...]]  # options of networks without such a head
    classes: tuple[str, ...]
    class_set: ClassSet
    metrics: Sequence[Metric]
    heads: Mapping[str, EvaluatedHead] = MappingProxyType({})

    @abc.abstractmethod
    def __init__(
        self, data_set: DataSet, other: DataSet | None, attributes: dict[str, Any], *, quiet: bool
    ): ...

    @abc.abstractmethod
    def writing(self, folder: Path) -> AbstractContextManager[Any]:
        """``predictions.h5``, open while the pass lasts."""

    @abc.abstractmethod
    def scored(
        self, portion: Portion, batch: Batch, outputs: Mapping[str, Any]
    ) -> Iterator[Scored]:
        """What the network says of a portion; writes it down.

        Args:
          portion: some events.
          batch: that was made of them.
          outputs: of all heads, by name.
        """

    @abc.abstractmethod
    def facts(self) -> dict[str, Any]:
        """Values of ``metrics.json`` beside the metrics', after the pass."""

    def images(self, number: int) -> dict[str, Picture]:
        """What is said of the pixels of an event that is drawn, by view; ``{}`` if nothing is."""
        return {}

    @abc.abstractmethod
    def draw(self, folder: Path, metrics: dict[str, Any]) -> None:
        """Pictures of some events."""
