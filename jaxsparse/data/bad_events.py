"""Events that cannot be read, or break a rule: which they are, and how many may be left out."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import numpy as np

from jaxsparse.data.pixels import Source, source_name
from jaxsparse.errors import InputError


def unreadable(events: np.ndarray, read: Callable[[np.ndarray], Any]) -> dict[int, str]:
    """What is wrong with every one of ``events`` that cannot be read, by number.

    Reads them together, and where that fails each half of them.

    Args:
      events: numbers, int64 ``[events]``.
      read: reads events by their numbers; raises :class:`InputError`.
    """
    try:
        read(events)
    except InputError as error:
        if len(events) < 2:
            return dict.fromkeys(events.tolist(), str(error))
        half = len(events) // 2
        return unreadable(events[:half], read) | unreadable(events[half:], read)
    return {}


def read_all(source: Any, events: np.ndarray, views: Iterable[str]) -> None:
    """Reads what a file has of some events: ``views`` with truth and links, particles and class.

    Raises:
      InputError: one of them cannot be read.
    """
    for view in views:
        source.read_pixels(events, view)
        for to in source.linked_views(view):
            source.read_links(events, view, to)
    source.read_particles(events)
    source.check_events(events)


class LeftOut:
    """The events that a run has left out so far: each is reported once, and too many end it.

    Args:
      source: that they are of.
      limit: how many there may be.

    Attributes:
      events: what is wrong, by number.
    """

    def __init__(self, source: Source, limit: int):
        self.events: dict[int, str] = {}
        self._name, self._limit = source_name(source), limit

    def add(self, wrong: Mapping[int, str]) -> None:
        """Takes in some more, and those that were there before.

        Raises:
          InputError: there are too many.
        """
        for event in sorted(wrong.keys() - self.events.keys()):
            self.events[event] = wrong[event]
            # What is wrong with a piece of the file does not know its event.
            name = f"Event {event} of {self._name}"
            known = wrong[event].startswith((f"{name},", f"{name}:"))
            print(f"left out: {'' if known else f'{name}: '}{wrong[event]}", file=sys.stderr)
        if len(self.events) > self._limit:
            raise InputError(
                f"data.max_bad_events is {self._limit} but {len(self.events)} events of "
                f"{self._name} cannot be read: make the file again, or raise it (jaxsparse eval "
                "has --max_bad_events)"
            )
