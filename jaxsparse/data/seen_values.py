"""Which values of a pixel a network sees: its own, further ones, and those of linked pixels."""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Iterable

import numpy as np

from jaxsparse.data.gathered import column_of, gathered, gathered_further
from jaxsparse.data.pixels import Pixels, Source, source_name
from jaxsparse.data.schema import further_column
from jaxsparse.errors import InputError


@dataclasses.dataclass(frozen=True)
class SeenValues:
    """Beside its value a pixel may have others that a network sees.

    Attributes:
      further: names of further values of the pixel.
      gathered: views with the pixels that it is linked to, of which it has the values.
      gathered_further: names of further values that it has of these pixels.
    """

    further: tuple[str, ...] = ()
    gathered: tuple[str, ...] = ()
    gathered_further: tuple[str, ...] = ()

    def require(self, source: Source, views: Iterable[str]) -> None:
        """Refuses a source that lacks one of them.

        Args:
          source: of events.
          views: that the network sees.

        Raises:
          InputError: it does.
        """
        views = tuple(views)
        for view in views:
            self._require_further(source, view, "further", self.further)
        for to, view in itertools.product(self.gathered, views):
            linked = source.linked_views(view)
            if to not in linked:
                raise InputError(
                    f"data.gathered has {to!r} but view {view} of {source_name(source)} is linked "
                    f"to {', '.join(linked) or 'none'}: choose among these, or make the file by "
                    "jaxsparse candidates"
                )
        for to in self.gathered:
            self._require_further(source, to, "gathered_further", self.gathered_further)

    def _require_further(self, source: Source, view: str, key: str, names: tuple[str, ...]) -> None:
        for name in names:
            if name not in (known := source.further_values(view)):
                raise InputError(
                    f"data.{key} has {name!r} but the pixels of view {view} of "
                    f"{source_name(source)} have {', '.join(known) or 'none'}: choose among these, "
                    "or write them (docs/formats.md), as jaxsparse candidates --predictions does"
                )

    def columns(self) -> tuple[str, ...]:
        """Columns of a file's pixels that they need."""
        return tuple(map(further_column, self.further))

    def read(self, source: Source, events: np.ndarray, pixels: Pixels, view: str) -> Pixels:
        """The pixels of a view of some events, with what they are linked to.

        Args:
          source: of the events.
          events: numbers.
          pixels: all of the view.
          view: its name.
        """
        columns = dict(pixels.columns)
        for to in self.gathered:
            links = source.read_links(events, view, to)
            other = source.read_pixels(
                events, to, tuple(map(further_column, self.gathered_further))
            )
            columns[column_of(to)] = gathered(links, pixels, other)
            for name in self.gathered_further:
                columns[column_of(to, name)] = gathered_further(links, pixels, other, name)
        return dataclasses.replace(pixels, columns=columns)

    def features(self, pixels: Pixels, mean: float, std: float) -> np.ndarray:
        """What a network sees of pixels.

        Args:
          pixels: of :meth:`read`, maybe changed.
          mean, std: values become (value - mean) / std; further ones stay as they are. What is
            not known is 0.

        Returns:
          float32 ``[pixels]``, or ``[pixels, values]`` in the order: its value, values of linked
          pixels view by view, further values, those of linked pixels view by view.

        >>> columns = {"further time": np.array([0.5, np.nan], np.float32)}
        >>> coords, values = np.array([[0], [1]]), np.array([3.0, 5.0], np.float32)
        >>> pixels = Pixels(coords, values, np.array([2]), (2,), columns)
        >>> SeenValues(further=("time",)).features(pixels, 1.0, 2.0).tolist()
        [[1.0, 0.5], [2.0, 0.0]]
        """
        own = (pixels.values - np.float32(mean)) / np.float32(std)
        values = [pixels.columns[column_of(view)] for view in self.gathered]
        names = [*self.columns(), *itertools.starmap(column_of, self._gathered_further())]
        if not values and not names:
            return own
        others = [(value - np.float32(mean)) / np.float32(std) for value in values]
        others += [pixels.columns[name] for name in names]
        return np.column_stack([own, np.nan_to_num(np.stack(others, axis=1))])

    def _gathered_further(self) -> Iterable[tuple[str, str]]:
        return itertools.product(self.gathered, self.gathered_further)
