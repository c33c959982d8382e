"""Which track set off an instance: delta rays and Michel electrons by the places of pixels.

A delta ray leaves its track anywhere, a Michel electron begins where one ends. So an instance of
such a class belongs to the nearest track, of which for the second kind the ends alone count. An
end is what lies near one of the two pixels of a track that are furthest from each other: found by
going to the pixel furthest from the centre, from there to the furthest, and once more, which for
a path is exact (double sweep).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from jaxsparse.inference.grouping.near import Near
from jaxsparse.inference.grouping.seen import NOBODY, SeenEvent

if TYPE_CHECKING:  # model files have a copy of this package without what is beside it
    from jaxsparse.detectors import ClassSet

# As far as pairs of pixels go, across gaps of dead wires. Of the true deltas of 150 training events
# 0.965 find their track within 40 pixels, 0.952 within 14 and 0.945 within 10.
REACH = 40  # pixels, the longest distance of an instance from its track
END = 8  # pixels, how far an end of a track goes
LEAST = 5  # pixels of a track in a view; crumbs of tracks lie everywhere

# One row a predicted instance of an event, by number. ``parent`` is the number of another, or -1.
TOLD_DTYPE = np.dtype([("instance", np.int32), ("class", np.int8), ("parent", np.int32)])


class Kinds(NamedTuple):
    """Numbers of classes of pixels: which are tracks, which tracks set off, which is no particle's.

    Attributes:
      tracks: without any nothing has a parent.
      along_tracks: set off anywhere on the way of a track, as delta rays.
      at_track_ends: that begin where a track ends, as Michel electrons.
      ghost: of candidates in three dimensions at which nothing was left; None where there is none.
    """

    tracks: tuple[int, ...] = ()
    along_tracks: tuple[int, ...] = ()
    at_track_ends: tuple[int, ...] = ()
    ghost: int | None = None

    @classmethod
    def of(cls, classes: ClassSet) -> Kinds:
        """Those of named classes.

        >>> from jaxsparse.detectors import class_set
        >>> Kinds.of(class_set(("HIP", "MIP", "shower", "delta", "Michel")))
        Kinds(tracks=(0, 1), along_tracks=(3,), at_track_ends=(4,), ghost=None)
        """
        along, ends = classes.numbers(classes.along_tracks), classes.numbers(classes.at_track_ends)
        return cls(classes.track_numbers, along, ends, classes.ghost)


def instance_parents(
    event: SeenEvent,
    numbers: Sequence[np.ndarray],
    classes: Sequence[np.ndarray],
    kinds: Kinds,
    reach: int = REACH,
    end: int = END,
    least: int = LEAST,
) -> list[np.ndarray]:
    """The track that the instance of every pixel belongs to, where it is of a class that has one.

    Every pixel of an instance looks for the nearest pixel of a track within the reach (straight
    line; the first in lexicographic order of equals). The parent is the track with the nearest such
    pixel, where all that touch (the 3 x 3 neighbours) are equally near; of equals that which most
    pixels found at that distance, then the lowest number. Views of a number count together.

    Args:
      event: with the coordinates.
      numbers: of every view int ``[pixels]``, instances, -1 for none.
      classes: of every view int ``[pixels]``, the class of the pixel's instance
        (:func:`~jaxsparse.inference.grouping.numbers.instance_classes`).
      kinds: which classes are tracks, and which these set off.
      reach: pixels.
      end: pixels.
      least: pixels of a view that are a track; fewer are nobody's parent.

    Returns:
      One array a view, int32 ``[pixels]``: the number of the parent; -1 for none, and for a pixel
      of no instance.

    >>> from jaxsparse.inference.grouping.seen import SeenView
    >>> kinds = Kinds(tracks=(0,), along_tracks=(1,))
    >>> coords = np.array([[0, 0], [0, 1], [1, 1], [60, 0]])
    >>> event, number = SeenEvent((SeenView(coords, np.ones((4, 2))),)), np.array([7, 7, 4, 5])
    >>> label = np.array([0, 0, 1, 1])
    >>> instance_parents(event, [number], [label], kinds, least=2)[0].tolist()
    [-1, -1, 7, -1]
    """
    found = [np.zeros((0, 3), np.int64)]
    for view, number, label in zip(event.views, numbers, classes, strict=True):
        order = np.lexsort(view.coords.T[::-1])
        coords, number, label = view.coords[order].astype(np.int64), number[order], label[order]
        _, member, size = np.unique(number, return_inverse=True, return_counts=True)
        large = (number >= 0) & (size[member] >= least)
        track = large & np.isin(label, kinds.tracks)
        for set_off, place in (
            (kinds.along_tracks, track),
            (kinds.at_track_ends, _ends(coords, number, track, end)),
        ):
            child = np.isin(label, set_off) & (number >= 0)
            found.append(_steps(coords, number, child, place, reach))
    parent = _nearest(np.concatenate(found), [int(view.max(initial=NOBODY)) for view in numbers])
    return [np.where(view >= 0, parent[view], NOBODY).astype(np.int32) for view in numbers]


def told_particles(
    numbers: Sequence[np.ndarray],
    classes: Sequence[np.ndarray],
    parents: Sequence[np.ndarray],
    real: Sequence[np.ndarray],
) -> np.ndarray:
    """The predicted instances of an event that have a pixel of the file.

    Args:
      numbers, classes, parents: of every view int ``[pixels]``, of the pixel's instance.
      real: of every view bool ``[pixels]``, false of the empty pixels that a halo adds.

    Returns:
      ``TOLD_DTYPE`` ``[instances]``, by number; an instance of empty pixels alone is none, and is
      nobody's parent.

    >>> one, two = np.array([0, 0, 1]), np.array([-1, -1, 0])
    >>> told_particles([one], [one], [two], [np.array([True, False, False])])["instance"].tolist()
    [0]
    """
    seen = [np.where(own, view, NOBODY) for own, view in zip(real, numbers, strict=True)]
    whole = np.concatenate([np.zeros(0, np.int32), *seen])
    instance, first = np.unique(whole, return_index=True)
    told = np.zeros(len(instance), TOLD_DTYPE)
    for name, columns in (("instance", numbers), ("class", classes), ("parent", parents)):
        told[name] = np.concatenate([np.zeros(0, np.int32), *columns])[first]
    told["parent"][~np.isin(told["parent"], instance)] = NOBODY
    return told[instance >= 0]


def particle_columns(told: np.ndarray, **same: int) -> dict[str, np.ndarray]:
    """Predicted instances as arrays ``particles/...``, by which name files have them.

    Args:
      told: ``TOLD_DTYPE`` ``[instances]``, of one event.
      **same: what all of them have, such as ``event``, its number.

    >>> list(particle_columns(np.zeros(2, TOLD_DTYPE), event=7))
    ['particles/event', 'particles/instance', 'particles/class', 'particles/parent']
    """
    columns = {f"particles/{name}": np.full(len(told), value) for name, value in same.items()}
    return columns | {f"particles/{name}": told[name] for name in told.dtype.names or ()}


def _steps(
    coords: np.ndarray, number: np.ndarray, child: np.ndarray, place: np.ndarray, reach: int
) -> np.ndarray:
    """Of every pixel of a child with a track in reach int64 ``[3]``: child, track, and the square
    of the distance, the same for all that touch.
    """
    rows = np.flatnonzero(child | place)
    near = Near(coords[rows], np.zeros(len(rows), np.int64), reach, euclidean=True)
    sorted_rows = rows[near.order]
    other = near.nearest(place[sorted_rows])
    own = child[sorted_rows] & (other >= 0)
    one, two = sorted_rows[own], sorted_rows[other[own]]
    square = np.maximum(((coords[one] - coords[two]) ** 2).sum(1), coords.shape[1])
    return np.stack([number[one], number[two], square], axis=1)


def _nearest(steps: np.ndarray, highest: Sequence[int]) -> np.ndarray:
    """int64 by number of an instance, that of its parent; -1 for none, and at the end."""
    parent = np.full(max(highest, default=NOBODY) + 2, NOBODY, np.int64)
    ways, pixels = np.unique(steps, axis=0, return_counts=True)
    child, track, square = ways.T
    order = np.lexsort((track, -pixels, square, child))
    first = order[np.unique(child[order], return_index=True)[1]]
    parent[child[first]] = track[first]
    return parent


def _ends(coords: np.ndarray, number: np.ndarray, track: np.ndarray, end: int) -> np.ndarray:
    """bool ``[pixels]``, which lie near an end of their track; pixels in lexicographic order."""
    rows = np.flatnonzero(track)
    _, member, size = np.unique(number[rows], return_inverse=True, return_counts=True)
    places = coords[rows]
    sums = np.zeros((len(size), coords.shape[1]), np.int64)
    np.add.at(sums, member, places)
    ends = np.zeros(len(coords), bool)
    # From the centre, in units of a pixel over the size, so that everything is a whole number.
    squares = ((places * size[member, None] - sums[member]) ** 2).sum(1)
    for near in (False, True, True):
        furthest = places[list(_first_of_most(member, squares))]
        squares = ((places - furthest[member]) ** 2).sum(1)
        if near:
            ends[rows] |= squares <= end**2
    return ends


def _first_of_most(member: np.ndarray, squares: np.ndarray) -> Iterator[int]:
    """Of every member, in their order, the row of the largest value, the first of equals."""
    order = np.lexsort((-squares, member))  # stable
    yield from order[np.unique(member[order], return_index=True)[1]].tolist()
