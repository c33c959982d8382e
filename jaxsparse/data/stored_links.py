"""Links between views as an event file keeps them: entries of every pixel, rows and shares."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import h5py
import numpy as np

from jaxsparse.data.event_layout import LINK_COUNT_DTYPE, LINK_DTYPES
from jaxsparse.data.growing_table import GrowingTable, RaggedTable
from jaxsparse.data.links import Links, offsets_of
from jaxsparse.data.stored_values import as_stored
from jaxsparse.errors import InputError


class LinkTable:
    """The group of the links from one view to another, which grows event by event.

    Args:
      group: to be filled.
      columns: ``chunk`` and ``compression`` of :class:`~jaxsparse.data.growing_table.GrowingTable`.
    """

    def __init__(self, group: h5py.Group, **columns: Any):
        self._counts = GrowingTable(group, {"counts": LINK_COUNT_DTYPE}, **columns)
        self._entries = RaggedTable(group, dtypes=LINK_DTYPES, **columns)

    def append(self, links: Links) -> None:
        """Adds one event's links, of the types that are stored."""
        self._counts.append({"counts": np.diff(links.offsets).astype(LINK_COUNT_DTYPE)})
        self._entries.append({"rows": links.rows, "shares": links.shares})

    def flush(self) -> None:
        """Writes the rows that do not fill a chunk."""
        self._counts.flush()
        self._entries.flush()


def as_links(given: Any, *, name: str, where: str) -> Links:
    """New links of the types that are stored, if nothing is lost.

    Args:
      given: links whose arrays may be lists or of any type of numbers.
      name: of the links, for messages.
      where: that has them, for example ``"Event 3 for a.h5, view Y"``.

    Raises:
      InputError: no links, or a number that the type cannot hold.
    """
    if not isinstance(given, Links):
        raise InputError(f"{where}: {name} are a {type(given).__name__}: give jaxsparse Links")
    kinds = {"offsets": np.dtype(np.int64), **LINK_DTYPES}
    return Links(
        **{
            column: as_stored(
                getattr(given, column), dtype, name=f"{name}: {column}", where=where, tail=(),
                entry="entry",
            )
            for column, dtype in kinds.items()
        }
    )  # fmt: skip


def counted_links(
    counts: np.ndarray,
    rows: np.ndarray,
    shares: np.ndarray,
    *,
    pixels: np.ndarray,
    entries: np.ndarray,
    where: Callable[[int], str],
) -> Links:
    """The links of many events.

    Args:
      counts: int32, entries of every pixel, event after event.
      rows, shares: of the entries.
      pixels: int64 ``[events]``, how many pixels an event has.
      entries: int64 ``[events]``, how many entries it has by the offsets of the file.
      where: place of an event -> name of its links in messages.

    Raises:
      InputError: the counts of an event are no counts, or do not add up to its entries.
    """
    offsets, bounds = offsets_of(counts), offsets_of(pixels)
    counted = np.diff(offsets[bounds])
    event = np.repeat(np.arange(len(pixels)), pixels)
    for wrong in (event[counts < 0], np.flatnonzero(counted != entries)):
        if len(wrong):
            place = int(wrong[0])
            least = counts[bounds[place] : bounds[place + 1]].min(initial=0)
            raise InputError(
                f"{where(place)}: counts from {least} that add up to {counted[place]} must not be "
                f"negative and add up to its {entries[place]} entries: make the file again"
            )
    return Links(offsets, rows, shares)
