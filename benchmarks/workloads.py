"""The images to measure on: four sizes of neutrino events, from files or from a seed."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np

from benchmarks.engines.cases import Workload
from benchmarks.images import tracks
from jaxsparse.errors import InputError


@dataclasses.dataclass(frozen=True)
class Size:
    """Events of one spatial shape with the same number of sites each."""

    events: int
    spatial_shape: tuple[int, ...]
    sites: int


SIZES = {
    "w1": Size(1, (1008, 3456), 17400),  # a wire plane of a 100-ton detector
    "w2": Size(8, (512, 512), 1835),  # crops of one
    "w3": Size(1, (256,) * 3, 20000),
    "w4": Size(4, (192,) * 3, 8000),
}


def load(name: str, folder: str) -> Workload:
    """The workload ``name``: of ``folder``/``name``.npz, or seeded tracks if ``folder`` is empty.

    A file has ``coords`` integer ``[sites, 1 + D]``, event first, in any order, ``feats``
    ``[sites, 1]`` and ``shape``, the number of events and the spatial shape.

    Raises:
      InputError: no such file, or one that does not hold a batch of images.
    """
    if not folder:
        return make(SIZES[name])
    path = Path(folder) / f"{name}.npz"
    try:
        workload = Workload.read(path)
    except (OSError, KeyError, ValueError) as error:
        raise InputError(
            f"--folder: {path} is no workload ({error}): give a folder with coords, feats and "
            f"shape in {name}.npz, or leave it empty for seeded images"
        ) from None
    return _in_order(workload, path)


def make(size: Size) -> Workload:
    """Seeded tracks, event after event."""
    coords, features = [], []
    for event in range(size.events):
        sites, values = tracks(size.spatial_shape, size.sites, seed=event)
        coords.append(np.insert(sites, 0, event, axis=1))
        features.append(values[:, None])
    return Workload(
        np.concatenate(coords), np.concatenate(features), size.spatial_shape, size.events
    )


def _in_order(workload: Workload, path: Path) -> Workload:
    """The same with int32 rows in lexicographic order, which both engines then share."""
    coords = workload.coords
    limits = np.array([workload.batch_size, *workload.spatial_shape])
    if (
        workload.dim not in (2, 3)
        or coords.ndim != 2
        or coords.shape[1] != len(limits)
        or coords.dtype.kind not in "iu"
        or workload.features.shape != (len(coords), 1)
        or not len(coords)
        or not np.all((coords >= 0) & (coords < limits))
        or len(np.unique(coords, axis=0)) != len(coords)
    ):
        raise InputError(
            f"--folder: {path} has coords {coords.dtype} {coords.shape}, feats "
            f"{workload.features.shape} and shape {limits.tolist()}: must be integers "
            "[sites, 1 + D], D = 2 or 3, distinct and inside the shape, and one feature a site"
        )
    order = np.lexsort(coords.T[::-1])
    return dataclasses.replace(
        workload,
        coords=np.ascontiguousarray(coords[order], np.int32),
        features=np.ascontiguousarray(workload.features[order], np.float32),
    )
