"""Rows of one HDF5 dataset by positioned reads of the file, without the HDF5 library's overhead.

An event is a few hundred bytes of each column. A slice through h5py costs 40 us of processor time
whatever its size, under one lock for all threads; a positioned read of the same bytes costs a few,
and neither it nor zlib holds Python's lock. HDF5 says where the bytes are
(``H5Dchunk_iter``), once a column.
"""

from __future__ import annotations

import os
import threading
import zlib
from collections import OrderedDict
from collections.abc import Hashable, Sequence
from os import preadv

import h5py
import numpy as np

# Filter pipelines that are decoded here; a dataset with any other is read through h5py.
_PLAIN, _GZIP, _SHUFFLED = (), (h5py.h5z.FILTER_DEFLATE,), (
    h5py.h5z.FILTER_SHUFFLE, h5py.h5z.FILTER_DEFLATE,
)  # fmt: skip


class ChunkCache:
    """Decoded chunks up to a number of bytes; the one used longest ago goes first.

    Threads may share it. A budget of 0 keeps nothing.

    >>> cache = ChunkCache(10)
    >>> cache.put("a", np.zeros(8, np.uint8)), cache.put("b", np.zeros(8, np.uint8))
    (None, None)
    >>> cache.get("a") is None, len(cache.get("b"))
    (True, 8)
    """

    def __init__(self, num_bytes: int):
        self.num_bytes = num_bytes
        self._lock = threading.Lock()
        self._used = 0
        self._chunks: OrderedDict[Hashable, np.ndarray] = OrderedDict()

    def get(self, key: Hashable) -> np.ndarray | None:
        """The chunk, or None if it is not (any more) there."""
        with self._lock:
            if key in self._chunks:
                self._chunks.move_to_end(key)
            return self._chunks.get(key)

    def put(self, key: Hashable, chunk: np.ndarray) -> None:
        """Keeps a chunk, which nobody may change from now on."""
        with self._lock:
            if chunk.nbytes > self.num_bytes or key in self._chunks:
                return
            self._chunks[key] = chunk
            self._used += chunk.nbytes
            while self._used > self.num_bytes:
                self._used -= self._chunks.popitem(last=False)[1].nbytes


