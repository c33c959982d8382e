"""Where planes of cells agree: pairs of hits of the two views in neighbouring planes.

Planes alternate between the views, so a particle that crosses two of them lights a cell in each:
together these say where it was. A hit is paired with all hits of the other view one plane away; of
those left over, with the hits three planes away, which are the other view's next. What has no
partner then is in no candidate.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from jaxsparse.candidates.sites import (
    MOST,
    Candidates,
    pairs_of,
    require_few,
    require_views,
)
from jaxsparse.data.schema import View
from jaxsparse.detectors.nova import NOVA_VIEWS
from jaxsparse.errors import InputError

REACH = 2  # planes of the other view, to either side


def cell_candidates(
    views: Mapping[str, View], *, reach: int = REACH, most: int = MOST
) -> Candidates:
    """Pairs of hits of the two views in neighbouring planes.

    Nothing depends on the order of hits but the rows by which they are named.

    Args:
      views: ``"XZ"`` and ``"YZ"`` of one event, with their corners.
      reach: planes of the other view to either side: 1 for neighbours alone, 2 for the next where a
        hit has none, and so on.
      most: candidates of an event.

    Returns:
      Sites (plane, cell of XZ, cell of YZ), as (z, x, y) along the detector's axes. ``plane`` is
      the lower one of the two that enclose the middle of the pair, counted from the first plane of
      either window.

    Raises:
      InputError: a view is missing or does not say where it lies, the views are of different
        events, or there are too many candidates.
    """
    require_views(views, NOVA_VIEWS, len(NOVA_VIEWS))
    across, up = (views[name] for name in NOVA_VIEWS)
    starts = [_first_plane(name, views[name]) for name in NOVA_VIEWS]
    if abs(starts[0] - starts[1]) > 1 or across.shape[0] != up.shape[0]:
        raise InputError(
            f"views {' and '.join(NOVA_VIEWS)} begin at planes {starts[0]} and {starts[1]} and have"
            f" {across.shape[0]} and {up.shape[0]}: give views of one event"
        )
    planes = [
        start + 2 * view.coords[:, 0].astype(np.int64)
        for start, view in zip(starts, (across, up), strict=True)
    ]
    order = np.argsort(planes[1], kind="stable")
    pairs = np.zeros((2, 0), np.int64)
    for away in range(1, reach + 1):
        lone = [
            np.bincount(rows, minlength=len(own)) == 0
            for rows, own in zip(pairs, planes, strict=True)
        ]
        found = _pairs(planes[0], planes[1][order], 2 * away - 1, most)
        found = np.stack([found[0], order[found[1]]])
        pairs = np.concatenate([pairs, found[:, lone[0][found[0]] | lone[1][found[1]]]], axis=1)
    require_few(pairs.shape[1], most, "candidates")
    middle = (planes[0][pairs[0]] + planes[1][pairs[1]] - 1) // 2 - min(starts)
    place = np.column_stack([middle, across.coords[pairs[0], 1], up.coords[pairs[1], 1]])
    rows = np.lexsort(place.T[::-1])
    shape = candidate_shape(across.shape, up.shape)
    pixels = dict(zip(NOVA_VIEWS, pairs[:, rows].astype(np.int32), strict=True))
    return Candidates(place[rows].astype(np.int32), shape, pixels)


def candidate_shape(across: tuple[int, ...], up: tuple[int, ...]) -> tuple[int, int, int]:
    """Of the volume of candidates, by the shapes of both views.

    >>> candidate_shape((100, 80), (100, 80))
    (200, 80, 80)
    """
    return 2 * across[0], across[1], up[1]


def _first_plane(name: str, view: View) -> int:
    """Number in the detector of the first plane of a view's window."""
    if view.corner is None:
        raise InputError(
            f"view {name} does not say which planes it shows: candidates need corners of views "
            "(docs/formats.md), simulate the file again"
        )
    return 2 * view.corner[0] + NOVA_VIEWS.index(name)


def _pairs(own: np.ndarray, other: np.ndarray, away: int, most: int) -> np.ndarray:
    """int64 ``[2, pairs]``: rows of hits that lie so many planes apart.

    Args:
      own: planes of the hits of one view.
      other: of the other, sorted.
      away: planes.
      most: pairs.
    """
    found = [np.zeros((2, 0), np.int64)]
    for plane in (own - away, own + away):
        first, last = (np.searchsorted(other, plane, side) for side in ("left", "right"))
        require_few(int((last - first).sum()), most, "candidates")
        found.append(np.stack(pairs_of(first, last - first)))
    return np.concatenate(found, axis=1)
