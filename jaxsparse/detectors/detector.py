"""A detector as files, evaluation and pictures see it; its physics is the simulation's."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping

from jaxsparse.detectors.class_set import NO_CLASSES, ClassSet
from jaxsparse.detectors.declared import edges, finite, number
from jaxsparse.detectors.neutrinos import NeutralCurrents, TopologyWords
from jaxsparse.errors import InputError
from jaxsparse.integers import integer, positive

CANDIDATES = "candidates"  # the view of sites in three dimensions that other views agree on

# What an evaluation tells events apart by whatever the detector is.
_TAKEN = ("energy", "topology")


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
      InputError: ``axes`` is no tuple of texts, ``across`` is no axis, ``low`` is above
        ``high``, ``std`` is not positive, or something is no number.
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
        if isinstance(self.axes, str) or not all(isinstance(axis, str) for axis in self.axes):
            raise InputError(
                f"axes is {self.axes!r:.60}: it must be a tuple of texts, one an axis, such as "
                '("row", "column")'
            )
        object.__setattr__(self, "axes", tuple(self.axes))
        object.__setattr__(self, "across", integer("across", self.across))
        if not 0 <= self.across < max(len(self.axes), 2):
            raise InputError(
                f"across is {self.across}: it must be the number of one of the axes "
                f"{', '.join(self.axes)}, counted from 0"
            )
        shape = tuple(positive("shape", size) for size in self.shape)
        object.__setattr__(self, "shape", shape)
        for name, read in (("low", number), ("high", number), ("mean", finite), ("std", finite)):
            object.__setattr__(self, name, read(name, getattr(self, name)))
        if self.wire_angle is not None:
            object.__setattr__(self, "wire_angle", finite("wire_angle", self.wire_angle))
        if self.low > self.high:
            raise InputError(f"low is {self.low:g}: it must not be above high, {self.high:g}")
        if self.std <= 0:
            raise InputError(f"std is {self.std:g}: it must be positive, 1 leaves values alone")


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
      smallest_instance: particles of fewer pixels in a view are too small to be told apart;
        figures of instances leave them out.

    Raises:
      InputError: edges that are none, a profile by a name that every detector has, a drift that
        is not three numbers, or a smallest instance that is no positive number.
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
    smallest_instance: int = 5

    def __post_init__(self) -> None:
        least = positive("smallest_instance", self.smallest_instance)
        object.__setattr__(self, "smallest_instance", least)
        object.__setattr__(self, "energy_edges", edges("energy_edges", self.energy_edges))
        if self.drift is not None:
            drift = tuple(finite("drift", part) for part in self.drift)
            if len(drift) != 3:
                raise InputError(f"drift is {drift}: it must be three numbers, along x, y and z")
            object.__setattr__(self, "drift", drift)
        for name in _TAKEN:
            if name in self.topology_words:
                raise InputError(
                    f"topology_words has {name!r}: every detector has such a profile, choose "
                    "another name"
                )

    @property
    def names(self) -> tuple[str, ...]:
        """All names that event files give it."""
        return (self.name, *self.aliases)

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
