"""A classifier of whole events as a function from batches to logits, timed."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Iterable, Iterator
from typing import Any

import jax
import numpy as np

from jaxsparse.data.batch import Batch
from jaxsparse.evaluation.options import Trained
from jaxsparse.inference.forward import make_forward


@dataclasses.dataclass(frozen=True)
class Prediction:
    """What the network says of the events of one batch; slots without an event are left out.

    Attributes:
      events: int64 ``[events]``, numbers in their file.
      labels: int32 ``[events]``, true classes, -1 unknown.
      logits: float32 ``[events, classes]``.
      sites: active sites of the whole batch, all views together.
    """

    events: np.ndarray
    labels: np.ndarray
    logits: np.ndarray
    sites: int


class ClassPredictor:
    """Runs batches through a network; compiles once per bucket.

    Args:
      trained: the network, its variables and configuration.

    Attributes:
      seconds: an event, of every batch that holds one: from host arrays to logits on the host,
        geometry included, compilation not, divided by the events of the batch.
    """

    def __init__(self, trained: Trained):
        self.variables = jax.device_put(trained.variables)
        self.seconds: list[float] = []
        self._compiled: set[tuple[tuple[int, ...], ...]] = set()
        forward = make_forward(trained.model)

        def logits(variables: Any, batch: Batch) -> jax.Array:
            outputs, _ = forward(variables, batch)
            return outputs["event"]

        self._forward = jax.jit(logits)

    @property
    def compilations(self) -> int:
        """How many buckets were compiled so far."""
        return len(self._compiled)

    @property
    def capacities(self) -> list[tuple[tuple[int, ...], ...]]:
        """Of the buckets compiled so far: sites per level, for every view."""
        return sorted(self._compiled)

    def __call__(self, batches: Iterable[Batch]) -> Iterator[Prediction]:
        """Predictions, batch by batch in their order.

        Args:
          batches: of one device each, without a device axis.
        """
        for batch in batches:
            capacities = tuple(view.capacities for view in batch.views)
            if capacities not in self._compiled:
                np.asarray(self._forward(self.variables, batch))  # compiles; not timed
                self._compiled.add(capacities)
            start = time.perf_counter()
            logits = np.asarray(self._forward(self.variables, batch))
            taken = time.perf_counter() - start
            events = np.asarray(batch.events)
            used = events >= 0
            if used.any():
                self.seconds.append(taken / int(used.sum()))
            yield Prediction(
                events[used].astype(np.int64), np.asarray(batch.labels)[used], logits[used],
                int(batch.num_active),
            )  # fmt: skip
