"""Classes of whole events: their shares, a draw of one, and what an event began with."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Sequence

import numpy as np

from jaxsparse.errors import InputError
from jaxsparse.simulate.draws import choose

Classes = tuple[tuple[str, float], ...]  # names and shares


@dataclasses.dataclass(frozen=True)
class Origin:
    """What an event began with.

    Attributes:
      event_class: its name, ``""`` for a particle gun.
      topology: what happened in words.
      energy: GeV of the neutrino, NaN without one.
    """

    event_class: str
    topology: str
    energy: float = math.nan


def check_classes(classes: Classes, known: Sequence[str]) -> None:
    """Refuses shares that nothing can be drawn from.

    Raises:
      InputError: a class not ``known``, one named twice, shares that are negative or all 0.
    """
    names = [name for name, _ in classes]
    for name in names:
        if name not in known:
            raise InputError(f"classes has {name!r}: choose some of {', '.join(known)}")
    if len(set(names)) < len(names):
        raise InputError(f"classes is {','.join(names)}: name each once")
    shares = [share for _, share in classes]
    if not all(math.isfinite(x) and x >= 0.0 for x in shares) or sum(shares) <= 0.0:
        raise InputError(f"classes has shares {shares}: need numbers >= 0, not all 0")


def draw_class(classes: Classes, rng: np.random.Generator) -> str:
    """A class, by the shares.

    >>> draw_class((("nue", 0.0), ("nc", 2.0)), np.random.default_rng(0))
    'nc'
    """
    return classes[choose(np.array([share for _, share in classes]), rng)][0]
