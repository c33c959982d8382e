"""What simulated pixel maps look like beside the public ones, for the table and the tests.

``PUBLIC`` holds what :func:`measure` gives for the 600 public events (dune-cvn, MIT licence), class
by class, so that the comparison runs without them. A figure must stay within a part of its own of
the public one, which says what the simulation is good for, and two standard deviations of what both
samples leave to chance.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Sequence

import numpy as np

from jaxsparse.data.pixels import Pixels
from jaxsparse.data.schema import Event, View
from jaxsparse.data.summary import LEVELS, active_neighbours
from jaxsparse.detectors.dune import DUNE_EVENT_CLASSES, DUNE_VIEWS
from jaxsparse.simulate.dune.generator import DuneConfig
from jaxsparse.simulate.dune.source import DuneEvents
from studies.figure import Figure, Sample

PUBLIC_EVENTS = 150  # of a class
SOURCE = "600 public events"


@dataclasses.dataclass(frozen=True)
class Quantity:
    """One number of the images of a class.

    Attributes:
      name: with its unit.
      measure: of the class's events.
      tolerance: relative, beside what chance does.
      scatter: relative standard deviation that one event alone would give.
    """

    name: str
    measure: Callable[[Sequence[Event]], float]
    tolerance: float
    scatter: float


def views_of(events: Sequence[Event], name: str = "Z") -> list[View]:
    """The views of that name that are not empty."""
    return [event.views[name] for event in events if len(event.views[name])]


def values(events: Sequence[Event]) -> np.ndarray:
    """Of all pixels of all views."""
    return np.concatenate([view.values for name in DUNE_VIEWS for view in views_of(events, name)])


def span(view: View, axis: int) -> float:
    """Pixels from the 10th to the 90th percentile of the sites along an axis."""
    low, high = np.percentile(view.coords[:, axis], [10, 90])
    return float(high - low)


def _pixels(percentile: float) -> Callable[[Sequence[Event]], float]:
    return lambda events: float(np.percentile([len(v) for v in views_of(events)], percentile))


def _median(name: str, number: Callable[[View], float]) -> Callable[[Sequence[Event]], float]:
    return lambda events: float(np.median([number(v) for v in views_of(events, name)]))


def _share(name: str, holds: Callable[[View], bool]) -> Callable[[Sequence[Event]], float]:
    return lambda events: float(np.mean([holds(v) for v in views_of(events, name)]))


def _neighbours(events: Sequence[Event]) -> float:
    views = views_of(events)
    means = [active_neighbours(view.coords, view.shape) for view in views]
    return float(np.average(means, weights=[len(view) for view in views]))


def _level(number: int) -> Callable[[Sequence[Event]], float]:
    def share(events: Sequence[Event]) -> float:
        counts = Pixels.of(views_of(events)).level_counts(LEVELS).sum(axis=0)
        return float(counts[number] / counts[0])

    return share


def _deep(events: Sequence[Event]) -> float:
    return float(np.mean(["DIS" in event.topology for event in events]))


QUANTITIES = (
    Quantity("median energy (GeV)", lambda es: float(np.median([e.energy for e in es])), 0.15, 0.8),
    Quantity("share of DIS", _deep, 0.15, 0.9),
    Quantity("pixels of Z, 25 %", _pixels(25), 0.15, 1.2),
    Quantity("pixels of Z, median", _pixels(50), 0.15, 1.2),
    Quantity("pixels of Z, 75 %", _pixels(75), 0.2, 1.4),
    Quantity("mean value", lambda es: float(values(es).mean()), 0.07, 0.2),
    Quantity("spread of values", lambda es: float(values(es).std()), 0.08, 0.25),
    Quantity("5 % of values below", lambda es: float(np.percentile(values(es), 5)), 0.15, 0.2),
    Quantity("share of 255", lambda es: float((values(es) == 255).mean()), 0.25, 1.0),
    Quantity("active neighbours, of 9", _neighbours, 0.03, 0.1),
    Quantity("sites of level 1", _level(1), 0.03, 0.05),
    Quantity("sites of level 3", _level(3), 0.06, 0.2),
    Quantity("wires of Z, 10 to 90 %", _median("Z", lambda v: span(v, 1)), 0.12, 0.5),
    Quantity("ticks of Z, 10 to 90 %", _median("Z", lambda v: span(v, 0)), 0.3, 0.7),
    Quantity("Z begins before wire 6, share", _share("Z", lambda v: v.coords[:, 1].min() < 6),
             0.06, 0.3),
    Quantity("V ends with wire 499, share", _share("V", lambda v: v.coords[:, 1].max() == 499),
             0.1, 0.6),
    Quantity("last tick of Z", _median("Z", lambda v: float(v.coords[:, 0].max())), 0.08, 0.15),
)  # fmt: skip

# What ``measure`` gives for the public events, in the order of ``DUNE_EVENT_CLASSES``.
PUBLIC = {
    "median energy (GeV)": (7.052, 3.08, 14.42, 3.273),
    "share of DIS": (0.6267, 0.4933, 0.58, 0.0),
    "pixels of Z, 25 %": (1232.0, 547.2, 1236.0, 142.2),
    "pixels of Z, median": (2402.0, 667.0, 2334.0, 371.0),
    "pixels of Z, 75 %": (3792.0, 937.5, 4126.0, 890.0),
    "mean value": (66.53, 52.76, 62.3, 57.67),
    "spread of values": (61.7, 44.62, 55.72, 50.38),
    "5 % of values below": (11.0, 14.0, 12.0, 12.0),
    "share of 255": (0.04572, 0.01505, 0.03015, 0.01998),
    "active neighbours, of 9": (3.052, 2.959, 3.023, 2.911),
    "sites of level 1": (0.6331, 0.616, 0.6292, 0.6426),
    "sites of level 3": (0.1659, 0.1829, 0.1718, 0.204),
    "wires of Z, 10 to 90 %": (255.0, 380.0, 286.0, 194.8),
    "ticks of Z, 10 to 90 %": (85.0, 116.1, 106.8, 114.6),
    "Z begins before wire 6, share": (1.0, 1.0, 1.0, 0.9867),
    "V ends with wire 499, share": (0.6, 0.9, 0.7267, 0.6867),
    "last tick of Z": (460.0, 450.0, 482.5, 433.5),
}


def measure(events: Sequence[Event], quantity: Quantity) -> list[float]:
    """A quantity by class, in the order of ``DUNE_EVENT_CLASSES``."""
    return [
        quantity.measure([event for event in events if event.label == label])
        for label in range(len(DUNE_EVENT_CLASSES))
    ]


def simulated(number: int, seed: int = 1) -> list[Event]:
    """Events of all classes in equal parts."""
    source = DuneEvents(DuneConfig(), seed=seed)
    return [source[index] for index in range(number)]


def images(events: Sequence[Event]) -> Sample:
    """Every quantity of every class beside the public one, and the arrays that the plots draw.

    Args:
      events: of all classes.
    """
    figures = []
    curves = {"values": values(events)}
    counts = np.bincount([event.label for event in events], minlength=len(DUNE_EVENT_CLASSES))
    for quantity in QUANTITIES:
        here = measure(events, quantity)
        for name, count, value, public in zip(
            DUNE_EVENT_CLASSES, counts, here, PUBLIC[quantity.name], strict=True
        ):
            chance = 2.0 * quantity.scatter * math.sqrt(1.0 / PUBLIC_EVENTS + 1.0 / count)
            part = (quantity.tolerance + chance) * public
            figures.append(
                Figure(f"{quantity.name}, {name}", value, public, public - part, public + part,
                       SOURCE)
            )  # fmt: skip
    for label, name in enumerate(DUNE_EVENT_CLASSES):
        own = [event for event in events if event.label == label]
        curves[f"{name}_pixels"] = np.array([len(view) for view in views_of(own)])
        curves[f"{name}_energy"] = np.array([event.energy for event in own])
        curves[f"{name}_values"] = values(own)
    return Sample(figures, curves)
