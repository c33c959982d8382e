"""Views of one event in line: the axis that they share lies and reaches alike in all of them."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping

from matplotlib.axes import Axes

from jaxsparse.data.schema import View
from jaxsparse.viz.canvas import Window, active_window, whole
from jaxsparse.viz.picture import Picture
from jaxsparse.viz.shared_axis import lies_across

MARGIN = 4  # pixels around those in use
LOWEST, NARROWEST, MOST = 0.3, 0.6, 1.2  # one side of a panel over the other; titles are wide


@dataclasses.dataclass(frozen=True)
class LinedUp:
    """The views of an event as they are drawn.

    Attributes:
      pictures: by name, flat.
      windows: the part to show of every view, in its own pixels; it may reach beyond the image.
      shared: the views that are in line.
      down: whether views lie one above the other, because the shared axis goes from left to right;
        else they lie side by side.
      limits: of the shared axis in the detector's pixels.
    """

    pictures: Mapping[str, Picture]
    windows: Mapping[str, Window]
    shared: tuple[str, ...]
    down: bool
    limits: tuple[float, float]

    def finish(self, ax: Axes, name: str) -> None:
        """What a panel of a view needs after it is drawn: to fill its place, the limits in line."""
        if name in self.shared:
            ax.set_aspect("auto")
            (ax.set_xlim if self.down else ax.set_ylim)(self.limits)

    def sizes(self, width: float) -> list[tuple[float, float]]:
        """Width and height of the panel of every view; in line all have one side in common.

        Pixels are squares, unless a panel would be very low, narrow or tall.

        Args:
          width: of a panel; side by side the mean of those in line.
        """
        aspects = {name: window.size[0] / window.size[1] for name, window in self.windows.items()}
        if self.down:
            return [(width, width * _within(aspect, LOWEST)) for aspect in aspects.values()]
        highest = max(_within(aspect, LOWEST) for aspect in aspects.values())
        wide = {name: _within(1 / aspects[name], NARROWEST) for name in self.shared}  # over high
        height = width * (min(len(wide) / sum(wide.values()), MOST) if wide else highest)
        return [(height * wide[name] if name in wide else width, height) for name in aspects]


def line_up(images: Mapping[str, Picture], shared: Mapping[str, int], *, small: int = 0) -> LinedUp:
    """Turns the views so that a shared axis lies as in the first that has it, with one range.

    Args:
      images: by name.
      shared: of the views that share an axis, its number in each.
      small: pixels; longer images are cut to the part in use.
    """
    down = lies_across(shared, {name: image.across for name, image in images.items()})
    pictures = {name: _turned(image, shared.get(name), down) for name, image in images.items()}
    windows = {name: _window(picture.view, small) for name, picture in pictures.items()}
    limits = (0.0, 0.0)
    if shared:
        row = 1 if down else 0  # of the shared axis in a window
        used = [name for name in shared if len(pictures[name].view)] or list(shared)
        ends = [_range(pictures[name], windows[name], row) for name in used]
        limits = min(low for low, _ in ends), max(high for _, high in ends)
        windows |= {name: _ranging(pictures[name], windows[name], row, limits) for name in shared}
    return LinedUp(pictures, windows, tuple(shared), down, limits)


def _turned(image: Picture, axis: int | None, down: bool) -> Picture:
    if axis is None:
        return image.flat()
    return dataclasses.replace(image, across=axis if down else 1 - axis).flat()


def _window(view: View, small: int) -> Window:
    if max(view.shape) <= small:
        return whole(view.shape)
    return active_window(view.coords, view.shape, margin=MARGIN)


def _range(picture: Picture, window: Window, row: int) -> tuple[float, float]:
    """Where a window begins and ends along an axis, in the detector's pixels."""
    left, right, bottom, top = picture.extent(window)
    return (left, right) if row else (bottom, top)


def _ranging(picture: Picture, window: Window, row: int, limits: tuple[float, float]) -> Window:
    """A window that reaches over a range of the detector's pixels along one axis.

    Without pixels as far along the other, in the middle of the image.
    """
    start, _ = _range(picture, whole(picture.view.shape), row)
    low, high = ((limit - start) / picture.pixel for limit in limits)
    lows, highs = list(window.low), list(window.high)
    lows[row], highs[row] = math.floor(low), math.ceil(high)
    if not len(picture.view):
        other = 1 - row
        side = min(highs[row] - lows[row], picture.view.shape[other])
        lows[other] = (picture.view.shape[other] - side) // 2
        highs[other] = lows[other] + side
    return Window((lows[0], lows[1]), (highs[0], highs[1]))


def _within(ratio: float, least: float) -> float:
    return min(max(ratio, least), MOST)
