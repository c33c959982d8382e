"""Some events of a file as a file of their own."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from jaxsparse.data.event_file import EventFile
from jaxsparse.data.event_writer import EventWriter


def copy_events(source: EventFile, numbers: np.ndarray, path: Path) -> None:
    """Writes events of a file to another, in the order of ``numbers``, as often as they come."""
    with EventWriter(
        path, detector=source.detector, described=source.described, views=source.view_shapes,
        made_by=source.attributes,
        dead_wires={name: source.dead_wires(name) for name in source.view_shapes},
        class_names=source.class_names, event_classes=source.event_classes,
        axes=source.axes, value_unit=source.value_units, compression="none",
    ) as writer:  # fmt: skip
        for number in numbers:
            writer.append(source[int(number)])
