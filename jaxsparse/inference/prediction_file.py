"""Files of scores: what those of every program and head share.

Attributes: ``format``, ``class_names``, ``complete``, and what the program says of itself
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

from jaxsparse.data.event_layout import SCORES_FORMAT
from jaxsparse.data.partial_hdf5 import PartialHdf5
from jaxsparse.data.stored_values import as_stored
from jaxsparse.inference.grouping import TOLD_DTYPE

FORMAT = SCORES_FORMAT
# Of the predicted instances a row each, by event: datasets and their types.
PARTICLES: dict[str, Any] = {
    "particles/event": np.int64,
    **{f"particles/{name}": TOLD_DTYPE[name] for name in TOLD_DTYPE.names or ()},
}
CHUNK = 16384


class PredictionFile:
    """A growing file of scores; a context manager. Heads add what they store.

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
        def begin(file: h5py.File) -> None:
            file.attrs["format"] = FORMAT
            file.attrs["class_names"] = list(classes)
            file.attrs["complete"] = False
            for name, value in attributes.items():
                file.attrs[name] = value

        self._output = PartialHdf5(Path(path), begin)
        self._datasets: dict[str, h5py.Dataset] = {}

    def finish(self, file: h5py.File) -> None:
        """Writes what is known at the end only, just before the file is closed."""

    def dataset(self, name: str, dtype: Any, tail: tuple[int, ...] = ()) -> None:
        """Makes a dataset without rows yet, to be grown by :meth:`extend`."""
        with self._output.writing(name):
            self._datasets[name] = self._output.file.create_dataset(
                name, (0, *tail), dtype, maxshape=(None, *tail), chunks=(CHUNK, *tail),
                compression="gzip", compression_opts=1, shuffle=True,
            )  # fmt: skip

    def extend(self, columns: dict[str, np.ndarray]) -> None:
        """Appends rows to datasets: to all of them, or to none.

        Raises:
          InputError: values that a dataset cannot hold as they are, or the disk is full.
        """
        where = self._output.path.name
        stored = {}
        for name, values in columns.items():
            dataset = self._datasets[name]
            stored[dataset] = as_stored(
                values, dataset.dtype, name=name, where=where, tail=dataset.shape[1:], entry="row"
            )
        with self._output.writing(", ".join(columns)):
            for dataset, rows in stored.items():
                dataset.resize(len(dataset) + len(rows), axis=0)
                if len(rows):
                    dataset[-len(rows) :] = rows

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: Any, error: BaseException | None, _: Any) -> None:
        self._output.end(error, self._complete)

    def _complete(self, file: h5py.File) -> None:
        self.finish(file)
        file.attrs["complete"] = True
