"""``predictions.h5``: what the files of every task share.

Attributes: ``format``, ``class_names``, ``complete``, and what the evaluation says of itself
(``data``, ``checkpoint_step``, ...). The file takes its name when it is whole; datasets grow by
rows, so memory is bounded.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Self

import h5py
import numpy as np

from jaxsparse.data.partial_file import PartialFile

FORMAT = "jaxsparse-predictions"
CHUNK = 16384


class PredictionFile:
    """A growing file of scores; a context manager. Tasks add what they store.

    Args:
      path: of the file to be.
      classes: class names, in the order of the scores.
      attributes: written beside ``format``.

    Raises:
      InputError: the file cannot be made, or the disk is full.
    """

    def __init__(
        self, path: str | os.PathLike[str], classes: Sequence[str], attributes: dict[str, Any]
    ):
        self._sink = PartialFile(Path(path))
        self._file = h5py.File(self._sink, "w")
        self._file.attrs["format"] = FORMAT
        self._file.attrs["class_names"] = list(classes)
        self._file.attrs["complete"] = False
        for name, value in attributes.items():
            self._file.attrs[name] = value

    def finish(self) -> None:
        """Writes what is known at the end only, just before the file is closed."""

    def dataset(self, name: str, dtype: Any, tail: tuple[int, ...] = ()) -> h5py.Dataset:
        """A dataset without rows yet, to be grown by :meth:`extend`."""
        return self._file.create_dataset(
            name, (0, *tail), dtype, maxshape=(None, *tail), chunks=(CHUNK, *tail),
            compression="gzip", compression_opts=1, shuffle=True,
        )  # fmt: skip

    def extend(self, columns: dict[h5py.Dataset, np.ndarray]) -> None:
        """Appends rows to datasets.

        Raises:
          InputError: the disk is full.
        """
        for dataset, values in columns.items():
            dataset.resize(len(dataset) + len(values), axis=0)
            if len(values):
                dataset[-len(values) :] = values
        self._sink.check()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: Any, *_: Any) -> None:
        self._sink.end(self._file, self._complete if kind is None else None)

    def _complete(self) -> None:
        self.finish()
        self._file.attrs["complete"] = True
