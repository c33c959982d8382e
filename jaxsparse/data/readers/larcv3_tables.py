"""The tables of larcv3 files: which rows belong to an event, every number checked before its use.

A file holds one group a product, ``/Data/<product>_<producer>_group``. An event's row of
``extents`` points at rows of a table of projections (wire planes; one for voxels), each of these at
rows of ``voxels``, for clusters by way of one row a cluster. ``docs/formats.md`` has the layout.
"""

from __future__ import annotations

import dataclasses
import math
import re
from collections.abc import Iterable, Mapping
from pathlib import Path

import h5py
import numpy as np

from jaxsparse.data.readers.hdf5_checks import REAL, WHOLE, Field, checked_table
from jaxsparse.data.stored_values import as_stored
from jaxsparse.errors import InputError

EVENT_IDS = "Events/event_id"
UNSET = 65535  # the number of a cluster or particle that was never set: its place counts
LARGEST_IMAGE = 2**62  # cells: their numbers are int64
BLOCK_ROWS = 1 << 16

_RANGE: Mapping[str, Field] = {"first": WHOLE, "N": WHOLE}
_NAMED_RANGE: Mapping[str, Field] = {**_RANGE, "ID": WHOLE}
_VOXEL: Mapping[str, Field] = {"id": WHOLE, "value": REAL}


def find_products(file: h5py.File) -> dict[str, str]:
    """Group of every product in a file, by product and producer: ``"sparse2d_wire"``."""
    data = file.get("Data")
    names = list(data) if isinstance(data, h5py.Group) else []
    return {name.removesuffix("_group"): f"Data/{name}" for name in names if _parts(name)}


def product_of(name: str) -> str:
    """The product of a product and producer.

    >>> product_of("sparse2d_wire")
    'sparse2d'
    """
    return name.split("_", 1)[0]


def _parts(group: str) -> re.Match[str] | None:
    return re.fullmatch(r"[a-z0-9]+_.+_group", group)


@dataclasses.dataclass(frozen=True)
class Voxels:
    """Voxels of one projection of an event.

    Attributes:
      cells: int64 ``[voxels]``, C-order number in the image, in [0, cells of the image).
      values: float32 ``[voxels]``, finite.
      clusters: int64 ``[voxels]``, number of each one's cluster; None for images.
    """

    cells: np.ndarray
    values: np.ndarray
    clusters: np.ndarray | None = None


