"""From hits to the three pixel maps: the window around an event, and bytes.

As the experiment's own code makes its classifier's images (dunereco: ``PixelMapProducer``,
``Boundary``, ``CVNImageUtils``), oddities included:

- a map of 2880 wires begins one wire before the first hit, in view V behind the last one, which is
  then turned round; 500 pixels of 6.4 ticks are centred on the mean time of the view's hits;
- a pixel is the sum of the integrals of the hits in it, 1000 counts times ticks being 255, rounded
  up;
- of the wires 500 are kept: from the first one that is followed by 16 wires with charge among 20,
  or, if there is none within reach, those that together hold the largest charge.
"""

from __future__ import annotations

import numpy as np

from jaxsparse.data.schema import View
from jaxsparse.detectors.dune import DUNE_SIZE
from jaxsparse.simulate.dune.response import Hits

MAP_WIRES = 2880
HALF_WIDTH = 1600.0  # ticks
LARGEST_CHARGE = 1000.0  # counts times ticks
LARGEST_VALUE = 255
AHEAD, MOST_EMPTY = 20, 4  # wires looked at, and how many of them may be empty


def pixel_map(hits: Hits, backwards: bool) -> View:
    """One view of an event.

    Args:
      hits: of the event in that view.
      backwards: whether the experiment counts the view's wires against the beam, and turns the
        map round afterwards.
    """
    if not len(hits):
        return View(np.zeros((0, 2), np.int32), np.zeros(0, np.float32), (DUNE_SIZE, DUNE_SIZE))
    if backwards:
        wire = hits.wire - hits.wire.max() + MAP_WIRES - 2
    else:
        wire = hits.wire - hits.wire.min() + 1
    late = hits.tick - hits.tick.mean()
    seen = (np.abs(late) <= HALF_WIDTH) & (wire >= 0) & (wire < MAP_WIRES)
    row = np.rint((late[seen] + HALF_WIDTH) / (2.0 * HALF_WIDTH / DUNE_SIZE))
    row = row.astype(np.int64) % DUNE_SIZE
    pixels, where = np.unique(row * MAP_WIRES + wire[seen], return_inverse=True)
    charge = np.bincount(where, hits.integral[seen], minlength=len(pixels))
    row, wire = np.divmod(pixels, MAP_WIRES)
    column = wire - first_wire(np.bincount(wire, charge, minlength=MAP_WIRES))
    kept = (column >= 0) & (column < DUNE_SIZE)
    values = np.minimum(np.ceil(charge[kept] * (LARGEST_VALUE / LARGEST_CHARGE)), LARGEST_VALUE)
    coords = np.column_stack([row[kept], column[kept]]).astype(np.int32)
    return View(coords, values.astype(np.float32), (DUNE_SIZE, DUNE_SIZE))


def first_wire(charge: np.ndarray) -> int:
    """The first of the 500 wires that are kept.

    Args:
      charge: float64 ``[wires]``, of every wire of the map.

    >>> track = np.zeros(2880)
    >>> track[100:150] = 1.0
    >>> first_wire(track)  # the four wires before the track may be empty
    95
    >>> first_wire(track[::-1])  # too near the end: whatever holds all of it first
    2280
    """
    hit = np.concatenate([[0], np.cumsum(charge > 0.0)])
    last = len(charge) - DUNE_SIZE
    ahead = hit[1 + AHEAD : last + 1 + AHEAD] - hit[1 : last + 1]
    good = np.flatnonzero(AHEAD - ahead <= MOST_EMPTY)
    if len(good):
        return int(good[0])
    # Whole numbers, so that windows with the same hits are equal.
    total = np.concatenate([[0], np.cumsum(np.rint(charge * 1024.0).astype(np.int64))])
    return int(np.argmax(total[DUNE_SIZE:-1] - total[:last]))
