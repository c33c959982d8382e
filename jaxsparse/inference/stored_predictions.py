"""What ``jaxsparse eval`` and ``jaxsparse predict`` said of a file: scores by event and view."""

from __future__ import annotations

import dataclasses
import functools
import os
from collections.abc import Iterable
from pathlib import Path

import h5py
import numpy as np

from jaxsparse.data.hdf5_attributes import read_texts, says
from jaxsparse.errors import InputError, one_line
from jaxsparse.inference.prediction_file import FORMAT

PIXELS = "heads/semantic"  # group of the scores of pixels where events are the main thing
REMEDY = "give a file of jaxsparse eval or jaxsparse predict"


@dataclasses.dataclass(frozen=True)
class ViewScores:
    """What is said of pixels of a view.

    Attributes:
      rows: int64 ``[scored]``, rows of the pixels in the view.
      scores: float32 ``[scored, classes]``, NaN outside of the network's mask.
      instance: int32 ``[scored]``, predicted particles, -1 for none; ``None`` if they are not told
        apart.
      parent: int32 ``[scored]``, the particle that the pixel's particle belongs to, -1 for none;
        ``None`` if the file does not say.
    """

    rows: np.ndarray
    scores: np.ndarray
    instance: np.ndarray | None
    parent: np.ndarray | None = None


