"""A file as an evaluation reads it."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any

import numpy as np

from jaxsparse.data.event_file import EventFile
from jaxsparse.data.pixels import Pixels
from jaxsparse.data.schema import NO_CLASS, Event


class EvaluatedFile:
    """An event file whose pixels know their rows, and whose events may lack the network's classes.

    Args:
      file: to read from.
      event_classes: names to give where the file has none: no event is of any of them.
      factor: of all values.
    """

    def __init__(self, file: EventFile, event_classes: tuple[str, ...] = (), factor: float = 1.0):
        self._file, self._factor = file, np.float32(factor)
        self.event_classes = file.event_classes or event_classes
        self.unlabelled = not file.event_classes

    def __len__(self) -> int:
        return len(self._file)

    def __getitem__(self, index: int) -> Event:
        return self._file[index]

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):  # while unpickled there is no _file yet
            raise AttributeError(name)
        return getattr(self._file, name)

    @property
    def event_labels(self) -> np.ndarray:
        """int32 ``[events]``, number in ``event_classes`` or -1."""
        return (
            np.full(len(self), NO_CLASS, np.int32) if self.unlabelled else self._file.event_labels
        )

    def read_pixels(
        self, indices: np.ndarray, name: str, columns: Sequence[str] | None = None
    ) -> Pixels:
        """As the file, with ``rows``: where a pixel stands in the file's list of its event."""
        pixels = self._file.read_pixels(indices, name, columns)
        rows = np.arange(len(pixels)) - pixels.per_event(pixels.bounds[:-1])
        return dataclasses.replace(
            pixels,
            values=pixels.values * self._factor,
            columns={**pixels.columns, "rows": rows.astype(np.int32)},
        )
