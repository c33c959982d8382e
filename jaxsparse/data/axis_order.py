"""Finds out whether the axes of stored pixel maps were taken in the right order.

Pixel maps are stored flat. Taken apart in a wrong order, pixels that touched land far from one
another: tracks fall to pieces, or run along the cells where they should cross the planes. So of
all orders the right one has the most active neighbours. (The extent of events says less: a neutrino
of 2 GeV spans more cells, of 4 cm, than planes of one view, 13 cm apart.) Simulated events have 3.2
neighbours in the right order; stored in any other and read in the usual one, 1.2 to 2.1.
"""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Mapping, Sequence

import numpy as np

from jaxsparse.data.schema import View
from jaxsparse.data.summary import active_neighbours
from jaxsparse.detectors.nova import NOVA_AXES

SUSPICIOUS = 1.2  # times the neighbours of the order in use
CHECKED = 200  # events that are looked at: enough to tell, and their pixels are kept
REMEDY = "try --axes={order}"


@dataclasses.dataclass
class AxisOrderCheck:
    """Mean active neighbours of the same pixels for every order of the axes they may be stored in.

    Attributes:
      axes: names of the axes of an image, for example ``("plane", "cell")``.
      shape: of an image.
      views: number of views.
      used: order in which the stored images were taken apart.
      remedy: what to do where another one, ``{order}``, fits better.

    >>> check = AxisOrderCheck(("plane", "cell"), (4, 3), 1, "view,plane,cell")
    >>> line = np.array([[0, 1], [1, 1], [2, 1]], np.int32)
    >>> check.add([View(line, np.ones(3, np.float32), (4, 3))])
    >>> check.neighbours()["view,plane,cell"]
    2.3333333333333335
    """

    axes: tuple[str, ...]
    shape: tuple[int, ...]
    views: int
    used: str = ""
    remedy: str = REMEDY
    _pixels: list[np.ndarray] = dataclasses.field(default_factory=list)

    def __post_init__(self) -> None:
        self.used = self.used or ",".join(("view", *self.axes))

    def add(self, views: Sequence[View]) -> None:
        """Counts an event: all its views, in order."""
        self._pixels.append(
            np.concatenate(
                [np.insert(view.coords, 0, number, axis=1) for number, view in enumerate(views)]
            )
        )

    def neighbours(self) -> dict[str, float]:
        """Mean active neighbours (itself included) by order of the axes."""
        sizes = dict(zip(("view", *self.axes), (self.views, *self.shape), strict=True))
        names = ("view", *self.axes)
        stored = self.used.split(",")
        events = np.repeat(np.arange(len(self._pixels)), [len(p) for p in self._pixels])
        pixels = np.concatenate(self._pixels)
        columns = [pixels[:, names.index(name)] for name in stored]
        flat = np.ravel_multi_index(columns, [sizes[name] for name in stored])
        found = {}
        for order in itertools.permutations(names):
            parts = np.unravel_index(flat, [sizes[name] for name in order])
            place = dict(zip(order, parts, strict=True))
            # Every view of every event is a layer of its own, with an empty one on either side.
            layer = 2 * (events * self.views + place["view"])
            coords = np.stack([layer, *(place[name] for name in self.axes)], axis=1)
            shape = (2 * len(self._pixels) * self.views, *self.shape)
            found[",".join(order)] = active_neighbours(coords, shape)
        return found

    def warnings(self) -> list[str]:
        """The line of :meth:`lines` that a person should not miss, if it is there."""
        return [line for line in self.lines() if line.startswith("WARNING")]

    def lines(self) -> list[str]:
        """What a person reads; a warning if another order fits clearly better."""
        if not sum(map(len, self._pixels)):
            return []
        found = self.neighbours()
        own = found[self.used]
        others = {order: count for order, count in found.items() if order != self.used}
        best = max(others, key=lambda order: others[order])
        lines = [
            f"axes      {self.used}: {own:.2f} active neighbours, at most {others[best]:.2f} in "
            "another order"
        ]
        if others[best] > SUSPICIOUS * own:
            lines.append(
                "WARNING   the images look taken apart in a wrong order: "
                f"{self.remedy.format(order=best)} ({others[best]:.2f} active neighbours, "
                f"{self.used} has {own:.2f})"
            )
        return lines


def order_check(
    shapes: Mapping[str, tuple[int, ...]],
    axes: Mapping[str, tuple[str, ...]],
    used: str = "",
    remedy: str = REMEDY,
) -> AxisOrderCheck | None:
    """A check for segmented detectors, whose maps are stored flat; none for wire planes.

    Args:
      shapes, axes: of every view.
      used, remedy: of :class:`AxisOrderCheck`; an order that is none is as if not given.
    """
    if set(axes.values()) != {NOVA_AXES} or len(set(shapes.values())) != 1:
        return None
    known = sorted(used.split(",")) == sorted(("view", *NOVA_AXES))
    shape = next(iter(shapes.values()))
    return AxisOrderCheck(NOVA_AXES, shape, len(shapes), used if known else "", remedy)
