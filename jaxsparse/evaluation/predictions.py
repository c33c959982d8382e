"""``predictions.h5``: the scores of every pixel that the network saw, in the order of the file.

| dataset | type | what |
| --- | --- | --- |
| ``scores`` | float32 ``[pixels, classes]`` | softmax scores |
| ``rows`` | int32 ``[pixels]`` | row of the pixel in the input file's list of that event and view |
| ``offsets`` | int64 ``[events + 1]`` | pixels ``offsets[i]:offsets[i + 1]`` belong to entry i |
| ``event`` | int64 ``[events]`` | number of the event in the input file |
| ``event_id`` | int64 ``[events]`` | its number in its source |

Attributes: ``format``, ``class_names``, ``data``, ``view``, ``checkpoint_step``, ``complete``.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from jaxsparse.data.partial_file import PartialFile
from jaxsparse.evaluation.images import Image

FORMAT = "jaxsparse-predictions"
CHUNK = 16384


class PredictionWriter:
    """Appends event by event with bounded memory; a context manager.

    Raises:
      InputError: the file cannot be made, or the disk is full.

    >>> import tempfile
    >>> path = os.path.join(tempfile.mkdtemp(), "predictions.h5")
    >>> with PredictionWriter(path, ("a", "b"), {"view": "Y"}) as writer:
    ...     writer.num_events
    0
    >>> with h5py.File(path) as file:
    ...     file["scores"].shape, file["offsets"][:].tolist(), bool(file.attrs["complete"])
    ((0, 2), [0], True)
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
        self._scores = self._dataset("scores", np.float32, (len(classes),))
        self._rows = self._dataset("rows", np.int32)
        self._offsets, self._events, self._ids = [0], list[int](), list[int]()

    @property
    def num_events(self) -> int:
        """Events written so far."""
        return len(self._events)

    def append(self, image: Image, scores: np.ndarray) -> None:
        """Writes the scores ``[pixels, classes]`` of one image."""
        for dataset, values in ((self._scores, scores), (self._rows, image.rows)):
            dataset.resize(len(dataset) + len(values), axis=0)
            if len(values):
                dataset[-len(values) :] = values
        self._offsets.append(self._offsets[-1] + len(scores))
        self._events.append(image.number)
        self._ids.append(image.event_id)
        self._sink.check()

    def __enter__(self) -> PredictionWriter:
        return self

    def __exit__(self, kind: Any, *_: Any) -> None:
        try:
            if kind is None:
                self._file["offsets"] = np.array(self._offsets, np.int64)
                self._file["event"] = np.array(self._events, np.int64)
                self._file["event_id"] = np.array(self._ids, np.int64)
                self._file.attrs["complete"] = True
            self._file.close()
        except (OSError, RuntimeError):  # HDF5 may trip over what a full disk did not keep
            self._sink.discard()
            self._sink.check()
            raise
        if kind is None:
            self._sink.commit()
        else:
            self._sink.discard()

    def _dataset(self, name: str, dtype: Any, tail: tuple[int, ...] = ()) -> h5py.Dataset:
        return self._file.create_dataset(
            name, (0, *tail), dtype, maxshape=(None, *tail), chunks=(CHUNK, *tail),
            compression="gzip", compression_opts=1, shuffle=True,
        )  # fmt: skip
