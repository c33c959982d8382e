"""From hits to the two pixel maps: the window around an event, bytes, and the truth of pixels.

The window is that of the experiment's pixel maps: it begins at the first plane with a hit and is
centred on the mean cell of a view's hits. It is 100 planes of each view deep, 200 planes in all.
"""

from __future__ import annotations

import numpy as np

from jaxsparse.data.schema import View
from jaxsparse.detectors.nova import NOVA_SHAPE, NOVA_VIEWS
from jaxsparse.simulate.nova.detector import CellDetector
from jaxsparse.simulate.nova.response import Hits
from jaxsparse.simulate.pixel_truth import vertex_distance

LARGEST_VALUE = 255


def pixel_maps(
    hits: Hits, particles: np.ndarray, vertices: np.ndarray, detector: CellDetector
) -> dict[str, View]:
    """Both views of an event.

    Values are the calibrated energy times ``counts_per_mev``, truncated to a byte; a hit that
    truncates to 0 is no pixel. Rows of a view count its own planes from the start of the window,
    the same start in both, so that row r of either view is at the same place along the beam but for
    one plane. ``corner`` of a view is the number of its first plane among its own and of its first
    cell, so that pixel (r, c) is cell ``corner[1] + c`` of the detector's plane
    ``2 * (corner[0] + r)``, one more in view ``"YZ"``.

    Args:
      hits: of the whole detector.
      particles: ``PARTICLE_DTYPE`` with ``label`` (number in ``NOVA_PIXEL_CLASSES``), the rows that
        ``hits.instance`` names.
      vertices: float64 ``[vertices, 3]``, cm.
      detector: the cells.

    Returns:
      ``"XZ"`` and ``"YZ"``, in that order, also where they are empty.
    """
    values = np.floor(hits.energy * detector.counts_per_mev)
    values = np.clip(values, 0, LARGEST_VALUE).astype(np.float32)
    first_plane = int(hits.plane.min()) if len(hits) else 0
    views = {}
    for parity, name in enumerate(NOVA_VIEWS):
        own = hits.plane % 2 == parity
        centre = float(hits.cell[own].mean()) if own.any() else 0.5 * detector.cells
        corner = np.array([first_plane // 2, int(centre) - NOVA_SHAPE[1] // 2])
        if parity == 0:  # an odd first plane: the window's first vertical plane is behind it
            corner[0] = (first_plane + 1) // 2
        coords = np.column_stack([hits.plane // 2, hits.cell]) - corner
        seen = own & (values >= 1) & ((coords >= 0) & (coords < NOVA_SHAPE)).all(1)
        own_hits = hits.take(seen)
        instance = own_hits.instance
        coords = coords[seen].astype(np.int32)
        across = vertices[:, parity]
        plane = np.floor(vertices[:, 2] / detector.depth).astype(np.int64)
        row = (plane + 1 - parity) // 2  # of the first plane of this view from the vertex on
        places = np.column_stack([row, np.floor(across / detector.width).astype(np.int64)])
        # One more row, for instance -1.
        labels = np.append(particles["label"], np.int8(-1))
        interaction = np.append(particles["interaction"], False)
        views[name] = View(
            coords=coords,
            values=values[seen],
            shape=NOVA_SHAPE,
            labels=labels[instance],
            instance=instance.astype(np.int32),
            vertex_distance=vertex_distance(coords, places - corner, NOVA_SHAPE),
            interaction=interaction[instance],
            overlap=np.minimum(own_hits.overlap, 255).astype(np.uint8),
            share=own_hits.share.astype(np.float32),
            primary_share=own_hits.primary_share.astype(np.float32),
            along=own_hits.along.astype(np.float32),
            along_spread=own_hits.along_spread.astype(np.float32),
            corner=(int(corner[0]), int(corner[1])),
        )
    return views
