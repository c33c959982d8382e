"""The events of a file through a classifier of whole events."""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Iterator
from typing import Any

import numpy as np

from jaxsparse import models
from jaxsparse.data.batch import Batch
from jaxsparse.data.loader import Loader
from jaxsparse.evaluation.event_predictor import ClassPredictor
from jaxsparse.evaluation.events import Events
from jaxsparse.evaluation.options import Trained
from jaxsparse.evaluation.progress import progress
from jaxsparse.evaluation.scores import softmax

TINY = float(np.finfo(np.float32).tiny)  # a score that has a logarithm


@dataclasses.dataclass(frozen=True)
class Passed:
    """What a pass of events through a network leaves.

    Attributes:
      logits: float32 ``[events, classes]``.
      num_sites: pixels of all views.
      batch_size: events at once.
      predictor: with its times and compilations.
    """

    logits: np.ndarray
    num_sites: int
    batch_size: int
    predictor: ClassPredictor


def pass_events(trained: Trained, events: Events, *, draws: int = 0, quiet: bool = True) -> Passed:
    """The logits of every event, in their order, as many at a time as training took.

    Args:
      trained: the network.
      events: to pass.
      draws: passes over the events mirrored and moved as training may, each another draw: the
        logits are logarithms of the mean of their scores. 0 for one pass of the events as they are.
      quiet: no progress bar.
    """
    batch_size = _batch_size(trained.config, len(events))
    predictor = ClassPredictor(trained)
    logits = np.zeros((max(draws, 1), len(events), len(events.classes)), np.float32)
    num_sites, num_batches = 0, -(-len(events) // batch_size)
    passes = [
        _batches(events, trained.config, batch_size, draw if draws else None)
        for draw in range(max(draws, 1))
    ]
    predictions = predictor(itertools.chain(*passes))
    for number in progress(range(len(passes) * num_batches), "evaluating", quiet):
        made = next(predictions)
        rows = np.searchsorted(events.numbers, made.events)
        logits[number // num_batches, rows] = made.logits
        num_sites += made.sites if number < num_batches else 0
    mean = np.log(np.maximum(softmax(logits).mean(axis=0), TINY)) if draws else logits[0]
    return Passed(mean, num_sites, batch_size, predictor)


def _batch_size(config: Any, num_events: int) -> int:
    """What training puts through the network at once, not more than there are events."""
    training = -(-config.train.batch_size // config.train.accumulate)
    return max(min(training, num_events), 1)


def _batches(
    events: Events, config: Any, batch_size: int, draw: int | None = None
) -> Iterator[Batch]:
    """The events in their order, in batches of one device; with a ``draw`` mirrored and moved."""
    if not len(events):
        return
    data = config.data.copy_and_resolve_references()
    # One program where few batches come; threads, for a worker process costs seconds to start.
    data.num_buckets, data.workers = min(2, data.num_buckets), 0
    data.classes = events.classes
    data.fluctuation = data.drop = (
        0.0  # what a draw changes is where the event lies, not what it is
    )
    levels = models.geometry_of(config.model)["levels"]
    loader = Loader(
        events.source, data, batch_size=batch_size, levels=levels, shuffle=False,
        events=events.numbers, augment=draw is not None, seed=draw or 0,
    )  # fmt: skip
    for batch in loader:
        yield batch.device(0)
