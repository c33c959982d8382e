"""The columns of an event file that is written: they grow event by event, in bounded memory."""

from __future__ import annotations

import json

import h5py
import numpy as np

from jaxsparse.data.event_layout import (
    CORNER_DTYPE,
    EVENT_CHUNK,
    EVENT_DTYPES,
    KEY_COLUMNS,
    KEY_DTYPE,
    NO_KEY,
    PARTICLE_UNITS,
    PIXEL_CHUNK,
    PIXEL_DTYPES,
    PLAIN_CHUNK,
)
from jaxsparse.data.growing_table import GrowingTable, RaggedTable
from jaxsparse.data.schema import FURTHER, PARTICLE_DTYPE, TRUTH_COLUMNS, Event, View
from jaxsparse.data.stored_links import LinkTable
from jaxsparse.errors import InputError


class EventTables:
    """All columns of a file; the first event decides which there are.

    Args:
      file: open for writing, with a group a view.
      first: the first event, of the types that are stored, as all others.
      compression: of pixels and particles, ``"gzip"`` or ``"none"``.
    """

    def __init__(self, file: h5py.File, first: Event, compression: str):
        self._truth = {name: _truth_of(view) for name, view in first.views.items()}
        self._key_names = tuple(name for name in KEY_COLUMNS if name in first.keys)
        events = file.create_group("events")
        self._events = GrowingTable(events, EVENT_DTYPES, EVENT_CHUNK)
        self._keys = GrowingTable(events, dict.fromkeys(self._key_names, KEY_DTYPE), EVENT_CHUNK)
        self._particles = RaggedTable(
            file.create_group("particles"), dtypes={"table": PARTICLE_DTYPE}, chunk=EVENT_CHUNK,
            compression=compression,
        )  # fmt: skip
        file["particles/table"].attrs["units"] = json.dumps(PARTICLE_UNITS)
        chunk = PLAIN_CHUNK if compression == "none" else PIXEL_CHUNK
        self._views = {
            name: RaggedTable(
                file[f"views/{name}"],
                dtypes={column: PIXEL_DTYPES[column] for column in ("coords", "values", *truth)},
                chunk=chunk,
                widths={"coords": len(first.views[name].shape)},
                compression=compression,
            )
            for name, truth in self._truth.items()
        }
        self._further = {
            name: GrowingTable(
                file.create_group(f"views/{name}/further"),
                dict.fromkeys(view.further, FURTHER.stored), chunk, compression=compression,
            )
            for name, view in first.views.items()
            if view.further
        }  # fmt: skip
        self._corners = {
            name: GrowingTable(
                file[f"views/{name}"], {"corners": CORNER_DTYPE}, EVENT_CHUNK,
                widths={"corners": len(view.shape)},
            )
            for name, view in first.views.items()
            if view.corner is not None
        }  # fmt: skip
        self._links = {
            (name, to): LinkTable(
                file.create_group(f"views/{name}/links/{to}"), chunk=chunk, compression=compression
            )
            for name, view in first.views.items()
            for to in view.links
        }

    def check(self, event: Event, where: str) -> None:
        """Refuses an event with other columns than the first one's."""
        if set(event.keys) != set(self._key_names):
            raise InputError(
                f"{where}: keys {sorted(event.keys)} differ from those of the first event, "
                f"{sorted(self._key_names)}: give the same ones for every event of a file, "
                f"{NO_KEY} where there is none"
            )
        for name, view in event.views.items():
            if _truth_of(view) != self._truth[name]:
                raise InputError(
                    f"{where}, view {name}: truth columns {sorted(_truth_of(view))} differ from "
                    "those of the first event: give the same truth columns for every event of a "
                    "file"
                )
            if (view.corner is not None) != (name in self._corners):
                has, first = ("no", "a") if view.corner is None else ("a", "no")
                raise InputError(
                    f"{where}, view {name}: {has} corner, but the first event has {first} corner: "
                    "give one for every event of a file or for none"
                )
            names = self._further[name].names if name in self._further else ()
            if set(view.further) != set(names):
                raise InputError(
                    f"{where}, view {name}: further values {sorted(view.further)} differ from "
                    f"those of the first event, {sorted(names)}: give the same ones for every "
                    "event of a file, NaN where there is none"
                )
            links = {to for other, to in self._links if other == name}
            if set(view.links) != links:
                raise InputError(
                    f"{where}, view {name}: links to {sorted(view.links)} differ from those of the "
                    f"first event, to {sorted(links)}: give the same links for every event of a "
                    "file, Links.none(pixels) where there is none"
                )

    def append(self, event: Event) -> None:
        """Adds an event that :meth:`check` lets pass."""
        for name, view in event.views.items():
            columns = {
                column: getattr(view, column).view(PIXEL_DTYPES[column])
                for column in self._views[name].names
            }
            self._views[name].append(columns)
        for name, further in self._further.items():
            further.append(event.views[name].further)
        for name, corners in self._corners.items():
            corners.append({"corners": np.array([event.views[name].corner], CORNER_DTYPE)})
        for (name, to), table in self._links.items():
            table.append(event.views[name].links[to])
        self._particles.append({"table": event.particles})
        self._keys.append({name: np.array([event.keys[name]]) for name in self._key_names})
        self._events.append(
            {
                "event_id": np.array([event.event_id], EVENT_DTYPES["event_id"]),
                "label": np.array([event.label], EVENT_DTYPES["label"]),
                "topology": np.array([event.topology.encode()], EVENT_DTYPES["topology"]),
                "energy": np.array([event.energy], EVENT_DTYPES["energy"]),
            }
        )

    def flush(self) -> None:
        """Writes the rows that do not fill a chunk."""
        for links in self._links.values():
            links.flush()
        views = (self._views, self._further, self._corners)
        tables = [table for view in views for table in view.values()]
        for table in (*tables, self._particles, self._events, self._keys):
            table.flush()


def _truth_of(view: View) -> tuple[str, ...]:
    return tuple(name for name in TRUTH_COLUMNS if getattr(view, name) is not None)
