"""Notices a view that is empty in every event, and one whose pixels have no class in some."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from jaxsparse.data.schema import NO_CLASS, Event


class SeenPixels:
    """Counts the pixels of every view over some events, and the events where none has a class.

    Args:
      views: names.

    >>> import numpy as np
    >>> from jaxsparse.data.schema import View
    >>> seen = SeenPixels(["XZ", "YZ"])
    >>> one = View(np.zeros((1, 2), np.int32), np.ones(1, np.float32), (4, 4))
    >>> seen.add(Event(0, {"XZ": one, "YZ": one.take(slice(0, 0))}))
    >>> [line[:33] for line in seen.warnings()]
    ['WARNING   view YZ has no pixel in']
    """

    def __init__(self, views: Iterable[str]):
        self.events = 0
        self.pixels = dict.fromkeys(views, 0)
        self.unnamed = dict.fromkeys(self.pixels, 0)
        self.has_classes = False

    def add(self, event: Event) -> None:
        """Counts an event."""
        self.events += 1
        for name, view in event.views.items():
            self.pixels[name] += len(view)
            named = view.labels is not None and bool(np.any(view.labels != NO_CLASS))
            self.unnamed[name] += bool(len(view)) and not named
            self.has_classes |= named

    def warnings(self) -> list[str]:
        """A line a view that nothing was seen in, or classes are missing of though others exist."""
        if not self.events:
            return []
        empty = [
            f"WARNING   view {name} has no pixel in any of {self.events} events: it is missing or "
            "was stored as zeros, give files that have it"
            for name, count in self.pixels.items()
            if not count
        ]
        return empty + [
            f"WARNING   no pixel of view {name} has a class in {count} of {self.events} events: "
            "trainings do not count these pixels, give files with their labels"
            for name, count in self.unnamed.items()
            if count and self.has_classes
        ]
