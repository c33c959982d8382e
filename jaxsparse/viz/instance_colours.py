"""Colours of instances: one a particle, the same in all views and for what was predicted of it."""

from __future__ import annotations

import colorsys
import dataclasses
from collections.abc import Sequence

import numpy as np

NOBODY = -1
# Far from every colour of a class (jaxsparse.detectors.palette), from the greys, and from each
# other: greedily the largest CIELAB distances. Nobody shall take a particle for a class.
PARTICLES = (
    "#0000ff", "#ff1ef0", "#00e600", "#3c4b00", "#00e6ac", "#f0b478", "#ff0078", "#69004b",
    "#008769", "#0069ff", "#690000",
)  # fmt: skip
GOLDEN = 0.618034  # of a turn: hues that are never close for long


@dataclasses.dataclass(frozen=True)
class InstanceColours:
    """Numbers of colours of the pixels of one view.

    Attributes:
      true: int64 ``[pixels]``; -1 for a pixel of no true instance.
      predicted: int64 ``[pixels]``: the colour of the true instance that the predicted one shares
        most pixels with; a colour of its own where it shares none, -1 for a pixel of no predicted
        instance.
      wrong: bool ``[pixels]``: the pixel has a true instance and is not in the predicted one that
        has most of it in this view.
    """

    true: np.ndarray
    predicted: np.ndarray
    wrong: np.ndarray


def coloured(true: Sequence[np.ndarray], predicted: Sequence[np.ndarray]) -> list[InstanceColours]:
    """The colours of all views of one event.

    Args:
      true: of every view the true instance of each pixel, -1 for none.
      predicted: of every view the predicted one.

    >>> (view,) = coloured([np.array([5, 5, 5, 3, -1])], [np.array([0, 0, 1, 0, -1])])
    >>> view.true.tolist(), view.predicted.tolist(), view.wrong.tolist()
    ([0, 0, 0, 1, -1], [0, 0, 0, 0, -1], [False, False, True, True, False])
    >>> coloured([np.array([5, 5, -1])], [np.array([7, 7, 4])])[0].predicted.tolist()
    [0, 0, 1]
    """
    everyone = np.concatenate([np.zeros(0, np.int64), *true])
    particles, sizes = np.unique(everyone[everyone >= 0], return_counts=True)
    colour = np.empty(len(particles), np.int64)
    colour[np.argsort(-sizes, kind="stable")] = np.arange(len(particles))  # large ones first

    own = [_places(particles, view) for view in true]
    groups = np.unique(np.concatenate([np.zeros(0, np.int64), *predicted]))
    groups = groups[groups >= 0]
    called = [_places(groups, view) for view in predicted]
    best = _most_shared(np.concatenate(called), np.concatenate(own), len(groups))
    shade = np.append(colour, NOBODY)[best]
    shade[best == NOBODY] = len(particles) + np.arange((best == NOBODY).sum())
    views = []
    for one, two in zip(own, called, strict=True):
        owner = np.append(best, NOBODY)[two]  # of each pixel by what it is called
        right = owner == one
        largest = _most_shared(one[right], two[right], len(particles))
        wrong = (one >= 0) & (~right | (np.append(largest, NOBODY)[one] != two))
        shown = np.append(colour, NOBODY)[one], np.append(shade, NOBODY)[two]
        views.append(InstanceColours(*shown, wrong))
    return views


def colours_of(numbers: np.ndarray, none: tuple[float, float, float, float]) -> np.ndarray:
    """Float ``[pixels, 4]``; the first numbers get colours that are told apart most easily."""
    from matplotlib.colors import to_rgba

    shades = [to_rgba(name) for name in PARTICLES]
    for number in range(len(shades), int(numbers.max(initial=NOBODY)) + 1):
        hue, light = GOLDEN * number % 1, (0.35, 0.6, 0.47)[number % 3]
        shades.append((*colorsys.hls_to_rgb(hue, light, 1.0), 1.0))
    return np.array([*shades, none])[numbers]


def _places(numbers: np.ndarray, values: np.ndarray) -> np.ndarray:
    """Places of values in sorted numbers, -1 of negative ones."""
    return np.where(values >= 0, np.searchsorted(numbers, values), NOBODY)


def _most_shared(own: np.ndarray, other: np.ndarray, number: int) -> np.ndarray:
    """Of each of ``number`` instances the other one that shares most pixels, the first of equals;
    -1 for none.
    """
    both = (own >= 0) & (other >= 0)
    span = int(other.max(initial=0)) + 1
    keys, shared = np.unique(own[both] * span + other[both], return_counts=True)
    order = np.argsort(-shared, kind="stable")[::-1]  # the most shared is written last
    best = np.full(number, NOBODY)
    best[keys[order] // span] = keys[order] % span
    return best
