"""Pairs of fragments that learned edges link, and what tells whether both are of one particle.

A feature is the same whichever of the two comes first, and whatever the order of pixels: lengths,
angles, sizes, charges, scores. Directions are those of the pixels within some distance of the place
where the two are nearest to each other, because tracks bend and fragments have arms.
"""

from __future__ import annotations

import dataclasses

import numpy as np

from jaxsparse.inference.grouping.edges import SortedPairs
from jaxsparse.inference.grouping.numbers import UNIT
from jaxsparse.inference.grouping.seen import Edges, SeenView

AROUND = 12  # pixels, within which a fragment's direction is taken


@dataclasses.dataclass(frozen=True)
class FragmentPairs:
    """Pairs of fragments.

    Attributes:
      one, other: int64 ``[pairs]``, fragments, ``one`` below ``other``; each pair once.
      member: int64 ``[across]``, which pair each pair of pixels across is of.
      across: int64 ``[across]``, which of the pairs of pixels lie across.
      features: float64 ``[pairs, features]``.
    """

    one: np.ndarray
    other: np.ndarray
    member: np.ndarray
    across: np.ndarray
    features: np.ndarray

    @classmethod
    def of(cls, pixels: SortedPairs, fragment: np.ndarray) -> FragmentPairs:
        """The pairs of one view.

        Args:
          pixels: with their pairs.
          fragment: int64 ``[pixels]``, from 0 on.
        """
        across = np.flatnonzero(fragment[pixels.one] != fragment[pixels.other])
        ends = np.stack([pixels.one[across], pixels.other[across]])
        ends = np.take_along_axis(ends, np.argsort(fragment[ends], axis=0), axis=0)
        low, high = fragment[ends]
        number = int(fragment.max(initial=0)) + 1
        keys, member = np.unique(low * number + high, return_inverse=True)
        one, other = np.divmod(keys, number)

        squares = ((pixels.coords[ends[0]] - pixels.coords[ends[1]]) ** 2).sum(1)
        order = np.lexsort((ends[1], ends[0], squares, member))
        first = order[np.unique(member[order], return_index=True)[1]]
        near = ends[:, first]  # the nearest two pixels of every pair
        sides = [
            _Side.of(pixels, fragment, of, at) for of, at in zip((one, other), near, strict=True)
        ]
        step = (pixels.coords[near[1]] - pixels.coords[near[0]]).astype(np.float64)
        features = [*_geometry(step, *sides), *_scores(pixels.same[across], member, len(keys))]
        return cls(one, other, member, across, np.stack([*features, *_classes(*sides)], axis=1))


def number_of_features(classes: int) -> int:
    """Of a pair, for a network that names so many classes of pixels.

    >>> number_of_features(5)
    31
    """
    none = np.zeros(0, np.int64)
    view = SeenView(np.zeros((0, 2), np.int64), np.zeros((0, classes)))
    pixels = SortedPairs.of(view, Edges(none, none, np.zeros(0)))
    return FragmentPairs.of(pixels, none).features.shape[1]


@dataclasses.dataclass(frozen=True)
class _Side:
    """One fragment of every pair: all of it, and its pixels around the nearest one.

    Attributes:
      size: float64 ``[pairs]``, pixels; ``near`` those around.
      charge: float64 ``[pairs]``, mean value.
      classes: float64 ``[pairs, classes]``, mean scores.
      middle: float64 ``[pairs, 2]``, mean place of those around, counted from the nearest pixel.
      direction: float64 ``[pairs, 2]``, unit vector of their largest spread.
      straight: float64 ``[pairs]``, 0 round to 1 a line.
    """

    size: np.ndarray
    near: np.ndarray
    charge: np.ndarray
    classes: np.ndarray
    middle: np.ndarray
    direction: np.ndarray
    straight: np.ndarray

    @classmethod
    def of(
        cls, pixels: SortedPairs, fragment: np.ndarray, chosen: np.ndarray, at: np.ndarray
    ) -> _Side:
        size = np.bincount(fragment)
        sums = [np.bincount(fragment, row) for row in (pixels.values, *pixels.scores.T)]
        charge, *classes = [row / size for row in sums]
        order, first = np.argsort(fragment, kind="stable"), np.cumsum(size) - size
        # Every pixel of the fragment of every pair, those of a pair one after the other.
        pair = np.repeat(np.arange(len(chosen)), size[chosen])
        place = np.arange(len(pair)) - np.repeat(
            np.cumsum(size[chosen]) - size[chosen], size[chosen]
        )
        away = pixels.coords[order[first[chosen][pair] + place]] - pixels.coords[at][pair]
        around = (away**2).sum(1) <= AROUND**2
        pair, away = pair[around], away[around]

        def sums_of(column: np.ndarray) -> np.ndarray:  # of whole numbers, exact in any order
            return np.bincount(pair, column, len(chosen))

        near, (x, y) = sums_of(np.ones(len(pair))), away.T
        middle = np.stack([sums_of(x), sums_of(y)], axis=1) / near[:, None]
        xx, xy, yy = (
            sums_of(a * b) / near - middle[:, i] * middle[:, j]
            for a, b, i, j in ((x, x, 0, 0), (x, y, 0, 1), (y, y, 1, 1))
        )
        angle = np.arctan2(2 * xy, xx - yy) / 2
        straight = np.hypot(xx - yy, 2 * xy) / (xx + yy + 0.1)
        direction = np.stack([np.cos(angle), np.sin(angle)], axis=1)
        of_classes = np.stack(classes, axis=1)[chosen]
        return cls(size[chosen], near, charge[chosen], of_classes, middle, direction, straight)


def _geometry(step: np.ndarray, one: _Side, other: _Side) -> list[np.ndarray]:
    """The gap, angles between both directions and the way across, ends, sizes and charges."""
    way = step + other.middle - one.middle
    length = np.hypot(*way.T)
    unit = way / np.maximum(length, 1e-9)[:, None]
    between = np.abs((one.direction * other.direction).sum(1))
    along = [side.straight * np.abs((unit * side.direction).sum(1)) for side in (one, other)]
    ends = [np.abs((side.middle * side.direction).sum(1)) / AROUND for side in (one, other)]
    return [
        np.log(np.hypot(*step.T)),
        np.log1p(length),
        between,
        between * np.minimum(one.straight, other.straight),
        *_both(*along),
        *_both(*ends),
        *_both(one.straight, other.straight),
        *_both(np.log(one.size), np.log(other.size)),
        *_both(np.log(one.near), np.log(other.near)),
        *_both(np.log(one.charge + 1), np.log(other.charge + 1)),
        np.abs(np.log((one.charge + 1) / (other.charge + 1))),
    ]


def _scores(same: np.ndarray, member: np.ndarray, pairs: int) -> list[np.ndarray]:
    """How many pairs of pixels there are across, and their mean, least and largest probability."""
    number = np.bincount(member, minlength=pairs)
    units = np.rint(same * UNIT)  # so that the order of pairs does not matter
    least, most = np.ones(pairs), np.zeros(pairs)
    np.minimum.at(least, member, same)
    np.maximum.at(most, member, same)
    return [np.log(number), np.bincount(member, units, pairs) / number / UNIT, least, most]


def _classes(one: _Side, other: _Side) -> list[np.ndarray]:
    """Of every class the product of both mean scores and their difference."""
    return [*(one.classes * other.classes).T, *np.abs(one.classes - other.classes).T]


def _both(one: np.ndarray, other: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    return np.minimum(one, other), np.maximum(one, other)
