"""One dataset in any of the ways in which HDF5 can keep it, for tests of what reads past it."""

from __future__ import annotations

import dataclasses

import h5py
import numpy as np
from hypothesis import assume
from hypothesis import strategies as st

FILTERS = ("gzip", "shuffle", "fletcher32", "lzf", "scaleoffset", "two gzips", "skipping")


@dataclasses.dataclass(frozen=True)
class Storage:
    """How to keep a dataset.

    Attributes:
      layout: ``compact``, ``contiguous`` or ``chunked``.
      allocate: when HDF5 takes the space: ``early``, ``late``, ``incremental``.
      chunk_rows: rows of a chunk.
      split: whether a row lies in several chunks, if it can.
      filters: of :data:`FILTERS`, for chunks.
      fill: value of what is never written; None for HDF5's.
      fill_time: when it is written.
      written: fraction of the rows that are written, from both ends.
      by_steps: whether the dataset grows while it is written.
      swapped: bytes the other way round.
      spare_bits: of an integer that are not kept.
    """

    layout: str = "chunked"
    allocate: str = "late"
    chunk_rows: int = 4
    split: bool = False
    filters: tuple[str, ...] = ()
    fill: int | None = None
    fill_time: str = "ifset"
    written: float = 1.0
    by_steps: bool = False
    swapped: bool = False
    spare_bits: int = 0

    def store(self, group: h5py.Group, name: str, rows: np.ndarray) -> None:
        """Writes ``rows``, or the part of them that this storage says."""
        kind = h5py.h5t.py_create(rows.dtype, logical=True)
        if self.swapped and rows.dtype.kind in "iuf":
            kind = h5py.h5t.py_create(rows.dtype.newbyteorder())
        if self.spare_bits and rows.dtype.kind in "iu":
            kind = kind.copy()
            kind.set_precision(8 * rows.dtype.itemsize - self.spare_bits)
        space = h5py.h5s.create_simple(rows.shape, self._most(rows))
        begin = rows.shape
        if self.by_steps and self.layout == "chunked":
            begin = (len(rows) // 2, *rows.shape[1:])
            space = h5py.h5s.create_simple(begin, self._most(rows))
        identifier = h5py.h5d.create(group.id, name.encode(), kind, space, self._plist(rows))
        dataset = h5py.Dataset(identifier)
        edge = round(self.written * len(rows) / 2)
        dataset[: min(edge, begin[0])] = rows[: min(edge, begin[0])]
        if begin != rows.shape:
            dataset.resize(rows.shape)
        if self.written == 1:
            dataset[:] = rows
        elif edge:
            dataset[-edge:] = rows[-edge:]
        if "skipping" in self.filters and self.layout == "chunked" and len(rows):
            # A chunk of its own that went past all filters.
            place = (0,) * rows.ndim
            block = np.zeros(dataset.chunks, rows.dtype)
            part = rows[tuple(slice(0, size) for size in dataset.chunks)]
            block[tuple(slice(0, size) for size in part.shape)] = part
            every = 2 ** identifier.get_create_plist().get_nfilters() - 1
            if not self.swapped:
                identifier.write_direct_chunk(place, block.tobytes(), filter_mask=every)

    def _most(self, rows: np.ndarray) -> tuple[int, ...]:
        return (h5py.h5s.UNLIMITED if self.layout == "chunked" else len(rows), *rows.shape[1:])

    def _plist(self, rows: np.ndarray) -> h5py.h5p.PropDCID:
        plist = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
        layouts = {"compact": h5py.h5d.COMPACT, "contiguous": h5py.h5d.CONTIGUOUS}
        times = {
            "early": h5py.h5d.ALLOC_TIME_EARLY,
            "late": h5py.h5d.ALLOC_TIME_LATE,
            "incremental": h5py.h5d.ALLOC_TIME_INCR,
        }
        fill_times = {"ifset": h5py.h5d.FILL_TIME_IFSET, "alloc": h5py.h5d.FILL_TIME_ALLOC}
        plist.set_fill_time(fill_times[self.fill_time])
        if self.fill is not None and rows.dtype.kind in "iuf":
            plist.set_fill_value(np.array(self.fill).astype(rows.dtype))
        if self.layout != "chunked":
            plist.set_layout(layouts[self.layout])
            if self.layout == "contiguous":
                plist.set_alloc_time(times[self.allocate])
            return plist
        tail = [max(size // 2, 1) if self.split else size for size in rows.shape[1:]]
        plist.set_chunk((self.chunk_rows, *tail))
        plist.set_alloc_time(times[self.allocate])
        if "scaleoffset" in self.filters and rows.dtype.kind in "iu" and not self.swapped:
            plist.set_scaleoffset(h5py.h5z.SO_INT, 0)
        if "shuffle" in self.filters:
            plist.set_shuffle()
        if "gzip" in self.filters or "skipping" in self.filters:
            plist.set_deflate(1)
        if "two gzips" in self.filters:
            plist.set_deflate(4)
        if "lzf" in self.filters:
            plist.set_filter(h5py.h5z.FILTER_LZF, h5py.h5z.FLAG_OPTIONAL)
        if "fletcher32" in self.filters:
            plist.set_fletcher32()
        return plist


def read_by_hdf5(dataset: h5py.Dataset) -> np.ndarray:
    """All rows; an example in which HDF5 cannot read what it wrote is left out."""
    try:
        return dataset[:]
    except OSError:
        assume(False)
        raise


storages = st.builds(
    Storage,
    layout=st.sampled_from(["compact", "contiguous", "chunked", "chunked"]),
    allocate=st.sampled_from(["early", "late", "incremental"]),
    chunk_rows=st.integers(1, 20),
    split=st.booleans(),
    filters=st.lists(st.sampled_from(FILTERS), max_size=3, unique=True).map(tuple),
    fill=st.none() | st.integers(0, 1),
    fill_time=st.sampled_from(["ifset", "alloc"]),
    written=st.sampled_from([0.0, 0.3, 1.0, 1.0]),
    by_steps=st.booleans(),
    swapped=st.booleans(),
    spare_bits=st.sampled_from([0, 0, 1, 3]),
)
