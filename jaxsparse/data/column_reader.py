"""Rows of any column of one HDF5 file, which every process opens for itself."""

from __future__ import annotations

import os
import threading
import weakref
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from jaxsparse.data.column import ChunkCache, Column
from jaxsparse.data.positioned_read import open_for_reading
from jaxsparse.errors import InputError, one_line

Identity = tuple[int, int, int]


def identity_of(status: os.stat_result) -> Identity:
    """Changes when a file is replaced or written to."""
    return status.st_ino, status.st_size, status.st_mtime_ns


class ColumnReader:
    """Reads rows by positioned reads, or through h5py where :class:`Column` does not serve.

    It may be pickled or forked, and threads may share it: reads do not wait for each other.

    Args:
      path: the file.
      columns: where the rows of every dataset lie, by its path in the file.
      identity: of the file that ``columns`` were read from.
      cache_bytes: memory for decoded chunks of compressed columns, in every process that reads.

    Raises:
      InputError: the file has been replaced since ``columns`` were read, now or when a process
        opens it for its first rows; one that is replaced while it is open stays readable.
    """

    def __init__(
        self, path: Path, columns: Mapping[str, Column], identity: Identity, cache_bytes: int
    ):
        self.columns = columns
        self._path, self._identity, self._cache_bytes = path, identity, cache_bytes
        self._start()
        self._open()

    def __contains__(self, name: str) -> bool:
        return name in self.columns

    def rows(self, name: str, dtype: np.dtype, runs: list[tuple[int, int]]) -> np.ndarray:
        """Rows ``[start, stop)`` of every run, one after the other.

        Raises:
          InputError: they cannot be read.
        """
        column = self.columns[name]
        out = np.empty((sum(stop - start for start, stop in runs), *column.tail), dtype)
        runs = [(start, stop) for start, stop in runs if stop > start]
        try:
            if column.direct:
                column.read_into(out, runs, self._open(), self._cache)
            else:
                place = 0
                for start, stop in runs:
                    rows = self._open_library()[column.name][start:stop]
                    out[place : (place := place + stop - start)] = rows
        except (OSError, RuntimeError, ValueError) as error:
            if isinstance(error, InputError):
                raise
            first, last = min(start for start, _ in runs), max(stop for _, stop in runs)
            raise InputError(
                f"{self._path}: rows {first} to {last} of {column.name} cannot be read "
                f"({one_line(error)}): copy the file or make it again"
            ) from None
        return out

    def close(self) -> None:
        """Gives the file handle and the cache back; the next read opens the file again."""
        with self._lock:
            if self._closer is not None:
                self._closer()
            if self._library and self._library[0] == os.getpid():
                self._library[1].close()
            self._forget()

    def __getstate__(self) -> dict[str, Any]:
        handles = ("_descriptor", "_closer", "_library", "_lock", "_cache")
        return {name: value for name, value in self.__dict__.items() if name not in handles}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        self._start()

    def _start(self) -> None:
        self._lock = threading.Lock()
        self._forget()

    def _forget(self) -> None:
        self._descriptor: int | None = None
        self._closer: weakref.finalize | None = None
        self._library: tuple[int, h5py.File] | None = None  # for filters that Column does not know
        self._cache = ChunkCache(self._cache_bytes)

    def _open(self) -> int:
        if self._descriptor is None:
            with self._lock:
                if self._descriptor is None:
                    descriptor = open_for_reading(self._path)
                    try:
                        self._require_unchanged(os.fstat(descriptor))
                    except InputError:
                        os.close(descriptor)
                        raise
                    self._closer = weakref.finalize(self, os.close, descriptor)
                    self._descriptor = descriptor
        return self._descriptor

    def _open_library(self) -> h5py.File:
        with self._lock:
            if self._library is None or self._library[0] != os.getpid():
                file = h5py.File(self._path, "r")
                try:
                    # After opening: a file that takes the name later than this does no harm.
                    self._require_unchanged(os.stat(self._path))
                except InputError:
                    file.close()
                    raise
                self._library = os.getpid(), file
            return self._library[1]

    def _require_unchanged(self, status: os.stat_result) -> None:
        if identity_of(status) != self._identity:
            raise InputError(f"{self._path} has changed since it was opened: open it again")
