"""``predictions.h5``: the scores of every pixel that the network saw, in the order of the file.

| dataset | type | what |
| --- | --- | --- |
| ``scores`` | float32 ``[pixels, classes]`` | softmax scores |
| ``rows`` | int32 ``[pixels]`` | row of the pixel in the input file's list of that event and view |
| ``predicted_instance`` | int32 ``[pixels]`` | its particle, -1 for none; with a grouping |
| ``particles/`` | | its instances, by event: ``event`` int64, and the columns of ``TOLD_DTYPE`` |
| ``offsets`` | int64 ``[events + 1]`` | pixels ``offsets[i]:offsets[i + 1]`` belong to entry i |
| ``event`` | int64 ``[events]`` | number of the event in the input file |
| ``event_id`` | int64 ``[events]`` | its number in its source |
| ``view`` | int8 ``[events]`` | which of ``views`` the entry is of |

Attributes: ``format``, ``class_names``, ``data``, ``views``, ``view`` (the first),
``checkpoint_step``, ``complete``. A pixel that the file does not have (``data.halo``) is row -1.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import Any

import h5py
import numpy as np

from jaxsparse.inference.grouping import particle_columns, told_particles
from jaxsparse.inference.prediction_file import PARTICLES, PredictionFile


class PixelPredictions(PredictionFile):
    """Appends event by event with bounded memory; a context manager.

    Args:
      path: of the file to be.
      classes: class names.
      attributes: written beside the class names.
      instances: whether pixels have a ``predicted_instance``.

    >>> import h5py
    >>> import tempfile
    >>> path = os.path.join(tempfile.mkdtemp(), "predictions.h5")
    >>> with PixelPredictions(path, ("a", "b"), {"view": "Y"}) as writer:
    ...     writer.num_events
    0
    >>> with h5py.File(path) as file:
    ...     file["scores"].shape, file["offsets"][:].tolist(), bool(file.attrs["complete"])
    ((0, 2), [0], True)
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        classes: Sequence[str],
        attributes: dict[str, Any],
        *,
        instances: bool = False,
    ):
        super().__init__(path, classes, attributes)
        self.dataset("scores", np.float32, (len(classes),))
        self.dataset("rows", np.int32)
        if instances:
            self.dataset("predicted_instance", np.int32)
            for name, kind in PARTICLES.items():
                self.dataset(name, kind)
        self._offsets = [0]
        self._events: list[tuple[int, int, int]] = []

    @property
    def num_events(self) -> int:
        """Events written so far."""
        return len(self._events)

    def append(
        self,
        event: int,
        event_id: int,
        view: int,
        rows: np.ndarray,
        scores: np.ndarray,
        instance: np.ndarray | None = None,
    ) -> None:
        """Writes the scores ``[pixels, classes]`` of one image, and the instances if there are."""
        if len(scores) != len(rows):
            raise ValueError(f"{len(scores)} rows of scores for {len(rows)} pixels")
        columns = {} if instance is None else {"predicted_instance": instance}
        self.extend({"scores": scores, "rows": rows, **columns})
        self._offsets.append(self._offsets[-1] + len(scores))
        self._events.append((event, event_id, view))

    def append_particles(self, event: int, columns: Mapping[str, np.ndarray]) -> None:
        """Writes the predicted instances of all views of an event.

        Args:
          event: its number in the input file.
          columns: int32 ``[pixels]``: ``predicted_instance``, ``predicted_instance_class``,
            ``predicted_parent``, and ``rows``, which is -1 of pixels that the file does not have.
        """
        told = told_particles(
            [columns["predicted_instance"]], [columns["predicted_instance_class"]],
            [columns["predicted_parent"]], [columns["rows"] >= 0],
        )  # fmt: skip
        self.extend(particle_columns(told, event=event))

    def finish(self, file: h5py.File) -> None:
        """Writes one row an event."""
        file["offsets"] = np.array(self._offsets, np.int64)
        event, event_id, view = np.array(self._events, np.int64).reshape(-1, 3).T
        file["event"], file["event_id"] = event, event_id
        file["view"] = view.astype(np.int8)
