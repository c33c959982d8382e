"""What is stored of an event: a table of columns a head.

``docs/predict.md`` says what the columns are. ``lengths`` become ``offsets`` when all are known.
"""

from __future__ import annotations

import abc
import dataclasses
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from jaxsparse.data.event_layout import KEY_COLUMNS, NO_KEY
from jaxsparse.data.schema import Event
from jaxsparse.deploy.model import Model
from jaxsparse.deploy.scores import Scores
from jaxsparse.inference.grouping import particle_columns
from jaxsparse.inference.prediction_file import PARTICLES

Columns = dict[str, np.ndarray]
Types = dict[str, tuple[Any, tuple[int, ...]]]  # of a column and of its rows, by name
INSTANCE = "predicted_instance"
NO_ID = -1  # of an event that could not be read
LENGTHS, OFFSETS = "lengths", "offsets"


@dataclasses.dataclass(frozen=True)
class Looked:
    """An event and what the network says of it.

    Attributes:
      file, number: where it is.
      event: None if it could not be read.
      scores: None likewise.
    """

    file: int
    number: int
    event: Event | None = None
    scores: Scores | None = None

    @property
    def columns(self) -> dict[str, int]:
        """What every entry has."""
        return {
            "input": self.file,
            "event": self.number,
            "event_id": NO_ID if self.event is None else self.event.event_id,
            "readable": self.event is not None,
        }


ENTRY: Types = {
    "input": (np.int32, ()),
    "event": (np.int64, ()),
    "event_id": (np.int64, ()),
    "readable": (np.uint8, ()),
}


class Rows(abc.ABC):
    """What is stored of a head.

    Attributes:
      classes: names.
      types: of the columns.
      optional: columns that are left out where all rows are ``NO_KEY``.
    """

    classes: tuple[str, ...]
    types: Types
    optional: tuple[str, ...] = ()

    @abc.abstractmethod
    def of(self, events: Sequence[Looked]) -> Columns:
        """The rows of some events."""


class PixelRows(Rows):
    """An entry a view, and a row a pixel."""

    def __init__(self, model: Model):
        self.classes, self._views = model.classes["semantic"], model.views
        self.types = {
            "scores": (np.float32, (len(self.classes),)),
            "rows": (np.int32, ()),
            "coords": (np.int32, (model.dim,)),
            LENGTHS: (np.int64, ()),
            **ENTRY,
            "view": (np.int8, ()),
        }
        self._particles = model.tells_particles
        if self._particles:
            self.types[INSTANCE] = (np.int32, ())
            self.types["particles/input"] = (np.int32, ())
            self.types |= {name: (kind, ()) for name, kind in PARTICLES.items()}

    def of(self, events: Sequence[Looked]) -> Columns:
        names = ("scores", "rows", "coords", *([INSTANCE] if self._particles else []))
        pixels: dict[str, list[np.ndarray]] = {name: [] for name in names}
        if self._particles:
            pixels |= {name: [] for name in self.types if name.startswith("particles/")}
        entries = []
        for looked in events:
            if self._particles and looked.scores is not None:
                told = looked.scores.particles
                rows = particle_columns(told, input=looked.file, event=looked.number)
                for name, column in rows.items():
                    pixels[name].append(column)
            for view, name in enumerate(self._views):
                length = 0
                if looked.event is not None and looked.scores is not None:
                    length = len(looked.event.views[name])
                    pixels["scores"].append(looked.scores.pixels[name])
                    pixels["rows"].append(np.arange(length))
                    pixels["coords"].append(looked.event.views[name].coords)
                    if self._particles:
                        pixels[INSTANCE].append(looked.scores.instances[name])
                entries.append({**looked.columns, "view": view, LENGTHS: length})
        return _columns(self.types, entries, pixels)


class WholeEventRows(Rows):
    """A row an event."""

    optional = KEY_COLUMNS

    def __init__(self, model: Model):
        self.classes = model.classes["event"]
        self.types = {
            "scores": (np.float32, (len(self.classes),)),
            **ENTRY,
            **dict.fromkeys(KEY_COLUMNS, (np.int64, ())),
        }

    def of(self, events: Sequence[Looked]) -> Columns:
        unknown = np.full(len(self.classes), np.nan, np.float32)
        scores, entries = [], []
        for looked in events:
            keys = {} if looked.event is None else looked.event.keys
            entries.append({**dict.fromkeys(KEY_COLUMNS, NO_KEY), **keys, **looked.columns})
            whole = None if looked.scores is None else looked.scores.event
            scores.append(unknown[None] if whole is None else whole[None])
        return _columns(self.types, entries, {"scores": scores})


class VertexRows(Rows):
    """A row a view: the pixel of the input that is most probably the nearest one to the vertex."""

    classes = ("vertex",)

    def __init__(self, model: Model):
        self._views, self._dim = model.views, model.dim
        self.types = {
            "row": (np.int64, ()),
            "coords": (np.int32, (model.dim,)),
            "scores": (np.float32, (1,)),
            **ENTRY,
            "view": (np.int8, ()),
        }

    def of(self, events: Sequence[Looked]) -> Columns:
        entries, coords, scores = [], [], []
        for looked in events:
            for view, name in enumerate(self._views):
                row, place, score = -1, np.full(self._dim, -1), np.float32(np.nan)
                if looked.event is not None and looked.scores is not None:
                    said = looked.scores.vertices[name]
                    if not np.isnan(said).all():
                        row = int(np.nanargmax(said))
                        place, score = looked.event.views[name].coords[row], said[row]
                entries.append({**looked.columns, "view": view, "row": row})
                coords.append(place[None])
                scores.append(np.full((1, 1), score))
        return _columns(self.types, entries, {"coords": coords, "scores": scores})


# By the name of the head.
ROWS: Mapping[str, Callable[[Model], Rows]] = {
    "semantic": PixelRows,
    "event": WholeEventRows,
    "vertex": VertexRows,
}


def heads_of(model: Model) -> tuple[str, ...]:
    """The heads of a network that have rows of their own; particles are a column of pixels."""
    return (*model.classes, *(["vertex"] if model.tells_vertices else []))


def _columns(
    types: Types,
    entries: Sequence[Mapping[str, int]],
    arrays: Mapping[str, Sequence[np.ndarray]],
) -> Columns:
    found = {}
    for name, (dtype, tail) in types.items():
        if name in arrays:
            found[name] = np.concatenate([np.zeros((0, *tail), dtype), *arrays[name]]).astype(dtype)
        else:
            found[name] = np.array([entry[name] for entry in entries], dtype)
    return found
