"""Which candidates are real, and what a real one is: columns of truth, by the truth of the views.

A candidate that is not real is a ghost: its class is one more than the detector's, and all else is
as of a pixel without truth.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping

import numpy as np

from jaxsparse.candidates.sites import Candidates
from jaxsparse.data.cells import cell_numbers, row_of
from jaxsparse.data.schema import NO_CLASS, TRUTH_COLUMNS, View
from jaxsparse.detectors.microboone import ROW_VOXELS
from jaxsparse.detectors.nova import NOVA_VIEWS
from jaxsparse.errors import InputError
from jaxsparse.simulate.nova.detector import CellDetector

# Cells' widths between where a hit's light was made and the middle of the other view's cell: half
# of one is the cell itself, and a particle moves on between two planes.
NEAR = 2.0


def voxel_truth(
    candidates: Candidates, voxels: View, ghost: int
) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    """A candidate is real where energy was left in its voxel; it has the truth of that voxel.

    Args:
      candidates: of wire planes.
      voxels: ``row_voxels`` of the same event.
      ghost: number of the class.

    Returns:
      bool ``[candidates]``, which are real, and truth columns by name.

    Raises:
      InputError: voxels of another detector.
    """
    if tuple(voxels.shape) != tuple(candidates.shape):
        raise InputError(
            f"view {ROW_VOXELS} is {tuple(voxels.shape)}: it must be {tuple(candidates.shape)} as "
            "the detector's voxels are, simulate the events again"
        )
    known, cells = (cell_numbers(seen.coords, candidates.shape) for seen in (voxels, candidates))
    row = row_of(cells, known)
    real = row >= 0
    columns = {}
    for name, column in TRUTH_COLUMNS.items():
        values = getattr(voxels, name)
        if values is not None:
            none = np.array([column.none]).astype(values.dtype)
            columns[name] = np.append(values, none)[row]
    return real, _with_ghosts(columns, real, ghost)


def hit_truth(
    candidates: Candidates, views: Mapping[str, View], detector: CellDetector, ghost: int
) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    """A candidate is real if one particle lit both hits near each other; it is that particle's.

    Near is: from where the light of either hit was made along its cell (``along``) it is no further
    to the middle of the other's cell than two widths of a cell and the spread of the light.

    Args:
      candidates: of planes of cells.
      views: both, with the columns ``instance``, ``labels``, ``along`` and ``along_spread``.
      detector: the cells.
      ghost: number of the class.

    Returns:
      bool ``[candidates]``, which are real, and truth columns by name.
    """
    pair = [_Hits.of(views[name], candidates.pixels[name]) for name in NOVA_VIEWS]
    real = (pair[0].instance == pair[1].instance) & (pair[0].instance >= 0)
    for own, other in (pair, pair[::-1]):
        far = np.abs(own.along - (other.cell + 0.5) * detector.width)
        real &= far <= NEAR * detector.width + own.along_spread
    columns = {
        "labels": pair[0].labels,
        "instance": np.where(real, pair[0].instance, -1),
        "share": np.where(real, np.minimum(pair[0].share, pair[1].share), 0),
    }
    return real, _with_ghosts(columns, real, ghost)


@dataclasses.dataclass(frozen=True)
class _Hits:
    """Of the hits of one view that show candidates the truth, and the cell of the detector."""

    cell: np.ndarray
    labels: np.ndarray
    instance: np.ndarray
    share: np.ndarray
    along: np.ndarray
    along_spread: np.ndarray

    @classmethod
    def of(cls, view: View, rows: np.ndarray) -> _Hits:
        assert view.corner is not None, "candidates were found with it"
        names = [field.name for field in dataclasses.fields(cls)][1:]
        truth = {name: np.asarray(getattr(view, name))[rows] for name in names}
        return cls(view.coords[rows, 1] + view.corner[1], **truth)


def _with_ghosts(
    columns: dict[str, np.ndarray], real: np.ndarray, ghost: int
) -> dict[str, np.ndarray]:
    """The columns with the classes of ghosts."""
    labels = columns.get("labels", np.full(len(real), NO_CLASS))
    return {**columns, "labels": np.where(real, labels, ghost).astype(np.int8)}
