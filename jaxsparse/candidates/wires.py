"""Where planes of parallel wires agree: voxels that two or three planes see at the same time.

A voxel is a cell (time row, y, z) of the view ``row_voxels``. In every plane a wire passes nearest
to its centre: if that has a pixel in the voxel's row, the plane **shows** the voxel. If it is dead,
or outside of the plane, or if the event lacks the plane, the plane is **blind** to it. A candidate
is a voxel that at least two planes show and to which all others are blind.
"""

from __future__ import annotations

import dataclasses
import functools
import itertools
import math
from collections.abc import Iterator, Mapping, Sequence

import numpy as np

from jaxsparse.candidates.sites import (
    MOST,
    NO_PIXEL,
    Candidates,
    pairs_of,
    require_few,
    require_views,
)
from jaxsparse.data.schema import View
from jaxsparse.detectors.microboone import ROW_VOXELS
from jaxsparse.errors import InputError
from jaxsparse.simulate.wire_chamber.chamber import WireChamber, WirePlane

PAIRS_AT_ONCE = 1 << 17  # of pixels: a few MB, which stay in a core's cache
PAIRS_A_SITE = 32  # pairs of pixels in one row that may be looked at for every allowed site
ROUNDING = 1e-6  # voxels


def wire_candidates(
    views: Mapping[str, View],
    chamber: WireChamber,
    *,
    dead_wires: Mapping[str, np.ndarray] | None = None,
    blind: int = 1,
    most: int = MOST,
) -> Candidates:
    """Voxels that the wire planes of an event agree on.

    Nothing depends on the order of pixels but the rows by which they are named. Time and memory
    are bounded by ``most``: there are at most ``32 most`` pairs of pixels of two planes in one row.

    Args:
      views: of one event, whole planes of the chamber; others are not looked at.
      chamber: whose planes they are.
      dead_wires: wires without read-out by view; none where it says nothing.
      blind: planes that may be blind to a candidate; 0 asks all planes.
      most: candidates of an event.

    Returns:
      Voxels of ``row_voxels``, with their pixel in each of the chamber's planes that the event has.

    Raises:
      InputError: too few planes, images that are not the chamber's, or too many candidates.
    """
    names = tuple(plane.name for plane in chamber.planes)
    require_views(views, names, max(2, len(names) - blind))
    dead = dead_wires or {}
    planes = [
        _Plane.of(plane, views[plane.name], chamber, dead.get(plane.name, np.zeros(0, np.int64)))
        for plane in chamber.planes
        if plane.name in views
    ]
    shape = chamber.view_shape(ROW_VOXELS)
    blind -= len(names) - len(planes)
    found = list(_shown(planes, shape, blind, most))
    cells = np.sort(np.concatenate([np.zeros(0, np.int64), *found]))
    place = np.column_stack(np.unravel_index(cells, shape))
    pixels = {plane.name: plane.pixels(place) for plane in planes}
    crossings = Candidates(place.astype(np.int32), shape, pixels)
    candidates = crossings.take(crossings.seen >= len(planes) - blind)
    require_few(len(candidates), most, "candidates")
    return candidates


def _shown(
    planes: Sequence[_Plane], shape: tuple[int, ...], blind: int, most: int
) -> Iterator[np.ndarray]:
    """Numbers of voxels that two planes show and the others show or are blind to, each once: with
    the first two planes that show it.
    """
    for first, second in itertools.combinations(range(len(planes)), 2):
        dark = [plane for place, plane in enumerate(planes[:second]) if place != first]
        if len(dark) <= blind:
            pair = planes[first], planes[second]
            yield from _crossings(pair, dark, planes[second + 1 :], shape, most)


def _crossings(
    pair: tuple[_Plane, _Plane],
    dark: Sequence[_Plane],
    rest: Sequence[_Plane],
    shape: tuple[int, ...],
    most: int,
) -> Iterator[np.ndarray]:
    """Numbers of the voxels that two planes show and on which others agree.

    Args:
      pair: the two.
      dark: planes that must be blind.
      rest: planes that must be blind or show the voxel too.
      shape: of the volume.
      most: candidates of an event.
    """
    one, other = pair
    first, last = (np.searchsorted(other.row, one.row, side) for side in ("left", "right"))
    total = int((last - first).sum())
    require_few(total, PAIRS_A_SITE * most, f"pairs of pixels of {one.name} and {other.name}")
    portion = np.cumsum(last - first) // PAIRS_AT_ONCE
    # Where two wires cross: position = start + (y, z) . steps for both planes, solved for (y, z).
    solve = np.linalg.inv(np.stack([one.steps, other.steps], axis=1))
    extent = 0.5 * np.abs(solve).sum(0)  # of the parallelogram in which both wires are nearest
    around = [np.arange(math.floor(2 * size + ROUNDING) + 1) for size in extent]
    sides = np.array(shape[1:])
    for number in range(int(portion.max(initial=-1)) + 1):
        own = slice(*np.searchsorted(portion, [number, number + 1]))
        owner, partner = pairs_of(first[own], (last - first)[own])
        wires = np.column_stack([one.wire[own][owner], other.wire[partner]])
        crossing = (wires + 0.5 - [one.start, other.start]) @ solve
        near = ((crossing >= -extent) & (crossing <= sides - 1 + extent)).all(1)
        row, wires, crossing = one.row[own][owner[near]], wires[near], crossing[near]
        for plane in (*dark, *rest):
            near = plane.may_agree(row, crossing, extent, shows=plane in rest)
            row, wires, crossing = row[near], wires[near], crossing[near]
        corner = np.ceil(crossing - extent - ROUNDING).astype(np.int64)
        for step in itertools.product(*around):
            place = np.column_stack([row, corner + step])
            agree = ((place[:, 1:] >= 0) & (place[:, 1:] < sides)).all(1)
            for plane, wire in zip(pair, wires.T, strict=True):
                agree &= plane.nearest(place) == wire
            place = place[agree]
            for plane in dark:
                place = place[plane.blind(place)]
            for plane in rest:
                place = place[plane.blind(place) | (plane.pixels(place) != NO_PIXEL)]
            yield np.ravel_multi_index(tuple(place.T), shape)


