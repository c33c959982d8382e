"""Names, types and units of everything in an event file: shared by its writer and its reader.

``docs/formats.md`` says the same in prose, with an example of reading a file without jaxsparse.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from jaxsparse.data.schema import FURTHER, TRUTH_COLUMNS, further_name

FORMAT_NAME = "jaxsparse-events"
SCORES_FORMAT = "jaxsparse-predictions"  # of files of scores, which are often given by mistake
PARTIAL_SUFFIX = ".partial"  # the name of a file while it is being written
TOPOLOGY_BYTES = 32

# A row a pixel. ``coords`` has one column an axis, the others are flat.
PIXEL_DTYPES: dict[str, np.dtype] = {
    "coords": np.dtype(np.int32),
    "values": np.dtype(np.float32),
    **{name: column.stored for name, column in TRUTH_COLUMNS.items()},
}


def stored_column(column: str) -> tuple[str, np.dtype]:
    """Where a column of pixels is in the group of its view, and its type.

    >>> stored_column("further time")
    ('further/time', dtype('float32'))
    """
    further = further_name(column)
    return (f"further/{further}", FURTHER.stored) if further else (column, PIXEL_DTYPES[column])


# ``corners`` of a view, which may be absent: a row an event, a column an axis.
CORNER_DTYPE = np.dtype(np.int32)

# ``links/OTHER`` of a view: a count a pixel, and a row an entry.
LINK_COUNT_DTYPE = np.dtype(np.int32)
LINK_DTYPES: dict[str, np.dtype] = {"rows": np.dtype(np.int32), "shares": np.dtype(np.float32)}

# A row an event.
EVENT_DTYPES: dict[str, np.dtype] = {
    "event_id": np.dtype(np.int64),
    "label": np.dtype(np.int32),
    "topology": np.dtype(f"S{TOPOLOGY_BYTES}"),
    "energy": np.dtype(np.float32),
}
# Columns that came later: files made before them have none, and read as if all were this value.
EVENT_DEFAULTS = {"energy": np.nan}

# Numbers that name an event in its experiment's tables, int64: a file has those its source knows.
KEY_COLUMNS = ("file", "run", "subrun", "cycle", "batch", "evt", "subevt")
KEY_DTYPE = np.dtype(np.int64)
NO_KEY = -1  # a column that the event's table lacks and another one of the sample has

PARTICLE_UNITS = {
    "kinetic_energy": "MeV",
    "time": "us",
    "start": "cm",
    "end": "cm",
    "direction": "unit vector",
}

# Rows in a chunk. A compressed one is unpacked whole for any row of it: an event of 4,000 pixels is
# read 1.6 times as fast as from chunks of 16,384, and the file is 6 % larger.
PIXEL_CHUNK = 4096
# Plain ones are read row by row: larger, so that a file of a billion pixels has few of them.
PLAIN_CHUNK = 16384
EVENT_CHUNK = 4096


def partial_of(path: Path) -> Path:
    """Where the file of this path is while it is being written."""
    return path.with_name(path.name + PARTIAL_SUFFIX)
