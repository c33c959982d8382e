"""Rows of one HDF5 dataset by positioned reads of the file, without the HDF5 library's overhead.

An event is a few hundred bytes of each column. A slice through h5py costs 40 us of processor time
whatever its size, under one lock for all threads; a positioned read of the same bytes costs a few,
and neither it nor zlib holds Python's lock. HDF5 says where the bytes are
(``H5Dchunk_iter``), once a column.

HDF5 has many ways to keep a dataset. :func:`_places` lists those that are decoded here; every other
one, and whatever is new, is read through the library.
"""

from __future__ import annotations

import os
import threading
import zlib
from collections import OrderedDict
from collections.abc import Hashable, Sequence

import h5py
import numpy as np

from jaxsparse.data.positioned_read import preadv, read_exactly

# Filter pipelines that are decoded here; a dataset with any other is read through h5py.
_Filters = list[tuple[int, int, tuple[int, ...], bytes]]  # code, flags, parameters, name
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

    Holds plain numbers, so it may be pickled and outlive the h5py handle it was made from.

    Args:
      dataset: with one row an entry of its first axis.

    Attributes:
      name: the dataset's path.
      dtype: of an element.
      rows: number of rows.
      tail: shape of a row.
      direct: whether :meth:`read_into` can serve it; if not, read it through h5py.

    Raises:
      ValueError: rows lie outside the file, or chunks have another size than they must have.
    """

    def __init__(self, dataset: h5py.Dataset):
        self.name, self.dtype, self.rows = dataset.name, dataset.dtype, len(dataset)
        self.tail = dataset.shape[1:]
        self._row_bytes = self.dtype.itemsize * int(np.prod(self.tail))
        filters = _filters(dataset)
        codes = tuple(code for code, *_ in filters)
        self._compressed, self._shuffled = codes != _PLAIN, codes == _SHUFFLED
        self._chunk_rows = max(dataset.chunks[0] if dataset.chunks else self.rows, 1)
        places = _places(dataset, filters, self._chunk_rows, self._row_bytes)
        self.direct = places is not None
        if places is not None:
            self._offsets, self._sizes = places
            self._check_places(os.stat(dataset.file.filename).st_size)

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
                    read_exactly(descriptor, part[count:], offset + count)
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
                read_exactly(descriptor, part, begin)

    def _decoded(self, chunk: int, descriptor: int, cache: ChunkCache) -> np.ndarray:
        key = self.name, chunk
        rows = cache.get(key)
        if rows is None:
            raw = bytearray(int(self._sizes[chunk]))
            read_exactly(descriptor, memoryview(raw), int(self._offsets[chunk]))
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

    def _check_places(self, end: int) -> None:
        if (self._offsets + self._sizes > end).any():
            raise ValueError(f"rows of {self.name} lie outside the file")
        plain = self._chunk_rows * self._row_bytes
        if not self._compressed and self.rows and (self._sizes != plain).any():
            raise ValueError(f"a chunk of {self.name} does not hold {plain} bytes")


def _filters(dataset: h5py.Dataset) -> _Filters:
    """Code, flags, parameters and name of every filter, in order."""
    pipeline = dataset.id.get_create_plist()
    return [pipeline.get_filter(i) for i in range(pipeline.get_nfilters())]


def _places(
    dataset: h5py.Dataset, filters: _Filters, chunk_rows: int, row_bytes: int
) -> tuple[np.ndarray, np.ndarray] | None:
    """int64 ``[chunks]``: first byte and number of bytes of every chunk; None: ask the library.

    A place is given only for elements that are stored as numpy keeps them in memory, in whole rows
    within the file itself, all of them written, with no filter but gzip and its byte shuffle. A
    contiguous dataset is one chunk.
    """
    if (
        tuple(code for code, *_ in filters) not in (_PLAIN, _GZIP, _SHUFFLED)
        # Shuffling by another size than an element's: legal, but nobody writes it.
        or any(
            code == h5py.h5z.FILTER_SHUFFLE and parameters[:1] != (dataset.dtype.itemsize,)
            for code, _, parameters, _ in filters
        )
        or not dataset.dtype.isnative
        # The same numpy type may stand for numbers of fewer bits, padded text, other enumerations.
        or dataset.id.get_type() != h5py.h5t.py_create(dataset.dtype, logical=True)
        or dataset.file.userblock_size != 0  # offsets do not count it
        or dataset.external
        or dataset.is_virtual
    ):
        return None
    layout = dataset.id.get_create_plist().get_layout()
    if layout == h5py.h5d.CONTIGUOUS:
        offset = dataset.id.get_offset()  # None before the first write
        if offset is None:
            return None
        return np.array([offset], np.int64), np.array([len(dataset) * row_bytes], np.int64)
    if layout != h5py.h5d.CHUNKED or dataset.chunks[1:] != dataset.shape[1:]:
        return None
    return _chunk_places(dataset, chunk_rows, row_bytes, compressed=bool(filters))


def _chunk_places(
    dataset: h5py.Dataset, chunk_rows: int, row_bytes: int, *, compressed: bool
) -> tuple[np.ndarray, np.ndarray] | None:
    count = -(-len(dataset) // chunk_rows)
    if count > dataset.id.get_num_chunks():  # some are not there; or a damaged shape says so
        return None
    offsets, sizes = np.full(count, -1, np.int64), np.zeros(count, np.int64)
    skipped = False  # a filter, for a single chunk

    def note(chunk: h5py.h5d.StoreInfo) -> None:
        nonlocal skipped
        number = chunk.chunk_offset[0] // chunk_rows
        if number < count:
            offsets[number], sizes[number] = chunk.byte_offset, chunk.size
            skipped |= chunk.filter_mask != 0

    if count:
        if not hasattr(dataset.id, "chunk_iter"):  # an HDF5 library before 1.12.3
            return None
        dataset.id.chunk_iter(note)
    if skipped or (offsets < 0).any():  # a chunk that was never written is the fill value
        return None
    # HDF5 may have been told not to filter a last chunk that is not full, and says so nowhere.
    if compressed and len(dataset) % chunk_rows and sizes[-1] == chunk_rows * row_bytes:
        return None
    return offsets, sizes
