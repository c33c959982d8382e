"""Notices a view that is empty in every event: missing, or stored as zeros."""

from __future__ import annotations

from collections.abc import Iterable

from jaxsparse.data.schema import Event


class SeenPixels:
    """Counts the pixels of every view over some events.

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

    def add(self, event: Event) -> None:
        """Counts an event."""
        self.events += 1
        for name, view in event.views.items():
            self.pixels[name] += len(view)

    def warnings(self) -> list[str]:
        """A line a view that nothing was seen in."""
        if not self.events:
            return []
        return [
            f"WARNING   view {name} has no pixel in any of {self.events} events: it is missing or "
            "was stored as zeros, give files that have it"
            for name, count in self.pixels.items()
            if not count
        ]
