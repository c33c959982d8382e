"""Batches in an order that depends on the seed alone, prefetched, resumable at any batch."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable
from typing import Any

import grain
import numpy as np

from jaxsparse.data.batching import Batch, Sample, Shard, pad, split_samples
from jaxsparse.data.buckets import BucketTable
from jaxsparse.data.pipeline import Pipeline, Source, measure_buckets, source_name
from jaxsparse.data.spread_out import spread_or_all
from jaxsparse.data.stream import ENDLESS, Stream
from jaxsparse.errors import InputError


class Loader(Stream[Batch]):
    """Iterates the batches of one process.

    Training (``shuffle=True``) is endless: epoch after epoch, each in its own order, with
    augmentation. Evaluation (``shuffle=False``) is one pass in the order of the file; the last
    batch may hold fewer events. Batch b is a function of (seed, b): the position in the data is
    b, and a run goes on exactly by ``start_batch=b``, with any number of workers.

    Work is done by threads, or by ``data.workers`` processes (their program needs the usual
    ``if __name__ == "__main__":``).

    Several hosts: each gets every ``process_count``-th event of a batch. All must run the same
    compiled program, so ``agree`` has to return the largest of the numbers that the hosts give it.

    Args:
      source: random access to events.
      data: the ``data`` part of a config; see :class:`~jaxsparse.data.pipeline.Pipeline`, and
        ``feature_scale``, ``num_buckets``, ``max_sites``, ``workers``.
      loss: the ``loss`` part of a config, for pixel weights.
      batch_size: events of a batch over all hosts and devices, at least 1.
      num_devices: devices of this process: the leading axis of every array.
      micro_batches: parts that a device takes one after the other; the second axis of every array
        where there is more than one.
      levels: levels of the network, to count sites at.
      seed: of order, crops, flips and buckets.
      shuffle: training or evaluation, see above.
      augment: whether to flip; as ``shuffle`` if None.
      start_batch: number of the first batch.
      num_events: use only so many events, spread evenly over the file; all if 0.
      process_index: number of this host.
      process_count: number of hosts.
      buckets: measured on the source if None.
      agree: see above.

    Raises:
      InputError: batch or event counts out of range, no events to train on; iteration raises it for
        events that break a rule or do not fit.
    """

    def __init__(
        self,
        source: Source,
        data: Any,
        *,
        loss: Any = None,
        batch_size: int,
        num_devices: int = 1,
        micro_batches: int = 1,
        levels: int = 5,
        seed: int = 0,
        shuffle: bool = True,
        augment: bool | None = None,
        start_batch: int = 0,
        num_events: int = 0,
        process_index: int = 0,
        process_count: int = 1,
        buckets: BucketTable | None = None,
        agree: Callable[[int], int] | None = None,
    ):
        if batch_size < 1:
            raise InputError(f"train.batch_size is {batch_size}: it must be 1 or more")
        scale = float(data.feature_scale)
        if not 0 < scale < math.inf:
            raise InputError(f"data.feature_scale is {scale}: it must be positive, 1 divides by 1")
        if process_count > 1 and agree is None:
            raise InputError("agree is None: several hosts must choose buckets together")
        if len(source) == 0 and shuffle:
            raise InputError(f"{source_name(source)} has no events: training needs some")
        self.pipeline = Pipeline(
            source, data, loss, levels=levels, seed=seed,
            augment=shuffle if augment is None else augment,
        )  # fmt: skip
        self.num_devices = num_devices
        local_batch = -(-batch_size // process_count)
        num_shares = num_devices * micro_batches
        events = spread_or_all(len(source), num_events)
        buckets = buckets or measure_buckets(
            self.pipeline, batch_size=local_batch, num_devices=num_shares,
            num_buckets=int(data.num_buckets),
        )  # fmt: skip
        super().__init__(
            _ShardMaker(
                pipeline=self.pipeline,
                order=EventOrder(events, seed=seed, shuffle=shuffle),
                buckets=buckets,
                batch_size=batch_size,
                num_shares=num_shares,
                process_index=process_index,
                process_count=process_count,
                feature_scale=scale,
            ),
            pad,
            buckets=buckets,
            num_batches=ENDLESS if shuffle else -(-len(events) // batch_size),
            start_batch=start_batch,
            workers=int(data.workers),
            micro_batches=micro_batches,
            agree=agree,
        )

    @property
    def spatial_shape(self) -> tuple[int, ...]:
        """Shape of the images in the batches."""
        return self.pipeline.spatial_shape


class EventOrder:
    """Which event stands at a position of the sequence of epochs; endless if ``shuffle``.

    Every epoch holds every event once. The order is grain's index permutation: nothing is stored,
    and any position costs the same.

    >>> order = EventOrder(np.arange(5), seed=1, shuffle=True)
    >>> sorted(order[position][1] for position in range(5, 10))
    [0, 1, 2, 3, 4]
    """

    def __init__(self, events: np.ndarray, *, seed: int, shuffle: bool):
        self.events, self.num_events = events, len(events)
        self.endless = shuffle
        self._places = grain.MapDataset.range(len(events))
        if shuffle:
            # grain adds the epoch to the seed: hash it, or seed 1 repeats seed 0 an epoch later.
            hashed = int(np.random.SeedSequence([seed]).generate_state(1)[0])
            self._places = self._places.shuffle(seed=hashed).repeat()

    def __getitem__(self, position: int) -> tuple[int, int]:
        """(epoch, event number)."""
        return position // self.num_events, int(self.events[self._places[position]])

    def batch(self, number: int, size: int) -> list[tuple[int, int]]:
        """The entries of one batch; the last of an order that ends may be short."""
        last = (number + 1) * size
        if not self.endless:
            last = min(last, self.num_events)
        return [self[position] for position in range(number * size, last)]


@dataclasses.dataclass(frozen=True)
class _ShardMaker:
    """Batch number -> unpadded shards of this process; runs in threads or worker processes."""

    pipeline: Pipeline
    order: EventOrder
    buckets: BucketTable
    batch_size: int
    num_shares: int
    process_index: int
    process_count: int
    feature_scale: float

    def __call__(self, number: int) -> list[Shard] | InputError:
        try:
            entries = self.order.batch(int(number), self.batch_size)
            mine = entries[self.process_index :: self.process_count]
            samples = [
                self.pipeline.fit(self.pipeline.sample(event, epoch), self.buckets, epoch)
                for epoch, event in mine
            ]
            epochs = [epoch for epoch, _ in mine]
            return self._fitted(int(number), samples, epochs)
        except InputError as error:
            return error

    def _fitted(self, number: int, samples: list[Sample], epochs: list[int]) -> list[Shard]:
        """Shards that fit in a bucket; only ``data.max_sites`` can make that a matter at all."""
        while True:
            shards = split_samples(
                samples, self.num_shares, batch_size=-(-self.batch_size // self.process_count),
                spatial_shape=self.pipeline.spatial_shape, levels=self.pipeline.levels,
                feature_scale=self.feature_scale,
            )  # fmt: skip
            if self.buckets.pick(np.array([shard.level_counts for shard in shards])) is not None:
                return shards
            row = max(range(len(samples)), key=lambda row: len(samples[row].view))
            if self.pipeline.oversize == "error":
                sites = max(len(shard.coords) for shard in shards)
                raise InputError(
                    f"Batch {number} of {source_name(self.pipeline.source)} has {sites} sites on a "
                    f"device (event {samples[row].event} has most) but "
                    f"{self.pipeline.limit(self.buckets)}: raise it, lower train.batch_size, or "
                    "set data.oversize=crop"
                )
            smaller = [count * 7 // 8 for count in samples[row].level_counts]
            samples[row] = self.pipeline.shrink(samples[row], smaller, epochs[row])
