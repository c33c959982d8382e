"""Batches by number: made ahead by threads or processes, padded to buckets, resumable anywhere."""

from __future__ import annotations

import copy
import dataclasses
import functools
from collections.abc import Generator, Sequence
from contextlib import closing

import grain
import jax
import numpy as np

from jaxsparse.data.bad_events import LeftOut
from jaxsparse.data.batch import Batch, Shard, pad, share_out
from jaxsparse.data.buckets import BucketTable
from jaxsparse.data.measured_buckets import measure_buckets
from jaxsparse.data.pipeline import Pipeline
from jaxsparse.data.pixels import Pixels, source_name
from jaxsparse.data.worker_processes import WorkerProcesses
from jaxsparse.errors import InputError

ENDLESS = 2**48  # batches of a training run: more than any will take
THREADS, PREFETCH = 2, 4  # batches made at a time, batches waiting, in the main process

Made = tuple[list[Shard], dict[int, str]]  # and what is wrong with events that were left out

_REMEDY = "lower data.workers, or repeat the command"


class Loader:
    """Iterates batches.

    Training (``shuffle=True``) is endless: epoch after epoch, each in its own order. Evaluation
    (``shuffle=False``) is one pass in the order of ``events``; the last batch may hold fewer. What
    is augmented, the pipeline says. Batch b is a function of (seed, b): the position in the data is
    b, and a run goes on exactly by ``start_batch=b``, with any number of workers.

    All devices and micro-batches have the same number of slots, ``ceil(batch_size / shares)``, and
    about the same number of sites. Nothing is ever dropped, unless ``data.max_sites`` bounds the
    sites and ``data.oversize`` says so.

    An event that cannot be read ends the iteration, or is left out (``data.bad_events``): its batch
    is then shorter.

    Work is done by threads, or by worker processes (their program needs the usual
    ``if __name__ == "__main__":``).

    Args:
      pipeline: makes the images of events; its seed is that of the order and of the buckets.
      batch_size: events of a batch over all devices and micro-batches, at least 1.
      num_devices: the leading axis of every array.
      micro_batches: parts that a device takes one after the other; the second axis of every array
        where there is more than one.
      shuffle: training or evaluation, see above.
      start_batch: number of the first batch.
      events: numbers of the events to use; all of the source if None.
      buckets: measured on the events if None.
      num_buckets: how many to measure.
      capacities: states them instead.
      workers: processes that make batches; 0: threads.
      max_bad_events: how many that cannot be read are left out at most.

    Raises:
      InputError: batch or event counts out of range, no events to train on.
        Iteration raises it for events that break a rule or do not fit.
    """

    def __init__(
        self,
        pipeline: Pipeline,
        *,
        batch_size: int,
        num_devices: int = 1,
        micro_batches: int = 1,
        shuffle: bool = True,
        start_batch: int = 0,
        events: np.ndarray | None = None,
        buckets: BucketTable | None = None,
        num_buckets: int = 4,
        capacities: Sequence[Sequence[int]] = (),
        workers: int = 0,
        max_bad_events: int = 100,
    ):
        source = pipeline.source
        if batch_size < 1:
            raise InputError(f"train.batch_size is {batch_size}: it must be 1 or more")
        if shuffle and not len(source if events is None else events):
            chosen = " of the classes chosen" if len(source) else ""
            raise InputError(f"{source_name(source)} has no events{chosen}: training needs some")
        events = np.arange(len(source)) if events is None else np.asarray(events, np.int64)
        self.pipeline = pipeline
        num_shares = num_devices * micro_batches
        self.slots = -(-batch_size // num_shares)
        self.buckets = buckets or measure_buckets(
            pipeline, events, batch_size=batch_size, num_shares=num_shares,
            num_buckets=num_buckets, capacities=capacities,
        )  # fmt: skip
        self.events, self.num_events = events, len(events)
        self.num_batches = ENDLESS if shuffle else -(-len(events) // batch_size)
        self.start_batch = start_batch
        self.workers = workers
        self._maker = _Maker(
            pipeline=pipeline,
            order=EpochOrder(events, seed=pipeline.seed, shuffle=shuffle),
            buckets=self.buckets,
            batch_size=batch_size,
            num_shares=num_shares,
            slots=self.slots,
        )
        self.left_out = LeftOut(source, max_bad_events)
        self._micro_batches = micro_batches

    def first(self, batches: int) -> Loader:
        """The first so many batches alone; this loader may be iterated at the same time."""
        part = copy.copy(self)
        part.start_batch, part.num_batches = 0, min(batches, self.num_batches)
        return part

    def __iter__(self) -> Generator[Batch, None, None]:
        with closing(self._made()) as batches:
            for made in batches:
                if isinstance(made, InputError):
                    raise made
                shards, wrong = made
                self.left_out.add(wrong)
                yield self._padded(shards)

    def _made(self) -> Generator[Made | InputError, None, None]:
        first = min(self.start_batch, self.num_batches)
        if self.workers:
            with closing(WorkerProcesses(self._maker, self.workers, remedy=_REMEDY)) as processes:
                yield from processes.map(range(first, self.num_batches))
            return
        shards = grain.MapDataset.range(first, self.num_batches).map(self._maker)
        options = grain.ReadOptions(num_threads=THREADS, prefetch_buffer_size=PREFETCH)
        with closing(iter(shards.to_iter_dataset(options))) as iterator:
            yield from iterator

    def _padded(self, shards: list[Shard]) -> Batch:
        bucket = self.buckets.pick(_counts(shards))
        assert bucket is not None, "the maker hands out only what fits"
        batch = pad(shards, self.buckets.capacities[bucket], slots=self.slots)
        parts = self._micro_batches
        if parts == 1:
            return batch
        return jax.tree.map(lambda leaf: leaf.reshape(-1, parts, *leaf.shape[1:]), batch)


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
class _Maker:
    """Batch number -> unpadded shards; runs in threads or worker processes.

    An error as a value crosses threads and processes unchanged.
    """

    pipeline: Pipeline
    order: EpochOrder
    buckets: BucketTable
    batch_size: int
    num_shares: int
    slots: int

    def __call__(self, number: int) -> Made | InputError:
        try:
            epochs, events = self.order.batch(int(number), self.batch_size)
            images, good, wrong = self.pipeline.readable_pixels(events, epochs)
            epochs, events = epochs[good], events[good]
            shards = self._shared(images, events)
            # Hardly ever: only ``data.max_sites`` can make it a matter at all.
            if self.buckets.pick(_counts(shards)) is None:
                shards = self._fitted(int(number), images, events, epochs)
            return shards, wrong
        except InputError as error:
            return error

    def _shared(self, images: Sequence[Pixels], events: np.ndarray) -> list[Shard]:
        finished = self.pipeline.finished(images)
        return share_out(
            finished, self.pipeline.labels[events], events, num_shares=self.num_shares,
            slots=self.slots, levels=self.pipeline.levels,
        )  # fmt: skip

    def _fitted(
        self, number: int, images: tuple[Pixels, ...], events: np.ndarray, epochs: np.ndarray
    ) -> list[Shard]:
        """Shards that fit in the largest bucket: first every event alone, then all together.

        Raises:
          InputError: they do not, and ``data.oversize`` is ``"error"``.
        """
        pipeline, table = self.pipeline, self.buckets
        name, key = source_name(pipeline.source), pipeline.key(events, epochs)
        bound = "data.max_sites" if pipeline.max_sites else "the largest bucket"
        room = np.array(table.largest).reshape(len(images), -1)
        limit = f"{bound} is {' and '.join(map(str, room[:, 0].tolist()))}"
        for position, event in enumerate(events):
            counts = self._event_counts(images, position)
            if (counts <= room).all():
                continue
            if pipeline.oversize == "error":
                raise InputError(
                    f"Event {event} of {name} has {' and '.join(map(str, counts[:, 0].tolist()))} "
                    f"sites but {limit}: raise it, or set data.oversize=crop"
                )
            images = pipeline.shrink(images, position, room, key)
        while table.pick(_counts(shards := self._shared(images, events))) is None:
            most = _counts(shards).max(axis=0).reshape(room.shape)
            view = int(np.argmax((most > room).any(axis=1)))
            position = int(np.argmax(images[view].lengths))
            if pipeline.oversize == "error":
                raise InputError(
                    f"Batch {number} of {name} has {most[view, 0]} sites on a device (event "
                    f"{events[position]} has most) but {limit}: raise it, lower "
                    "train.batch_size, or set data.oversize=crop"
                )
            counts = self._event_counts(images, position)
            counts[view] = counts[view] * 7 // 8
            images = pipeline.shrink(images, position, counts, key)
        return shards

    def _event_counts(self, images: Sequence[Pixels], position: int) -> np.ndarray:
        """int64 ``[views, levels]``: sites of one event."""
        one = np.array([position])
        levels = self.pipeline.levels
        return np.stack([pixels.events(one).level_counts(levels)[0] for pixels in images])


def _counts(shards: Sequence[Shard]) -> np.ndarray:
    return np.array([shard.level_counts for shard in shards])