@dataclasses.dataclass(frozen=True, eq=False)
class _Plane:
    """A wire plane of an event, to be looked at from voxels.

    Attributes:
      name: of the view.
      row, wire: int64 ``[pixels]``, of its pixels in the order of rows.
      image: int32 ``[rows, wires]``, row of the pixel in the view or ``NO_PIXEL``.
      dead: bool ``[wires]``.
      start: wires, where the centre of voxel (y, z) = (0, 0) is.
      steps: wires from a voxel to the next along y, and along z.
    """

    name: str
    row: np.ndarray
    wire: np.ndarray
    image: np.ndarray
    dead: np.ndarray
    start: float
    steps: np.ndarray

    @classmethod
    def of(cls, plane: WirePlane, view: View, chamber: WireChamber, dead: np.ndarray) -> _Plane:
        shape, corner = chamber.view_shape(plane.name), view.corner or (0, 0)
        if tuple(view.shape) != shape or any(corner):
            raise InputError(
                f"view {plane.name} is an image of {tuple(view.shape)} from {tuple(corner)} on: "
                f"candidates need whole planes of {chamber.name}, {shape}"
            )
        row, wire = np.asarray(view.coords, np.int64).T
        image = np.full(shape, NO_PIXEL, np.int32)
        image[row, wire] = np.arange(len(row))
        broken = np.zeros(plane.wires, bool)
        broken[dead] = True
        centres = np.array([[0.5, 0.5, 0.5], [0.5, 1.5, 0.5], [0.5, 0.5, 1.5]])
        points = np.array(chamber.low) + chamber.pitch * centres
        start, *next_ones = plane.position(points, chamber.pitch)
        order = np.argsort(row, kind="stable")
        steps = np.array(next_ones) - start
        return cls(plane.name, row[order], wire[order], image, broken, float(start), steps)

    def nearest(self, place: np.ndarray) -> np.ndarray:
        """int64 ``[voxels]``: the wire that passes nearest to the centre of each, -1 for none."""
        wire = np.floor(self.start + place[:, 1:] @ self.steps).astype(np.int64)
        return np.where((wire >= 0) & (wire < len(self.dead)), wire, -1)

    def pixels(self, place: np.ndarray) -> np.ndarray:
        """int32 ``[voxels]``: the pixel that shows each, ``NO_PIXEL`` for none."""
        wire = self.nearest(place)
        return np.where(wire < 0, np.int32(NO_PIXEL), self.image[place[:, 0], wire])

    def blind(self, place: np.ndarray) -> np.ndarray:
        """bool ``[voxels]``: whether no wire that is read passes nearest to the centre of each."""
        wire = self.nearest(place)
        return (wire < 0) | self.dead[wire]

    def may_agree(
        self, row: np.ndarray, crossing: np.ndarray, extent: np.ndarray, shows: bool
    ) -> np.ndarray:
        """bool ``[places]``: whether near each there may be a voxel to which the plane is blind.

        Args:
          row: time rows.
          crossing: float64 ``[places, 2]``, (y, z) in voxels.
          extent: ``[2]``, how far along y and z "near" goes.
          shows: whether a voxel that the plane shows will do too.
        """
        wire = np.floor(self.start + crossing @ self.steps).astype(np.int64)
        far = math.floor(float(np.abs(self.steps) @ extent) + 1)
        low, high = wire - far, wire + far + 1
        outside = (low < 0) | (high > len(self.dead))
        low, high = (np.clip(edge, 0, len(self.dead)) for edge in (low, high))
        found = outside | (self._dead_below[high] > self._dead_below[low])
        if shows:
            found |= self._pixels_below[row, high] > self._pixels_below[row, low]
        return found

    @functools.cached_property
    def _pixels_below(self) -> np.ndarray:
        """int32 ``[rows, wires + 1]``: pixels of a row on lower wires."""
        return _sums(self.image != NO_PIXEL)

    @functools.cached_property
    def _dead_below(self) -> np.ndarray:
        """int32 ``[wires + 1]``: dead wires below each."""
        return _sums(self.dead)


def _sums(flags: np.ndarray) -> np.ndarray:
    """int32: how many are true before each place of the last axis, and at its end."""
    sums = np.zeros((*flags.shape[:-1], flags.shape[-1] + 1), np.int32)
    np.cumsum(flags, axis=-1, dtype=np.int32, out=sums[..., 1:])
    return sums
