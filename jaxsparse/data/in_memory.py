"""Events that are at hand already, as a source that the pipeline reads."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from jaxsparse.data.links import Links
from jaxsparse.data.pixels import Pixels
from jaxsparse.data.schema import NO_CLASS, View


class EventsInMemory:
    """Images of some events without truth: a :class:`~jaxsparse.data.pixels.Source`.

    Every view is linked to itself, so that a pipeline that is asked for these links tells which
    rows of an event its pixels are made of.

    Args:
      views: images of every event by name of the view; all events have the same views.
      shapes: of the images, by name of the view.

    >>> view = View(np.array([[0, 1]], np.int32), np.ones(1, np.float32), (4, 4))
    >>> source = EventsInMemory([{"Y": view}, {"Y": view}], {"Y": (4, 4)})
    >>> len(source), source.read_pixels(np.array([1]), "Y").coords.tolist()
    (2, [[0, 1]])
    """

    event_classes: tuple[str, ...] = ()

    def __init__(self, views: Sequence[dict[str, View]], shapes: dict[str, tuple[int, ...]]):
        self._views, self.view_shapes = list(views), shapes

    @property
    def event_labels(self) -> np.ndarray:
        """int32 ``[events]``, all -1."""
        return np.full(len(self), NO_CLASS, np.int32)

    def __len__(self) -> int:
        return len(self._views)

    def num_pixels(self, name: str) -> np.ndarray:
        """int64 ``[events]``."""
        return np.array([len(views[name]) for views in self._views], np.int64)

    def truth_columns(self, name: str) -> tuple[str, ...]:
        """None."""
        return ()

    def further_values(self, name: str) -> tuple[str, ...]:
        """None."""
        return ()

    def read_pixels(
        self, indices: np.ndarray, name: str, columns: Sequence[str] | None = None
    ) -> Pixels:
        """The images of events in a view."""
        chosen = [self._views[int(index)][name] for index in indices]
        bare = [View(view.coords, view.values, view.shape) for view in chosen]
        return Pixels.of(bare, self.view_shapes[name])

    def linked_views(self, name: str) -> tuple[str, ...]:
        """The view itself."""
        return (name,)

    def read_links(self, indices: np.ndarray, name: str, to: str) -> Links:
        """Of every pixel to itself."""
        return Links.own(self.num_pixels(name)[indices])
