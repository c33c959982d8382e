"""An event in three dimensions: energy in voxels, and which of them the pixels of planes show."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np

from jaxsparse.data.cells import cell_numbers, row_of
from jaxsparse.data.links import Links
from jaxsparse.data.schema import View
from jaxsparse.simulate.pixel_truth import Groups, merge, pixel_truth, vertex_distance
from jaxsparse.simulate.wire_chamber.chamber import WireChamber, WirePlane
from jaxsparse.simulate.wire_chamber.charges import Charges, spread

TRUTH_FLOOR = 0.01  # MeV: less energy of one particle names no voxel


def voxel_view(
    name: str, charges: Charges, groups: Groups, vertices: np.ndarray, detector: WireChamber
) -> View:
    """Deposited energy in voxels.

    Args:
      name: which voxels, see :meth:`WireChamber.voxel_position`.
      charges: of the event.
      groups: its instances.
      vertices: float64 ``[vertices, 4]``, cm and us.
      detector: the chamber.
    """
    shape = detector.view_shape(name)
    cells = voxels_of(name, charges, detector)
    seen = cells >= 0
    sums = merge(cells[seen], charges.group[seen], charges.energy[seen], len(groups))
    truth = pixel_truth(*sums, groups, floor=TRUTH_FLOOR)
    pixels, values = truth.pop("pixels"), truth.pop("values")
    kept = values >= detector.voxel_floor
    columns: dict[str, Any] = {name: column[kept] for name, column in truth.items()}
    coords = np.column_stack(np.unravel_index(pixels[kept], shape)).astype(np.int32)
    places = detector.voxel_position(name, vertices[:, :3], vertices[:, 3])
    return View(
        coords=coords,
        values=values[kept].astype(np.float32),
        shape=shape,
        vertex_distance=vertex_distance(coords, np.floor(places).astype(np.int64), shape),
        **columns,
    )


def voxels_of(name: str, charges: Charges, detector: WireChamber) -> np.ndarray:
    """int64 ``[points]``: flat number of each charge's voxel, -1 for none."""
    shape = detector.view_shape(name)
    position = detector.voxel_position(name, charges.points, charges.time)
    place = np.floor(position).astype(np.int64)
    seen = ((place >= 0) & (place < shape)).all(1)
    cells = np.full(len(place), -1)
    cells[seen] = cell_numbers(place[seen], shape)
    return cells


def voxel_links(
    name: str,
    voxels: View,
    pixels: View,
    charges: Charges,
    detector: WireChamber,
    plane: WirePlane,
) -> Links:
    """In which voxels the charge of a plane's pixels was left.

    A share is of all charge of the pixel, without noise. What is missing is of voxels below the
    floor, and of places without a voxel.

    Args:
      name: which voxels.
      voxels: the view of them.
      pixels: of the plane.
      charges: of the event.
      detector: the chamber.
      plane: which plane.
    """
    cells = voxels_of(name, charges, detector)
    known = cell_numbers(voxels.coords, voxels.shape)
    row = row_of(cells, known)
    # Charges of one voxel spread as those of one instance do in the image.
    flat, row, adc = merge(
        *spread(dataclasses.replace(charges, group=row + 1), detector, plane), len(known) + 1
    )
    pixel = row_of(flat, cell_numbers(pixels.coords, pixels.shape))
    total = np.bincount(pixel + 1, adc, minlength=len(pixels) + 1)[1:]
    linked = (pixel >= 0) & (row > 0)
    owner = pixel[linked]
    return Links.of(owner, row[linked] - 1, adc[linked] / total[owner], len(pixels))
