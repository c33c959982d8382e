"""What detectors of ours say of the data of a file; nothing of others."""

from __future__ import annotations

import numpy as np

from jaxsparse.data.event_layout import VALUE_UNITS
from jaxsparse.data.schema import CLASS_NAMES, TRACK_CLASSES
from jaxsparse.evaluation.metrics.efficiency import wire_direction
from jaxsparse.simulate.microboone.detector import MICROBOONE


def track_classes(classes: tuple[str, ...]) -> tuple[int, ...] | None:
    """The classes of pixels that are tracks; ``None`` where they are not of two such sides."""
    return TRACK_CLASSES if classes == CLASS_NAMES else None


def wires(detector: str, view: str) -> np.ndarray | None:
    """Unit vector along the wires of a view; ``None`` where it is unknown."""
    if detector != MICROBOONE.name:
        return None
    angles = {plane.name: plane.angle for plane in MICROBOONE.planes}
    return wire_direction(angles[view]) if view in angles else None


def unit(detector: str, axes: int) -> str:
    """Unit of the values; empty for a detector that is not ours."""
    return VALUE_UNITS.get(axes, "") if detector == MICROBOONE.name else ""
