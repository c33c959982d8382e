"""Detectors by name, class sets by the names of their classes."""

from __future__ import annotations

import functools
import importlib
import pkgutil
from collections.abc import Sequence

from jaxsparse.detectors.class_set import GHOST, GHOST_COLOUR, NO_CLASSES, ClassSet
from jaxsparse.detectors.detector import Detector
from jaxsparse.errors import InputError

_REGISTERED: dict[str, Detector] = {}


@functools.cache
def _described() -> dict[str, Detector]:
    """The detectors that the modules of this folder hold, by name and alias."""
    package = importlib.import_module("jaxsparse.detectors")
    found: dict[str, Detector] = {}
    for module in pkgutil.iter_modules(package.__path__, f"{package.__name__}."):
        for value in vars(importlib.import_module(module.name)).values():
            if isinstance(value, Detector):
                found |= dict.fromkeys(value.names, value)
    return found


def known() -> dict[str, Detector]:
    """All known detectors by name and alias.

    >>> known()["nova-far"].name, "toy" in known()
    ('nova', False)
    """
    return {**_described(), **_REGISTERED}


def register(detector: Detector) -> Detector:
    """Makes a detector known to this process, and returns it.

    Raises:
      InputError: another one has its name, or it is none.
    """
    if not isinstance(detector, Detector):
        raise InputError(
            f"detector is {detector!r}: it must be a Detector, such as "
            'Detector("mine", {"front": DetectorView(("row", "column"))})'
        )
    taken = known()
    for name in detector.names:
        if taken.get(name, detector) != detector:
            raise InputError(f"There is a detector {name!r} already: choose another name")
    _REGISTERED.update(dict.fromkeys(detector.names, detector))
    return detector


def registered(name: str) -> Detector | None:
    """The detector that this program registered by that name."""
    return _REGISTERED.get(name)


def find(name: str, described: Detector | None = None) -> Detector:
    """The detector of that name; an unknown one has the name and nothing else.

    Args:
      name: or alias.
      described: what an event file says of it, for whoever does not know the name.

    >>> find("microboone").views["U"].wire_angle, find("toy").views
    (60.0, {})
    """
    return known().get(name) or described or Detector(name, {})


def class_set(names: Sequence[str], own: ClassSet = NO_CLASSES) -> ClassSet:
    """The known set of exactly these classes, in this order; else one with colours and no more.

    A file need not be of the detector that a set was made for: classes of the same names mean the
    same. With ghosts after them they keep their colours; which are tracks is left open, for ghosts
    are neither those nor showers.

    Args:
      names: of the classes.
      own: the set of the detector that is asked about, which goes before all others.

    >>> class_set(("HIP", "MIP", "shower", "delta", "Michel")).tracks
    ('HIP', 'MIP')
    >>> class_set(("cat", "dog")).colours
    ('#d62728', '#1f77b4')
    >>> class_set(("cat", "dog", "ghost")).colours
    ('#d62728', '#1f77b4', '#dcdcd6')
    """
    if names and names[-1] == GHOST:
        colours = class_set(names[:-1], own).colours
        return ClassSet(tuple(names), (*colours, GHOST_COLOUR))
    others = (
        classes
        for detector in known().values()
        for classes in (detector.pixel_classes, detector.event_classes)
    )
    for classes in (own, *others):
        if classes.names == tuple(names):
            return classes
    return ClassSet(tuple(names))
