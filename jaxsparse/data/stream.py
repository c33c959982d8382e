"""Batches by number: made ahead by threads or processes, padded to buckets, resumable anywhere."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any, Generic, TypeVar

import grain
import jax
import numpy as np
from absl import flags

from jaxsparse.data.buckets import BucketTable
from jaxsparse.errors import InputError

ENDLESS = 2**48  # batches of a training run: more than any will take
THREADS, PREFETCH = 2, 4  # batches made at a time, batches waiting, in the main process

BatchType = TypeVar("BatchType")


class Stream(Generic[BatchType]):
    """Iterates batches ``start_batch`` to ``num_batches``; batch b is what ``maker(b)`` makes.

    Args:
      maker: batch number -> shards (with ``level_counts``), one a device and micro-batch, or the
        ``InputError`` that kept it from making them. A function of the number alone; runs in
        threads, or pickled in ``workers`` processes (their program needs the usual
        ``if __name__ == "__main__":``).
      pad: (shards, capacities) -> batch, with a leading axis of shards.
      buckets: capacities to choose from; the maker hands out only what fits.
      num_batches: where the stream ends.
      start_batch: number of the first batch.
      workers: processes; 0 for threads.
      micro_batches: leading axes become ``[devices, micro_batches]`` where this is more than 1.
      agree: with several hosts, returns the largest of the bucket numbers that they give it.
    """

    def __init__(
        self,
        maker: Callable[[int], Sequence[Any] | InputError],
        pad: Callable[[Sequence[Any], Sequence[int]], BatchType],
        *,
        buckets: BucketTable,
        num_batches: int = ENDLESS,
        start_batch: int = 0,
        workers: int = 0,
        micro_batches: int = 1,
        agree: Callable[[int], int] | None = None,
    ):
        self.buckets = buckets
        self.num_batches = num_batches
        self.start_batch = start_batch
        if workers < 0:
            raise InputError(f"data.workers is {workers}: it must not be negative, 0 uses threads")
        self.workers = workers
        self._maker, self._pad, self._agree = maker, pad, agree
        self._micro_batches = micro_batches

    def __iter__(self) -> Iterator[BatchType]:
        batches = grain.MapDataset.range(min(self.start_batch, self.num_batches), self.num_batches)
        threads = 1 if self.workers else THREADS
        shards = batches.map(self._maker).to_iter_dataset(
            grain.ReadOptions(num_threads=threads, prefetch_buffer_size=PREFETCH)
        )
        if self.workers:
            if not flags.FLAGS.is_parsed():  # grain reads its own flags; a notebook parses none
                flags.FLAGS.mark_as_parsed()
            shards = shards.mp_prefetch(
                grain.MultiprocessingOptions(num_workers=self.workers, per_worker_buffer_size=2)
            )
        iterator = iter(shards)
        try:
            for made in iterator:
                if isinstance(made, InputError):  # as a value: it crosses processes unchanged
                    raise made
                yield self._padded(made)
        finally:
            iterator.close()

    def _padded(self, shards: Sequence[Any]) -> BatchType:
        bucket = self.buckets.pick(np.array([shard.level_counts for shard in shards]))
        assert bucket is not None, "the maker hands out only what fits"
        if self._agree is not None:
            bucket = self._agree(bucket)
        batch = self._pad(shards, self.buckets.capacities[bucket])
        parts = self._micro_batches
        if parts == 1:
            return batch
        return jax.tree.map(lambda leaf: leaf.reshape(-1, parts, *leaf.shape[1:]), batch)