class StoredPredictions:
    """A file of scores of pixels or of whole events.

    Args:
      path: of it.
      data: path of the file of events that is asked about; predictions of several files name them.
      group: of the file, that of a head beside the main one.

    Attributes:
      classes: names, in the order of the scores.
      of_pixels: whether the scores are of pixels; of whole events otherwise.
      events: int64, numbers of the events that there are scores of, sorted.
      views: names of those that they were made of.
      pixels: the scores of pixels: these, or those of a head beside; ``None`` if there are none.

    Raises:
      InputError: no such file, not one of scores, cut off, or of other files of events.
    """

    def __init__(
        self, path: str | os.PathLike[str], data: str | os.PathLike[str], group: str = "/"
    ):
        self.path = Path(path)
        self._group = group
        try:
            with h5py.File(self.path) as file:
                self._open(file, Path(data))
        except (OSError, LookupError, RuntimeError, TypeError, ValueError) as error:
            if isinstance(error, InputError):
                raise
            raise InputError(f"{path} cannot be read ({one_line(error)}): {REMEDY}") from None

    def _open(self, file: h5py.File, data: Path) -> None:
        if not says(file.attrs, "format", FORMAT) or not file.attrs.get("complete"):
            raise InputError(f"{self.path} is no complete file of predictions: {REMEDY}")
        group = file[self._group]
        self.classes = read_texts(group.attrs, "class_names")
        self.of_pixels = "offsets" in group
        self._event = _whole_numbers(group, "event")
        self._view = _whole_numbers(group, "view") if self.of_pixels else None
        self._ids = _whole_numbers(group, "event_id") if "event_id" in group else None
        self.views = read_texts(file.attrs, "views", ())
        self._input = _whole_numbers(group, "input") if "input" in group else None
        wanted = np.ones(len(self._event), bool)
        if self._input is not None:
            wanted = self._input == self._number_of(file, data)
        self._entries = np.flatnonzero(wanted)
        self.events = np.unique(self._event[wanted])
        self._check_lengths(group)
        self.pixels: StoredPredictions | None = self if self.of_pixels else None
        if not self.of_pixels and PIXELS in file:
            self.pixels = StoredPredictions(self.path, data, PIXELS)

    def _check_lengths(self, file: h5py.Group) -> None:
        """Whether every entry has its place, and every pixel its scores."""
        entries = {len(self._event)}
        entries |= {len(column) for column in (self._view, self._ids) if column is not None}
        rows = len(self._event)
        if self.of_pixels:
            self._offsets = _whole_numbers(file, "offsets")
            entries.add(len(self._offsets) - 1)
            rows = int(self._offsets[-1]) if len(self._offsets) else -1
        steps = np.diff(self._offsets, prepend=0) if self.of_pixels else np.zeros(1, int)
        per_row = ("rows", "predicted_instance") if self.of_pixels else ()
        lengths = {rows, *(len(file[name]) for name in per_row if name in file)}
        fits = file["scores"].shape == (rows, len(self.classes))
        if not fits or len(entries) > 1 or len(lengths) > 1 or (steps < 0).any():
            raise InputError(f"{self.path} has columns of lengths that do not fit: {REMEDY}")

    def _number_of(self, file: h5py.File, data: Path) -> int:
        """Which of the predicted files the events are of."""
        names = [os.path.basename(os.fsdecode(name)) for name in file["inputs"][()].tolist()]
        if len(names) == 1:
            return 0
        if names.count(data.name) != 1:
            raise InputError(
                f"{self.path} has predictions of {', '.join(names[:5])}: {data.name} must be one, "
                "and one only"
            )
        return names.index(data.name)

    def require_a_view(self, views: Iterable[str]) -> None:
        """Refuses predictions of other views than those of a file.

        Raises:
          InputError: they are.
        """
        if not set(self.views) & set(views):
            raise InputError(
                f"{self.path} has predictions of views {', '.join(self.views)}, the file has "
                f"{', '.join(views)}: give the predictions of this file"
            )

    def of_view(
        self, number: int, name: str, event_id: int, coords: np.ndarray
    ) -> ViewScores | None:
        """What is said of a view of an event, ``None`` if nothing is.

        Args:
          number: of the event in its file.
          name: of the view.
          event_id: of the event in its source.
          coords: of the view's pixels in the file, ``[pixels, axes]``.

        Raises:
          InputError: the predictions are of other events.
        """
        if not self.of_pixels or name not in self.views:
            return None
        assert self._view is not None
        place = self._entry(number, event_id, self._view == self.views.index(name))
        if place is None:
            return None
        first, last = self._offsets[place : place + 2].tolist()
        with h5py.File(self.path) as file:
            group = file[self._group]
            rows = np.asarray(group["rows"][first:last], np.int64)
            scores = np.asarray(group["scores"][first:last], np.float32)
            stored = group["coords"][first:last] if "coords" in group else None
            instance = parent = None
            if "predicted_instance" in group:
                instance = np.asarray(group["predicted_instance"][first:last], np.int32)
                if "particles" in group:
                    parent = self._parents(place, instance)
        if (rows < -1).any() or (rows >= len(coords)).any():
            raise InputError(
                f"{self.path} has pixel {rows.max()} of view {name} of event {number}, which has "
                f"{len(coords)}: give the predictions of this file"
            )
        known = rows >= 0  # -1: an empty pixel that a halo added
        if stored is not None and not np.array_equal(stored[known], coords[rows[known]]):
            raise InputError(
                f"{self.path} has other pixels of view {name} of event {number} than the file: "
                "give the predictions of this file"
            )
        instance, parent = (
            None if column is None else column[known] for column in (instance, parent)
        )
        return ViewScores(rows[known], scores[known], instance, parent)

    @functools.cached_property
    def _told(self) -> dict[str, np.ndarray]:
        """The table of predicted particles; read once, for it is as long as the file has events."""
        with h5py.File(self.path) as file:
            table = file[self._group]["particles"]
            return {name: _whole_numbers(table, name) for name in table}

    def _parents(self, place: int, instance: np.ndarray) -> np.ndarray:
        """The particles that those of an entry belong to, pixel by pixel; -1 for none."""
        told = self._told
        own = told["event"] == self._event[place]
        if self._input is not None:
            own &= told["input"] == self._input[place]
        parents = dict(
            zip(told["instance"][own].tolist(), told["parent"][own].tolist(), strict=True)
        )
        return np.array([parents.get(number, -1) for number in instance.tolist()], np.int32)

    def of_event(self, number: int, event_id: int) -> np.ndarray | None:
        """float32 ``[classes]``, the scores of a whole event; ``None`` if there are none.

        Args:
          number: of the event in its file.
          event_id: of the event in its source.

        Raises:
          InputError: the predictions are of other events.
        """
        if self.of_pixels:
            return None
        place = self._entry(number, event_id, np.ones(len(self._event), bool))
        if place is None:
            return None
        with h5py.File(self.path) as file:
            scores = np.asarray(file[self._group]["scores"][place], np.float32)
        return scores if np.isfinite(scores).all() else None

    def _entry(self, number: int, event_id: int, chosen: np.ndarray) -> int | None:
        entries = self._entries
        found = entries[(self._event[entries] == number) & chosen[entries]]
        if not len(found):
            return None
        if self._ids is not None and self._ids[found[0]] not in (event_id, -1):
            raise InputError(
                f"{self.path} has event_id {self._ids[found[0]]} as event {number}, which is "
                f"{event_id} in the file: give the predictions of this file"
            )
        return int(found[0])


def _whole_numbers(file: h5py.Group, name: str) -> np.ndarray:
    dataset = file[name]
    if dataset.ndim != 1 or dataset.dtype.kind not in "iu":
        raise ValueError(f"{name} must be a list of whole numbers")
    return np.asarray(dataset, np.int64)