class Column:
    """Where the rows of a dataset lie in its file.

    Holds plain numbers, so it may be pickled and outlive the h5py handle it was made from. Datasets
    that are contiguous, or chunked and plain or gzip (shuffled or not), are decoded here.

    Args:
      dataset: with one row an entry of its first axis, in the machine's own byte order.

    Attributes:
      name: the dataset's path.
      dtype: of an element.
      rows: number of rows.
      tail: shape of a row.
      direct: whether :meth:`read_into` can serve it; if not, read it through h5py.

    Raises:
      ValueError: chunks lie outside the file, or some are missing.
    """

    def __init__(self, dataset: h5py.Dataset):
        self.name, self.dtype, self.rows = dataset.name, dataset.dtype, len(dataset)
        self.tail = dataset.shape[1:]
        self._row_bytes = self.dtype.itemsize * int(np.prod(self.tail))
        pipeline = dataset.id.get_create_plist()
        filters = [pipeline.get_filter(i) for i in range(pipeline.get_nfilters())]
        codes = tuple(code for code, *_ in filters)
        self._compressed, self._shuffled = codes != _PLAIN, codes == _SHUFFLED
        self.direct = (
            codes in (_PLAIN, _GZIP, _SHUFFLED)
            and dataset.file.userblock_size == 0
            and self.dtype.isnative
            and hasattr(dataset.id, "chunk_iter")
            # Shuffling by another size than an element's: legal, but nobody writes it.
            and all(c != h5py.h5z.FILTER_SHUFFLE or v[0] == self.dtype.itemsize
                    for c, _, v, *_ in filters)
            and (dataset.chunks is None or dataset.chunks[1:] == self.tail)
        )  # fmt: skip
        if self.direct:
            self._read_table(dataset)

    def read_into(
        self,
        out: np.ndarray,
        runs: Sequence[tuple[int, int]],
        descriptor: int,
        cache: ChunkCache,
    ) -> None:
        """Fills ``out`` with the rows ``[first, last)`` of every run, one after the other.

        Args:
          out: C-contiguous, of the column's type, with as many rows as the runs have.
          runs: first row and one past the last row, in any order; none is empty.
          descriptor: the file, open for reading.
          cache: for decoded chunks.

        Raises:
          OSError, ValueError: the bytes are not there or are damaged.
        """
        if not runs:
            return
        target = out.reshape(-1).view(np.uint8).data
        first, last = np.array(runs, np.int64).T
        chunk, size = first // self._chunk_rows, self._row_bytes
        stops = np.cumsum(last - first) * size
        begins = self._offsets[chunk] + (first - chunk * self._chunk_rows) * size
        at_once = (last <= (chunk + 1) * self._chunk_rows) & (not self._compressed)  # nearly always
        begin = 0
        # Plain numbers and no call of ours a run: Python's own time is what small events cost.
        for number, (stop, offset, simple) in enumerate(
            zip(stops.tolist(), begins.tolist(), at_once.tolist(), strict=True)
        ):
            part = target[begin:stop]
            begin = stop
            if simple:
                count = preadv(descriptor, (part,), offset)
                if count < len(part):
                    _read_exactly(descriptor, part[count:], offset + count)
            else:
                self._read_chunks(part, *runs[number], descriptor, cache)

    def _read_chunks(
        self, target: memoryview, first: int, last: int, descriptor: int, cache: ChunkCache
    ) -> None:
        """One run, chunk by chunk."""
        size, width = self._chunk_rows, self._row_bytes
        for chunk in range(first // size, -(-last // size)):
            start, stop = max(first - chunk * size, 0), min(last - chunk * size, size)
            place = (chunk * size + start - first) * width
            part = target[place : place + (stop - start) * width]
            if self._compressed:
                rows = self._decoded(chunk, descriptor, cache)[start:stop]
                part[:] = rows.reshape(-1).view(np.uint8).data
            else:
                begin = int(self._offsets[chunk]) + start * width
                _read_exactly(descriptor, part, begin)

    def _decoded(self, chunk: int, descriptor: int, cache: ChunkCache) -> np.ndarray:
        key = self.name, chunk
        rows = cache.get(key)
        if rows is None:
            raw = bytearray(int(self._sizes[chunk]))
            _read_exactly(descriptor, memoryview(raw), int(self._offsets[chunk]))
            rows = self._decode(raw)
            cache.put(key, rows)
        return rows

    def _decode(self, raw: bytearray) -> np.ndarray:
        expected = self._chunk_rows * self._row_bytes
        inflater = zlib.decompressobj()
        try:  # a byte of room beyond the end: zlib then looks at the checksum as well
            data = inflater.decompress(raw, expected + 1)
        except zlib.error as error:
            raise ValueError(str(error)) from None
        if len(data) != expected or not inflater.eof:
            raise ValueError(f"a chunk holds {len(data)} bytes where {expected} must be")
        if self._shuffled:
            planes = np.frombuffer(data, np.uint8).reshape(self.dtype.itemsize, -1)
            elements = np.empty(planes.shape[1], self.dtype)
            bytes_of = elements.view(np.uint8).reshape(-1, len(planes))
            for number, plane in enumerate(planes):  # faster than the transposed copy
                bytes_of[:, number] = plane
        else:
            elements = np.frombuffer(data, self.dtype)
        return elements.reshape(self._chunk_rows, *self.tail)

    def _read_table(self, dataset: h5py.Dataset) -> None:
        end = os.stat(dataset.file.filename).st_size
        if dataset.chunks is None:
            self._chunk_rows = max(self.rows, 1)
            self._offsets = np.array([dataset.id.get_offset() or 0], np.int64)
            self._sizes = np.array([self.rows * self._row_bytes], np.int64)
            self._check_places(end)
        else:
            self._chunk_rows = dataset.chunks[0]
            chunks = -(-self.rows // self._chunk_rows)
            self._offsets, self._sizes = np.full(chunks, -1), np.zeros(chunks, np.int64)
            odd = False

            def note(chunk: h5py.h5d.StoreInfo) -> None:
                nonlocal odd
                number = chunk.chunk_offset[0] // self._chunk_rows
                if number < chunks:
                    self._offsets[number], self._sizes[number] = chunk.byte_offset, chunk.size
                odd |= chunk.filter_mask != 0

            if chunks:
                dataset.id.chunk_iter(note)
            self.direct &= not odd  # single chunks that skipped a filter
            plain = self._chunk_rows * self._row_bytes
            self._check_places(end)
            if not self._compressed and (self._sizes != plain).any():
                raise ValueError(f"a chunk of {self.name} does not hold {plain} bytes")

    def _check_places(self, end: int) -> None:
        if (self._offsets < 0).any() or (self._offsets + self._sizes > end).any():
            raise ValueError(f"chunks of {self.name} are missing or lie outside the file")


def _read_exactly(descriptor: int, target: memoryview, offset: int) -> None:
    while target:
        count = os.preadv(descriptor, [target], offset)
        if count == 0:
            raise OSError("the file ends too early")
        target, offset = target[count:], offset + count
