"""The images that an evaluation sees: one view of each event, masked and cropped, with its rows."""

from __future__ import annotations

import dataclasses
import os
from typing import Any

import numpy as np

from jaxsparse.data.event_file import EventFile
from jaxsparse.data.event_layout import VALUE_UNITS
from jaxsparse.data.pipeline import Pipeline
from jaxsparse.data.pixels import Pixels
from jaxsparse.data.schema import CLASS_NAMES, NO_CLASS, TRACK_CLASSES, TRUTH_COLUMNS, View
from jaxsparse.data.spread_out import spread_or_all
from jaxsparse.errors import InputError
from jaxsparse.evaluation.metrics.efficiency import wire_direction
from jaxsparse.evaluation.scored import Scored
from jaxsparse.simulate.microboone.detector import MICROBOONE


@dataclasses.dataclass(frozen=True)
class Image:
    """One event as the network sees it.

    Attributes:
      number: of the event in its file.
      event_id: of the event in its source.
      group: images of equal number share their physics.
      topology: for example ``"1e1p"``.
      view: the kept pixels.
      rows: int64 ``[pixels]``, where each pixel stands in the file's list of this event and view.
      weights: float32 ``[pixels]`` of the loss, ``None`` without truth.
      particles: the event's particle table.
    """

    number: int
    event_id: int
    group: int
    topology: str
    view: View
    rows: np.ndarray
    weights: np.ndarray | None
    particles: np.ndarray

    def scored(self, logits: np.ndarray, classes: tuple[str, ...]) -> Scored:
        """The pixels with what a network says of them, float32 ``[pixels, classes]``."""
        view = self.view
        truth = np.full(len(view), NO_CLASS) if view.labels is None else view.labels
        columns = {
            name: column for name in TRUTH_COLUMNS if (column := getattr(view, name)) is not None
        }
        return Scored.of_logits(
            logits, truth, classes, self.weights, columns=columns, particles=self.particles,
            group=self.group,
        )  # fmt: skip


class Scaled:
    """A file whose values are multiplied by a number, and whose pixels know their row.

    Args:
      file: to read from.
      factor: of all values.
    """

    def __init__(self, file: EventFile, factor: float):
        self._file, self._factor = file, np.float32(factor)

    def __len__(self) -> int:
        return len(self._file)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._file, name)

    def read_pixels(self, indices: Any, name: str, columns: Any = None) -> Pixels:
        """As the file, with ``rows``: where a pixel stands in the file's list of its event."""
        pixels = self._file.read_pixels(indices, name, columns)
        rows = np.arange(len(pixels)) - pixels.per_event(pixels.bounds[:-1])
        return dataclasses.replace(
            pixels,
            values=pixels.values * self._factor,
            columns={**pixels.columns, "rows": rows.astype(np.int32)},
        )


class Images:
    """The images of a file under a training configuration, by number.

    Mask, crop and weights are those that the network was trained with; flips are not applied.

    Args:
      path: an event file.
      config: the configuration of the checkpoint.
      view: name of the view, the configuration's by default.
      whole_plane: no crop, whatever the configuration says.
      num_events: only so many events, spread evenly over the file; 0 for all.
      value_scale: values of the file are multiplied by it first, for files in other units.
      seed: draws the crop windows: event i gets the same window in every run.
      group_size: so many consecutive ``event_id`` are one group; 0 takes what the file says.

    Attributes:
      shape: of the images, after the crop.
      classes: class names of the pixels.
      has_truth: whether the pixels have classes.

    Raises:
      InputError: an unreadable file, a view of another dimension, other classes than the network.
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        config: Any,
        *,
        view: str = "",
        whole_plane: bool = False,
        num_events: int = 0,
        value_scale: float = 1.0,
        seed: int = 0,
        group_size: int = 0,
    ):
        self.source = EventFile(path)
        self.config = config
        self.view_name = view or config.data.views[0]
        self.crop = () if whole_plane else tuple(config.data.crop)
        placements = self.source.attributes.get("placements", 1)
        said = placements if isinstance(placements, int) else 1
        self.group_size = max(group_size or said, 1)
        self._numbers = spread_or_all(len(self.source), num_events)
        if self.view_name not in self.source.view_shapes:
            known = ", ".join(self.source.view_shapes)
            raise InputError(f"--view={self.view_name}: {path} has {known}, use one of these.")
        shape = self.source.view_shapes[self.view_name]
        if len(shape) != config.model.dim:
            raise InputError(
                f"--view={self.view_name}: its images {shape} have {len(shape)} axes but model.dim "
                f"of this work directory is {config.model.dim}, choose another view or network."
            )
        data = config.data.copy_and_resolve_references()
        data.views, data.crop, data.classes = (self.view_name,), self.crop, ()
        self.has_truth = len(self) > 0 and "labels" in self.source.truth_columns(self.view_name)
        self.pipeline = Pipeline(
            Scaled(self.source, value_scale), data, levels=1, loss=config.objectives.semantic,
            seed=seed, targets=("weights",), truth=tuple(TRUTH_COLUMNS),
        )  # fmt: skip
        (self.shape,) = self.pipeline.shapes
        self.classes = self._classes()

    def _classes(self) -> tuple[str, ...]:
        number = self.config.model.heads.semantic.num_classes
        if not self.has_truth:
            # The file's names may be those of whole events: what is predicted are pixels.
            plain = tuple(f"class {label}" for label in range(number))
            return CLASS_NAMES if number == len(CLASS_NAMES) else plain
        names = tuple(self.source.class_names)
        if len(names) != number:
            raise InputError(
                f"{self.source.path} has {len(names)} classes ({', '.join(names)}) but the network "
                f"of this work directory has {number}, evaluate it on data of its own classes."
            )
        return names

    def __len__(self) -> int:
        return len(self._numbers)

    def __getitem__(self, number: int) -> Image:
        if not 0 <= number < len(self):
            raise IndexError(number)
        number = int(self._numbers[number])
        event = self.source[number]
        (pixels,) = self.pipeline.pixels(np.array([number]))
        weights = self.pipeline.finish(pixels).columns["weights"] if self.has_truth else None
        return Image(
            number, event.event_id, event.event_id // self.group_size, event.topology,
            pixels.views()[0], pixels.columns["rows"].astype(np.int64), weights, event.particles,
        )  # fmt: skip

    @property
    def track(self) -> tuple[int, ...] | None:
        """The classes that are tracks; ``None`` where the classes are not of two such sides."""
        return TRACK_CLASSES if self.classes == CLASS_NAMES else None

    @property
    def unit(self) -> str:
        """Unit of the values; empty for a detector that is not ours."""
        if self.source.detector != MICROBOONE.name:
            return ""
        return VALUE_UNITS.get(len(self.shape), "")

    def wires(self) -> np.ndarray | None:
        """Unit vector along the wires of the view; ``None`` where it is unknown."""
        if self.source.detector != MICROBOONE.name:
            return None
        angles = {plane.name: plane.angle for plane in MICROBOONE.planes}
        return wire_direction(angles[self.view_name]) if self.view_name in angles else None
