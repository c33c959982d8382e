"""Events that cannot be read, or break a rule: which they are, and how many may be left out."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence

import numpy as np

from jaxsparse.data.pixels import Source, source_name
from jaxsparse.errors import InputError


def unreadable(source: Source, events: np.ndarray, views: Sequence[str]) -> dict[int, str]:
    """What is wrong with every one of ``events`` that cannot be read in ``views``, by number.

    Reads them one by one: for when reading them together has failed.
    """
    wrong: dict[int, str] = {}
    for event in events.tolist():
        try:
            for view in views:
                source.read_pixels(one := np.array([event]), view)
                for to in source.linked_views(view):
                    source.read_links(one, view, to)
        except InputError as error:
            wrong[event] = str(error)
    return wrong


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
            print(f"left out: {wrong[event]}", file=sys.stderr)
        if len(self.events) > self._limit:
            raise InputError(
                f"data.max_bad_events is {self._limit} but {len(self.events)} events of "
                f"{self._name} cannot be read: make the file again, or raise data.max_bad_events"
            )
