"""Batches by number: made ahead by threads or processes, padded to buckets, resumable anywhere."""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from contextlib import closing
from typing import Any, Generic, TypeVar

import grain
import jax
import numpy as np

from jaxsparse import settings
from jaxsparse.data.buckets import BucketTable
from jaxsparse.data.worker_processes import WorkerProcesses
from jaxsparse.errors import InputError

ENDLESS = 2**48  # batches of a training run: more than any will take
THREADS, PREFETCH = 2, 4  # batches made at a time, batches waiting, in the main process

_REMEDY = "lower data.workers, or repeat the command"

BatchType = TypeVar("BatchType")
Made = Sequence[Any] | InputError  # an error as a value crosses threads and processes unchanged


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
        maker: Callable[[int], Made],
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
        settings.check("data", {"workers": workers})
        self.workers = workers
        self._maker, self._pad, self._agree = maker, pad, agree
        self._micro_batches = micro_batches

    def __iter__(self) -> Generator[BatchType, None, None]:
        with closing(self._made()) as batches:
            for made in batches:
                if isinstance(made, InputError):
                    raise made
                yield self._padded(made)

    def _made(self) -> Generator[Made, None, None]:
        first = min(self.start_batch, self.num_batches)
        if self.workers:
            with closing(WorkerProcesses(self._maker, self.workers, remedy=_REMEDY)) as processes:
                yield from processes.map(range(first, self.num_batches))
            return
        shards = grain.MapDataset.range(first, self.num_batches).map(self._maker)
        options = grain.ReadOptions(num_threads=THREADS, prefetch_buffer_size=PREFETCH)
        with closing(iter(shards.to_iter_dataset(options))) as iterator:
            yield from iterator

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
