"""Detectors by name, class sets by the names of their classes."""

from __future__ import annotations

import functools
import importlib
import pkgutil
from collections.abc import Sequence

from jaxsparse.detectors.class_set import ClassSet
from jaxsparse.detectors.detector import Detector
from jaxsparse.detectors.stored import to_text
from jaxsparse.errors import InputError

_REGISTERED: dict[str, Detector] = {}  # by this program, or by a file that it opened


@functools.cache
def _described() -> dict[str, Detector]:
    """The detectors that the modules of this folder hold, by name and alias."""
    package = importlib.import_module("jaxsparse.detectors")
    found: dict[str, Detector] = {}
    for module in pkgutil.iter_modules(package.__path__, f"{package.__name__}."):
        for value in vars(importlib.import_module(module.name)).values():
            if isinstance(value, Detector):
                found |= dict.fromkeys((value.name, *value.aliases), value)
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
      InputError: another one has its name.
    """
    names = (detector.name, *detector.aliases)
    for name in names:
        if known().get(name, detector) != detector:
            raise InputError(f"There is a detector {name!r} already: choose another name")
    _REGISTERED.update(dict.fromkeys(names, detector))
    return detector


def learn(detector: Detector) -> None:
    """Makes a detector known that a file describes; what is known of its names already stands."""
    for name in (detector.name, *detector.aliases):
        if name not in known():
            _REGISTERED[name] = detector


def description(name: str) -> str:
    """What a file should say of a detector: nothing of those that this package describes."""
    return to_text(_REGISTERED[name]) if name in _REGISTERED else ""


def find(name: str) -> Detector:
    """The detector of that name; an unknown one has the name and nothing else.

    >>> find("microboone").views["U"].wire_angle, find("toy").views
    (60.0, {})
    """
    return known().get(name) or Detector(name, {})


def class_set(names: Sequence[str]) -> ClassSet:
    """The known set of exactly these classes, in this order; else one with colours and no more.

    A file need not be of the detector that a set was made for: classes of the same names mean the
    same.

    >>> class_set(("HIP", "MIP", "shower", "delta", "Michel")).tracks
    ('HIP', 'MIP')
    >>> class_set(("cat", "dog")).colours
    ('#d62728', '#1f77b4')
    """
    for detector in known().values():
        for classes in (detector.pixel_classes, detector.event_classes):
            if classes.names == tuple(names):
                return classes
    return ClassSet(tuple(names))