class VoxelProduct:
    """One image (sparse2d, sparse3d) or set of clusters (cluster2d, cluster3d) of every event.

    Args:
      path: of the file, for messages.
      file: open.
      name: product and producer.
      group: where it is.

    Attributes:
      name: as given.
      dim: axes of its images.
      clustered: whether voxels belong to clusters.
      shapes: size of the image of every projection along its axes, by projection number.
      num_events: rows of ``extents``.

    Raises:
      InputError: a table or field is missing or of another type, tables that do not fit together, a
        projection of several sizes.
    """

    def __init__(self, path: Path, file: h5py.File, name: str, group: str):
        self.name = name
        self._path, self._group = path, group
        product = product_of(name)
        self.dim, self.clustered = int(product[-2]), product.startswith("cluster")
        self._projections = "projection_extents" if self.clustered else "voxel_extents"
        meta: dict[str, Field] = {
            "valid": ("biu", ()),
            "projection_id": WHOLE,
            "number_of_voxels": ("iu", (self.dim,)),
        }
        self.num_events = len(checked_table(file, f"{group}/extents", path, _RANGE))
        images = len(checked_table(file, f"{group}/{self._projections}", path, _NAMED_RANGE))
        metas = checked_table(file, f"{group}/image_meta", path, meta, rows=images)
        if self.clustered:
            checked_table(file, f"{group}/cluster_extents", path, _NAMED_RANGE)
        checked_table(file, f"{group}/voxels", path, _VOXEL)
        self.shapes = self._image_sizes(metas)

    def read(self, file: h5py.File, event: int) -> dict[int, Voxels]:
        """Voxels of an event by projection number; projections without an image are left out."""
        where = f"Event {event} of {self._path.name}, {self.name}"
        extents = file[f"{self._group}/extents"][event]
        images = self._linked(file, self._projections, extents, where)
        metas = self._linked(file, "image_meta", extents, where)
        found: dict[int, Voxels] = {}
        for image, meta in zip(images, metas, strict=True):
            number = int(image["ID"])
            if not meta["valid"]:
                if image["N"]:
                    raise InputError(
                        f"{where}: projection {number} has content but no valid image_meta: drop "
                        "the event"
                    )
                continue
            if number != int(meta["projection_id"]) or number in found:
                raise InputError(
                    f"{where}: projection {number} must occur once and be number "
                    f"{meta['projection_id']} as in image_meta: drop the event"
                )
            found[number] = self._voxels(file, image, number, f"{where}, projection {number}")
        return found

    def _voxels(self, file: h5py.File, image: np.void, number: int, where: str) -> Voxels:
        clusters = None
        if self.clustered:
            table = self._linked(file, "cluster_extents", image, where)
            names = as_stored(table["ID"], np.int64, name="cluster ID", where=where, tail=())
            names = np.where(names == UNSET, np.arange(len(names)), names)
            sizes = as_stored(table["N"], np.int64, name="N", where=where, tail=())
            image = _joined(table, where)
        rows = self._linked(file, "voxels", image, where)
        if self.clustered:
            clusters = np.repeat(names, sizes)  # as many as there are rows
        size = math.prod(self.shapes[number])
        outside = (rows["id"] < 0) | (rows["id"] >= size)
        if outside.any():
            raise InputError(
                f"{where}: voxel {rows['id'][outside][0]} must lie in an image of "
                f"{self.shapes[number]}, below {size}: drop the event"
            )
        values = rows["value"].astype(np.float32)
        if not np.isfinite(values).all():
            bad = rows["value"][~np.isfinite(values)][0]
            raise InputError(f"{where}: value {bad} must be finite: drop the event")
        return Voxels(rows["id"].astype(np.int64), values, clusters)

    def _linked(self, file: h5py.File, table: str, rows: np.void, where: str) -> np.ndarray:
        return linked_rows(file[f"{self._group}/{table}"], rows, f"{where}: {table}")

    def _image_sizes(self, metas: h5py.Dataset) -> dict[int, tuple[int, ...]]:
        """The one size that every projection has in all events."""
        shapes: dict[int, tuple[int, ...]] = {}
        for start in range(0, len(metas), BLOCK_ROWS):
            rows = metas.fields(["valid", "projection_id", "number_of_voxels"])[
                start : start + BLOCK_ROWS
            ]
            rows = rows[rows["valid"].astype(bool)]
            numbers = np.column_stack([rows["projection_id"], rows["number_of_voxels"]])
            for number, *sizes in np.unique(numbers, axis=0).tolist():
                if not (
                    min(sizes) >= 1 and max(sizes) < 2**31 and math.prod(sizes) < LARGEST_IMAGE
                ):
                    raise InputError(
                        f"{self._path}: {self.name} has an image of {tuple(sizes)} voxels: sides "
                        "must be 1 to 2147483647, make the file anew"
                    )
                if shapes.setdefault(int(number), tuple(sizes)) != tuple(sizes):
                    raise InputError(
                        f"{self._path}: projection {number} of {self.name} is "
                        f"{shapes[int(number)]} in one event and {tuple(sizes)} in another: "
                        "convert files of one size each"
                    )
        return dict(sorted(shapes.items()))


def linked_rows(
    table: h5py.Dataset, rows: np.void, where: str, fields: Iterable[str] = ()
) -> np.ndarray:
    """The rows of a table that an entry with ``first`` and ``N`` points at.

    Args:
      table: of a compound type.
      rows: the entry.
      where: for messages.
      fields: to read; all if there is none.

    Raises:
      InputError: they are not in the table.
    """
    first, count = int(rows["first"]), int(rows["N"])
    if first < 0 or count < 0 or (count and first + count > len(table)):
        raise InputError(
            f"{where} has rows {first} to {first + count} of {len(table)}: must lie in the table, "
            "drop the event"
        )
    wanted = table.fields(list(fields)) if fields else table
    return wanted[first if count else 0 : first + count if count else 0]


def _joined(table: np.ndarray, where: str) -> np.void:
    """All rows that consecutive entries point at, as one entry; nothing is read twice."""
    joined = np.zeros(1, [("first", np.uint64), ("N", np.uint64)])[0]
    if len(table):
        first = as_stored(table["first"], np.int64, name="first", where=where, tail=())
        sizes = as_stored(table["N"], np.int64, name="N", where=where, tail=())
        if (first[1:] != first[:-1] + sizes[:-1]).any() or (sizes < 0).any():
            raise InputError(
                f"{where}: voxels of its clusters must follow one another: drop the event"
            )
        joined["first"], joined["N"] = first[0], sizes.sum()
    return joined
