"""Events without the particles that no pixel names: of a window's file they were four fifths."""

from __future__ import annotations

import dataclasses

import numpy as np

from jaxsparse.data.schema import TRUTH_COLUMNS, Event


def keep_named(event: Event) -> Event:
    """The event with the particles that its pixels name, their ancestors, and all primaries.

    Args:
      event: of any detector; rows of particles are in its pixels and in the particle table itself.

    Returns:
      The same pixels; rows are numbered anew, in the old order.
    """
    particles = event.particles
    if not len(particles):
        return event  # numbers of instances alone
    columns = [name for name, column in TRUTH_COLUMNS.items() if column.number_of == "particle row"]
    kept = particles["parent"] < 0
    for view in event.views.values():
        for name in columns:
            if (rows := getattr(view, name)) is not None:
                kept[rows[rows >= 0]] = True
    before = -1
    while before != (before := int(kept.sum())):  # every pass goes one generation up
        for name in ("parent", "instance"):
            rows = particles[name][kept]
            kept[rows[rows >= 0]] = True

    new_row = np.append(np.cumsum(kept, dtype=np.int32) - 1, np.int32(-1))  # the last: of none
    table = particles[kept]
    for name in ("parent", "instance"):
        table[name] = new_row[table[name]]
    views = {}
    for key, view in event.views.items():
        present = {name: getattr(view, name) for name in columns}
        numbered = {name: new_row[rows] for name, rows in present.items() if rows is not None}
        views[key] = dataclasses.replace(view, **numbered)
    return dataclasses.replace(event, particles=table, views=views)
