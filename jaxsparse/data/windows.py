"""Events of which only a window about the interaction is kept: small files to train on."""

from __future__ import annotations

import dataclasses
import functools

import numpy as np

from jaxsparse.data import transforms
from jaxsparse.data.crop import choose_windows, window_shape
from jaxsparse.data.hashing import uniform
from jaxsparse.data.pixels import Pixels
from jaxsparse.data.schema import Event
from jaxsparse.data.source import Numbered


@dataclasses.dataclass(frozen=True)
class WindowedEvents:
    """Every view of every event, cut to a square that holds the interaction.

    The square is drawn as a training draws its crops (``crop_keep="interaction"``), from the seed
    and the number of the event. What is inside is what the whole event has there. All planes of an
    event keep the same time rows.

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
        return {
            name: window_shape(shape, (self.side,) * len(shape))
            for name, shape in self.source.view_shapes.items()
        }

    def __getitem__(self, index: int) -> Event:
        """Event number ``index``, any number from 0."""
        event = self.source[index]
        views, first = {}, None
        for number, (name, shape) in enumerate(self.view_shapes.items()):
            pixels = Pixels.of([event.views[name]])
            draw = functools.partial(uniform, self.seed, np.array([index]), number)
            starts = choose_windows(pixels, shape, keep="interaction", draw=draw, first=first)
            views[name] = transforms.crop(pixels, starts, shape).views()[0]
            first = starts[:, 0]
        return dataclasses.replace(event, views=views)
