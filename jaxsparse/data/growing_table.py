"""Columns of an HDF5 file that grow row by row and are written by whole chunks."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import h5py
import numpy as np

from jaxsparse.data.event_layout import EVENT_CHUNK


class GrowingTable:
    """Columns that grow together; memory holds one chunk of each.

    Args:
      group: where the datasets are made.
      dtypes: of the columns, by name.
      chunk: rows of a chunk.
      widths: numbers in a row of a column, where it is not just one.
      compression: ``"gzip"`` or ``"none"``.
    """

    def __init__(
        self,
        group: h5py.Group,
        dtypes: Mapping[str, np.dtype],
        chunk: int,
        widths: Mapping[str, int] | None = None,
        compression: str = "gzip",
    ):
        self.names = tuple(dtypes)
        self._chunk = chunk
        self._rows = 0
        self._datasets, self._pending = {}, {}
        packing: dict[str, Any] = {}
        if compression == "gzip":
            packing = {"compression": "gzip", "compression_opts": 1, "shuffle": True}
        for name, dtype in dtypes.items():
            tail = (widths[name],) if widths and name in widths else ()
            self._datasets[name] = group.create_dataset(
                name, (0, *tail), dtype, maxshape=(None, *tail), chunks=(chunk, *tail), **packing
            )
            self._pending[name] = [np.empty((0, *tail), dtype)]

    def append(self, columns: Mapping[str, np.ndarray]) -> None:
        """Adds rows, in the types of the columns; nobody may change the arrays afterwards."""
        for name in self.names:
            self._pending[name].append(columns[name])
        self._rows += len(columns[self.names[0]]) if self.names else 0
        if self._rows >= self._chunk:
            self._write(self._rows - self._rows % self._chunk)

    def flush(self) -> None:
        """Writes the rows that do not fill a chunk."""
        self._write(self._rows)

    def _write(self, rows: int) -> None:
        for name, dataset in self._datasets.items():
            pending = np.concatenate(self._pending[name])
            start = len(dataset)
            dataset.resize(start + rows, axis=0)
            dataset[start:] = pending[:rows]
            self._pending[name] = [pending[rows:].copy()]
        self._rows -= rows


class RaggedTable(GrowingTable):
    """A table with ``offsets``: event i owns rows ``[offsets[i], offsets[i + 1])``.

    Args:
      group: where the datasets are made.
      offsets_chunk: rows of a chunk of the offsets.
      columns: the other arguments of :class:`GrowingTable`.
    """

    def __init__(self, group: h5py.Group, *, offsets_chunk: int = EVENT_CHUNK, **columns: Any):
        super().__init__(group, **columns)
        self._offsets = GrowingTable(group, {"offsets": np.dtype(np.int64)}, offsets_chunk)
        self._total = 0
        self._offsets.append({"offsets": np.zeros(1, np.int64)})

    def append(self, columns: Mapping[str, np.ndarray]) -> None:
        """Adds the rows of one event."""
        super().append(columns)
        self._total += len(columns[self.names[0]])
        self._offsets.append({"offsets": np.array([self._total])})

    def flush(self) -> None:
        """Writes the rows and offsets that do not fill a chunk."""
        super().flush()
        self._offsets.flush()
