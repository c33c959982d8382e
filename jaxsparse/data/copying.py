"""Files made of another file: with some of its events, or with what it says of itself."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np

from jaxsparse.data.event_file import EventFile
from jaxsparse.data.event_writer import EventWriter


def header_of(source: EventFile, views: Iterable[str]) -> dict[str, Any]:
    """What a file says of itself and some of its views, as arguments of an ``EventWriter``."""
    views = tuple(views)
    return {
        "detector": source.detector,
        "described": source.described,
        "views": {name: source.view_shapes[name] for name in views},
        "dead_wires": {name: source.dead_wires(name) for name in views},
        "class_names": source.class_names,
        "event_classes": source.event_classes,
        "axes": {name: source.axes[name] for name in views},
        "value_unit": {name: source.value_units[name] for name in views},
    }


def copy_events(source: EventFile, numbers: np.ndarray, path: Path) -> None:
    """Writes events of a file to another, in the order of ``numbers``, as often as they come."""
    header = header_of(source, source.view_shapes)
    with EventWriter(path, **header, made_by=source.attributes, compression="none") as writer:
        for number in numbers:
            writer.append(source[int(number)])
