"""A detector as files, evaluation and pictures see it; its physics is the simulation's."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping

from jaxsparse.detectors.class_set import NO_CLASSES, ClassSet
from jaxsparse.detectors.neutrinos import NeutralCurrents, TopologyWords
from jaxsparse.errors import InputError


@dataclasses.dataclass(frozen=True)
class DetectorView:
    """One view: an image of pixels.

    Attributes:
      axes: what the axes count, rows first, for example ``("plane", "cell")``.
      unit: of the values; empty if they have none.
      shape: the full image; empty if it varies.
      low, high: values of the pixels that networks see, both inclusive; the rest is masked.
      mean, std: networks see ``(value - mean) / std``.
      across: the axis that pictures draw from left to right.
      wire_angle: degrees between the wires and the vertical; ``None`` without wires.

    Raises:
      InputError: ``across`` is no axis.
    """

    axes: tuple[str, ...]
    unit: str = ""
    shape: tuple[int, ...] = ()
    low: float = 0.0
    high: float = math.inf
    mean: float = 0.0
    std: float = 1.0
    across: int = 1
    wire_angle: float | None = None

    def __post_init__(self) -> None:
        if not 0 <= self.across < max(len(self.axes), 2):
            raise InputError(
                f"across is {self.across}: it must be the number of one of the axes "
                f"{', '.join(self.axes)}, counted from 0"
            )


@dataclasses.dataclass(frozen=True)
class Detector:
    """A detector.

    Attributes:
      name: as event files state it.
      views: by name, in order.
      pixel_classes, event_classes: of single pixels and of whole events; maybe none.
      drift: unit vector along which charge drifts; ``None`` where none does.
      aliases: other names that event files give it.
      energy_edges: GeV, of the bins of neutrino energy that an evaluation counts in.
      topology_words: by name of the profile, see
        :class:`~jaxsparse.detectors.neutrinos.TopologyWords`.
      neutral_currents: what they are taken for; ``None`` where that is no question.
    """

    name: str
    views: Mapping[str, DetectorView]
    pixel_classes: ClassSet = NO_CLASSES
    event_classes: ClassSet = NO_CLASSES
    drift: tuple[float, float, float] | None = None
    aliases: tuple[str, ...] = ()
    energy_edges: tuple[float, ...] = (0, 1, 1.5, 2, 2.5, 3, 4, 6, 10, 20, math.inf)
    topology_words: Mapping[str, TopologyWords] = dataclasses.field(default_factory=dict)
    neutral_currents: NeutralCurrents | None = None

    def view(self, name: str, dim: int) -> DetectorView:
        """The view of that name; if there is none, one of ``dim`` axes of which nothing is known.

        >>> Detector("toy", {}).view("top", 3).axes
        ('x', 'y', 'z')
        """
        own = self.views.get(name)
        if own is not None and len(own.axes) == dim:
            return own
        axes = {2: ("row", "column"), 3: ("x", "y", "z")}
        return DetectorView(axes.get(dim, tuple(f"axis {number}" for number in range(dim))))
