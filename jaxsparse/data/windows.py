"""Events of which only a window about the interaction is kept: small files to train on."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Mapping, Sequence

import numpy as np

from jaxsparse.data import transforms
from jaxsparse.data.crop import choose_windows, window_shape
from jaxsparse.data.hashing import uniform
from jaxsparse.data.named_particles import keep_named
from jaxsparse.data.pixels import Pixels
from jaxsparse.data.schema import Event
from jaxsparse.data.source import Numbered


@dataclasses.dataclass(frozen=True)
class WindowedEvents:
    """Every view of every event, cut to a square that holds the interaction.

    The square is drawn as a training draws its crops (``crop_keep="interaction"``), from the seed
    and the number of the event. What is inside is what the whole event has there. All planes of an
    event keep the same time rows. Particles that no pixel inside names are left out.

    Attributes:
      source: the whole events, of wire planes.
      side: pixels along each axis; a shorter image is kept whole along that axis.
      seed: of the windows.
    """

    source: Numbered
    side: int
    seed: int = 0

    @property
    def view_shapes(self) -> dict[str, tuple[int, ...]]:
        """Shape of the windows by view."""
        return {name: square(shape, self.side) for name, shape in self.source.view_shapes.items()}

    def __getitem__(self, index: int) -> Event:
        """Event number ``index``, any number from 0."""
        event = self.source[index]
        window = corners(event, self.side, seed=self.seed, number=index)
        return keep_named(cut(event, window, self.side))


def square(shape: Sequence[int], side: int) -> tuple[int, ...]:
    """Shape of a square in an image, which is kept whole along axes that are shorter.

    >>> square((1008, 3456), 2000)
    (1008, 2000)
    """
    return window_shape(shape, (side,) * len(shape))


def corners(event: Event, side: int, *, seed: int, number: int) -> dict[str, np.ndarray]:
    """First corners, int64 ``[1, 2]`` by view, of squares that hold the interaction of an event.

    Args:
      event: of wire planes.
      side: pixels along each axis.
      seed, number: what is random depends on these alone.
    """
    found: dict[str, np.ndarray] = {}
    first = None
    for place, (name, view) in enumerate(event.views.items()):
        draw = functools.partial(uniform, seed, np.array([number]), place)
        found[name] = choose_windows(
            Pixels.of([view]), square(view.shape, side), keep="interaction", draw=draw, first=first
        )
        first = found[name][:, 0]
    return found


def cut(event: Event, corners: Mapping[str, np.ndarray], side: int) -> Event:
    """The event, of every view only a square.

    Args:
      event: whole.
      corners: of :func:`corners`, of this event or of one with the same views.
      side: pixels along each axis.
    """
    views = {}
    for name, view in event.views.items():
        shape = square(view.shape, side)
        inside = transforms.crop(Pixels.of([view]), corners[name], shape).views()[0]
        corner = np.array(view.corner or (0,) * len(shape)) + corners[name][0]
        views[name] = dataclasses.replace(inside, corner=tuple(corner.tolist()))
    return dataclasses.replace(event, views=views)
