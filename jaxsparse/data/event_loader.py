"""Batches of whole events, two views or more: shuffled, prefetched, resumable at any batch."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Callable
from typing import Any

import numpy as np

from jaxsparse.data.buckets import BucketTable
from jaxsparse.data.event_batch import EventBatch, EventShard, pad_events, share_events
from jaxsparse.data.event_pipeline import EventPipeline, measure_event_buckets
from jaxsparse.data.pipeline import source_name
from jaxsparse.data.pixels import PixelSource
from jaxsparse.data.stream import ENDLESS, Stream
from jaxsparse.errors import InputError


class EventLoader(Stream[EventBatch]):
    """Iterates the batches of whole events of one process.

    Training (``shuffle=True``) is endless: epoch after epoch, each in its own order, with
    augmentation. Evaluation (``shuffle=False``) is one pass in the order of ``events``; the last
    batch may hold fewer. Batch b is a function of (seed, b), whatever the number of workers.

    All devices and micro-batches have the same number of slots, ``ceil(batch_size / shares)``, and
    about the same number of sites; nothing is ever dropped or cropped.

    Args:
      source: random access to events.
      data: the ``data`` part of a config; see
        :class:`~jaxsparse.data.event_pipeline.EventPipeline`, and ``num_buckets``, ``workers``.
      batch_size: events of a batch over all hosts, devices and micro-batches, at least 1.
      num_devices: devices of this process: the leading axis of every array.
      micro_batches: parts that a device takes one after the other; the second axis of every array
        where there is more than one.
      levels: levels of the network, to count sites at.
      seed: of order, flips, fluctuations and buckets.
      shuffle: training or evaluation, see above.
      augment: whether to flip and fluctuate; as ``shuffle`` if None.
      start_batch: number of the first batch.
      events: numbers of the events to use; all of the source if None.
      process_index: number of this host.
      process_count: number of hosts.
      buckets: measured on the source if None, unless ``data.capacities`` states them.
      agree: with several hosts, returns the largest of the numbers that they give it.

    Raises:
      InputError: batch or event counts out of range, no events to train on; see also the pipeline.
    """

    def __init__(
        self,
        source: PixelSource,
        data: Any,
        *,
        batch_size: int,
        num_devices: int = 1,
        micro_batches: int = 1,
        levels: int,
        seed: int = 0,
        shuffle: bool = True,
        augment: bool | None = None,
        start_batch: int = 0,
        events: np.ndarray | None = None,
        process_index: int = 0,
        process_count: int = 1,
        buckets: BucketTable | None = None,
        agree: Callable[[int], int] | None = None,
    ):
        if batch_size < 1:
            raise InputError(f"train.batch_size is {batch_size}: it must be 1 or more")
        if process_count > 1 and agree is None:
            raise InputError("agree is None: several hosts must choose buckets together")
        events = np.arange(len(source)) if events is None else np.asarray(events, np.int64)
        if len(events) == 0 and shuffle:
            raise InputError(
                f"{source_name(source)} has no events of the classes chosen: training needs some"
            )
        self.pipeline = EventPipeline(
            source, data, levels=levels, seed=seed, augment=shuffle if augment is None else augment
        )
        self.num_events = len(events)
        local_batch = -(-batch_size // process_count)
        num_shares = num_devices * micro_batches
        slots = -(-local_batch // num_shares)
        buckets = buckets or measure_event_buckets(
            self.pipeline, events, batch_size=local_batch, num_shares=num_shares, slots=slots,
            num_buckets=int(data.num_buckets), capacities=data.capacities,
        )  # fmt: skip
        super().__init__(
            _EventShardMaker(
                pipeline=self.pipeline,
                order=EpochOrder(events, seed=seed, shuffle=shuffle),
                batch_size=batch_size,
                num_shares=num_shares,
                slots=slots,
                process_index=process_index,
                process_count=process_count,
            ),
            pad_events,
            buckets=buckets,
            num_batches=ENDLESS if shuffle else -(-len(events) // batch_size),
            start_batch=start_batch,
            workers=int(data.workers),
            micro_batches=micro_batches,
            agree=agree,
        )

    @property
    def classes(self) -> tuple[str, ...]:
        """What the labels in the batches mean."""
        return self.pipeline.classes


class EpochOrder:
    """Epoch after epoch of a set of events, each in its own order; one pass unless ``shuffle``.

    >>> order = EpochOrder(np.array([3, 5, 8]), seed=1, shuffle=True)
    >>> epochs, events = order.batch(1, 4)  # the last two of epoch 1, the first two of epoch 2
    >>> epochs.tolist(), sorted([*order.batch(0, 4)[1].tolist(), *events.tolist()][3:6])
    ([1, 1, 2, 2], [3, 5, 8])
    """

    def __init__(self, events: np.ndarray, *, seed: int, shuffle: bool):
        self.events, self.seed, self.endless = events, seed, shuffle

    def batch(self, number: int, size: int) -> tuple[np.ndarray, np.ndarray]:
        """(epochs, event numbers) of one batch; the last of an order that ends may be short."""
        total = len(self.events)
        last = (number + 1) * size
        positions = np.arange(number * size, last if self.endless else min(last, total))
        if not self.endless:
            return np.zeros(len(positions), np.int64), self.events[positions]
        epochs, places = np.divmod(positions, total)
        chosen = np.empty_like(places)
        for epoch in np.unique(epochs):
            rows = epochs == epoch
            chosen[rows] = _permutation(total, self.seed, int(epoch))[places[rows]]
        return epochs, self.events[chosen]


@functools.lru_cache(maxsize=2)  # a batch may hold the end of one epoch and the start of the next
def _permutation(length: int, seed: int, epoch: int) -> np.ndarray:
    return np.random.default_rng([0x0E70C5, seed, epoch]).permutation(length)


@dataclasses.dataclass(frozen=True)
class _EventShardMaker:
    """Batch number -> unpadded shards of this process; runs in threads or worker processes."""

    pipeline: EventPipeline
    order: EpochOrder
    batch_size: int
    num_shares: int
    slots: int
    process_index: int
    process_count: int

    def __call__(self, number: int) -> list[EventShard] | InputError:
        try:
            epochs, events = self.order.batch(int(number), self.batch_size)
            mine = slice(self.process_index, None, self.process_count)
            epochs, events = epochs[mine], events[mine]
            return share_events(
                self.pipeline.images(events, epochs), self.pipeline.labels[events], events,
                num_shares=self.num_shares, slots=self.slots, levels=self.pipeline.levels,
            )  # fmt: skip
        except InputError as error:
            return error
