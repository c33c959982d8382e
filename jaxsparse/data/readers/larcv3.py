"""larcv3's HDF5 files: wire-plane images and voxels with clusters and particles.

``docs/formats.md`` has the layout and the rules by which products become views and truth.
"""

from __future__ import annotations

import dataclasses
import math
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from jaxsparse.data.event_numbers import event_number
from jaxsparse.data.merging import charge_weights
from jaxsparse.data.readers.file_pool import FilePool
from jaxsparse.data.readers.hdf5_checks import WHOLE, checked_table
from jaxsparse.data.readers.larcv3_choice import choose
from jaxsparse.data.readers.larcv3_particles import ParticleProduct
from jaxsparse.data.readers.larcv3_tables import (
    EVENT_IDS,
    VoxelProduct,
    Voxels,
    find_products,
)
from jaxsparse.data.readers.particle_rows import unknown_particles, vote
from jaxsparse.data.readers.protocol import Option, Reader
from jaxsparse.data.schema import NO_CLASS, PARTICLE_DTYPE, Event, View
from jaxsparse.data.source import EventSource
from jaxsparse.detectors.microboone import PLANES, VOXELS
from jaxsparse.errors import InputError

ORDERS = ("wire,time", "time,wire")
# By the number of axes of an image, whatever the detector.
AXES = {2: ("time row", "wire"), 3: ("x", "y", "z")}
UNITS = {2: "ADC", 3: "MeV"}
MOST_CLUSTERS, MOST_CLASSES = 255, 127  # overlap and labels are bytes


class Larcv3Source(EventSource):
    """Random-access source of the events of a larcv3 file.

    Every projection of an image is a view. ``keys`` of an event are run, subrun and evt.

    Args:
      path: the file.
      image: products of pixel values, by product and producer (``sparse2d_wire``), at most one with
        two axes and one with three. Of a cluster product the values are summed. By default the only
        sparse one of either dimension that is not a label, else the only clusters.
      labels: sparse products whose values are class numbers, at most one of either dimension.
      clusters: cluster products, at most one of either dimension: instances. By default the only
        ones.
      particles: particle product. By default the only one.
      classes: name of every class number; an empty name is no class.
      views: names of the projections with two axes, in order of their numbers.
      axes: order of the axes of a stored plane, one of :data:`ORDERS`.
      threshold: pixels at or below it are left out.
      detector: name.

    Raises:
      InputError: no HDF5, no event table, a product that is missing, damaged, or must be chosen,
        tables of different numbers of events; reading an event: rows, voxels or classes out of
        range, values that are no numbers, a voxel twice.
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        *,
        image: Sequence[str] = (),
        labels: Sequence[str] = (),
        clusters: Sequence[str] = (),
        particles: str = "",
        classes: Sequence[str] = (),
        views: Sequence[str] = (),
        axes: str = ORDERS[0],
        threshold: float = 0.0,
        detector: str = "unknown",
    ):
        self.path = Path(path)
        self.files = [self.path]
        self.detector = detector
        if axes not in ORDERS:
            raise InputError(f"axes is {axes!r}: must be one of {' or '.join(ORDERS)}")
        if not (math.isfinite(threshold) and threshold >= 0):
            raise InputError(f"threshold is {threshold}: must be finite and not negative")
        if bool(labels) != bool(classes):
            raise InputError(
                f"labels is {','.join(labels)!r} and classes {','.join(classes)!r}: give both, or "
                "neither"
            )
        if len(classes) > MOST_CLASSES or len({*classes} - {""}) < sum(map(bool, classes)):
            raise InputError(
                f"classes is {','.join(classes)}: give at most {MOST_CLASSES} different names"
            )
        self._wires_first, self._threshold = axes == ORDERS[0], threshold
        self._pool = FilePool()
        with self._pool.reading(self.path) as file:
            ids = {"run": WHOLE, "subrun": WHOLE, "event": WHOLE}
            self._count = len(checked_table(file, EVENT_IDS, self.path, ids))
            self._groups = find_products(file)
            self._choice = choose(
                self._groups, self.path, image=image, labels=labels, clusters=clusters,
                particles=particles,
            )  # fmt: skip
            self._labels = self._open(file, self._choice.labels)
            self._images = self._open(file, self._choice.image)
            self._clusters = self._open(file, self._choice.clusters)
            self._particles = self._open_particles(file, self._choice.particles)
        self._class_of = _class_numbers(classes)
        self.class_names = tuple(name for name in classes if name)
        self._names = self._view_names(views)
        self.view_shapes = {
            name: self._ours(product.shapes[number])
            for (product, number), name in self._names.items()
        }
        self._check_sizes()

    @property
    def axes(self) -> dict[str, tuple[str, ...]]:
        return {name: AXES[len(shape)] for name, shape in self.view_shapes.items()}

    @property
    def value_units(self) -> dict[str, str]:
        return {name: UNITS[len(shape)] for name, shape in self.view_shapes.items()}

    def __len__(self) -> int:
        return self._count

    def __getitem__(self, index: int) -> Event:
        index = event_number(index, len(self), f"{self.path}")
        with self._pool.reading(self.path) as file:
            ids = file[EVENT_IDS][index]
            images, labels, clusters = (
                {dim: product.read(file, index) for dim, product in products.items()}
                for products in (self._images, self._labels, self._clusters)
            )
            particles, numbers = np.zeros(0, PARTICLE_DTYPE), np.zeros(0, np.int64)
            if self._particles is not None:
                particles, numbers = self._particles.read(file, index)
        found = [voxels.clusters for planes in clusters.values() for voxels in planes.values()]
        particles, numbers = _with_strangers(particles, numbers, found)
        views = {}
        for (product, number), name in self._names.items():
            where = f"Event {index} of {self.path.name}, view {name}"
            shape = product.shapes[number]
            cells, values = _image(images[product.dim].get(number), where)
            kept = values > self._threshold
            cells, values = cells[kept], values[kept]
            columns: dict[str, Any] = {}
            if product.dim in self._labels:
                truth = labels[product.dim].get(number)
                columns["labels"] = self._label_column(cells, truth, where)
            if product.dim in self._clusters:
                truth = clusters[product.dim].get(number)
                columns |= _instance_columns(cells, truth, numbers, where)
            view = View(np.stack(np.unravel_index(cells, shape), 1).astype(np.int32), values, shape)
            views[name] = self._oriented(dataclasses.replace(view, **columns))
        particles["label"] = vote(views.values(), len(particles), len(self.class_names))
        return Event(
            event_id=index,
            views=views,
            particles=particles,
            keys={
                ours: int(ids[theirs])
                for ours, theirs in (("run", "run"), ("subrun", "subrun"), ("evt", "event"))
            },
        )

    def notes(self) -> list[str]:
        """Products that are not read."""
        used = self._choice.names
        rest = sorted(set(self._groups) - set(used))
        return [f"products read: {', '.join(used)}"] + (
            [f"products that are not read: {', '.join(rest)}"] if rest else []
        )

    def close(self) -> None:
        """Closes the file; the next read opens it again."""
        self._pool.close()

    def _open(self, file: h5py.File, names: Sequence[str]) -> dict[int, VoxelProduct]:
        """Voxel products by dimension."""
        products = [VoxelProduct(self.path, file, name, self._groups[name]) for name in names]
        for product in products:
            self._check_events(product.name, product.num_events)
        return {product.dim: product for product in products}

    def _open_particles(self, file: h5py.File, name: str) -> ParticleProduct | None:
        if not name:
            return None
        product = ParticleProduct(self.path, file, name, self._groups[name])
        self._check_events(name, product.num_events)
        return product

    def _check_events(self, name: str, count: int) -> None:
        if count != self._count:
            raise InputError(
                f"{self.path}: {name} has {count} events, {EVENT_IDS} {self._count}: tables must "
                "be whole, copy or make the file anew"
            )

    def _check_sizes(self) -> None:
        """Truth and image of a projection must be of one size."""
        for truth in (self._labels, self._clusters):
            for dim, product in truth.items():
                if dim not in self._images:
                    raise InputError(f"{product.name}: there is no {dim}d image, name one too")
                for number, shape in product.shapes.items():
                    image = self._images[dim]
                    if image.shapes.get(number, shape) != shape:
                        raise InputError(
                            f"{self.path}: projection {number} is {image.shapes[number]} in "
                            f"{image.name} and {shape} in {product.name}: name products of one size"
                        )

    def _view_names(self, given: Sequence[str]) -> dict[tuple[VoxelProduct, int], str]:
        names: dict[tuple[VoxelProduct, int], str] = {}
        for dim, product in sorted(self._images.items()):
            numbers = list(product.shapes)
            if dim == 2:
                ours = list(given) or (
                    list(PLANES) if len(numbers) == len(PLANES) else [f"plane{n}" for n in numbers]
                )
                if len(ours) != len(numbers) or len(set(ours) - {VOXELS}) != len(numbers):
                    raise InputError(
                        f"views is {','.join(ours)}: {product.name} has the projections "
                        f"{', '.join(map(str, numbers))}, give each its own name"
                    )
            else:
                ours = [VOXELS] if len(numbers) == 1 else [f"{VOXELS}{n}" for n in numbers]
            names |= {(product, n): name for n, name in zip(numbers, ours, strict=True)}
        if not names and self._count:
            raise InputError(f"{self.path} has no valid image in any event: make the file anew")
        return names

    def _ours(self, shape: tuple[int, ...]) -> tuple[int, ...]:
        return shape[::-1] if len(shape) == 2 and self._wires_first else shape

    def _oriented(self, view: View) -> View:
        """The view with axes (time, wire), in order."""
        if len(view.shape) != 2 or not self._wires_first:
            return view
        order = np.lexsort(view.coords.T)  # by time, then by wire
        turned = np.ascontiguousarray(view.coords[order, ::-1])
        return view.take(order, coords=turned, shape=view.shape[::-1])

    def _label_column(self, cells: np.ndarray, truth: Voxels | None, where: str) -> np.ndarray:
        """int8: class of every pixel; where the label image has no voxel its value is 0."""
        if truth is None:
            return np.full(len(cells), self._class_of[0], np.int8)
        known, values = _image(truth, where)
        bad = (values != np.round(values)) | (values < 0) | (values >= len(self._class_of))
        if bad.any():
            raise InputError(
                f"{where}: label {values[bad][0]} must be a whole number below "
                f"{len(self._class_of)}, the number of classes: name all of them"
            )
        rows, there = _find(known, cells)
        numbers = np.where(there, values[rows], 0).astype(np.int64) if len(known) else 0
        return np.broadcast_to(self._class_of[numbers], cells.shape).copy()


def _class_numbers(classes: Sequence[str]) -> np.ndarray:
    """int8: our class number of every value of a label image.

    >>> _class_numbers(["", "cosmic", "neutrino"]).tolist()
    [-1, 0, 1]
    """
    named = np.array([bool(name) for name in classes] or [False])
    return np.where(named, np.cumsum(named) - 1, NO_CLASS).astype(np.int8)


def _image(voxels: Voxels | None, where: str) -> tuple[np.ndarray, np.ndarray]:
    """Cells in order, each one once, and values, summed over clusters."""
    if voxels is None:
        return np.zeros(0, np.int64), np.zeros(0, np.float32)
    cells, inverse = np.unique(voxels.cells, return_inverse=True)
    if voxels.clusters is None and len(cells) < len(voxels.cells):
        numbers, counts = np.unique(voxels.cells, return_counts=True)
        raise InputError(f"{where}: voxel {numbers[counts > 1][0]} occurs twice: drop the event")
    with np.errstate(over="ignore"):
        values = np.bincount(inverse, voxels.values, len(cells)).astype(np.float32)
    if not np.isfinite(values).all():
        raise InputError(f"{where}: clusters sum up to an infinite value: drop the event")
    return cells, values


def _find(known: np.ndarray, cells: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Row of every cell among the known, which are in order, and whether it is there."""
    rows = np.minimum(np.searchsorted(known, cells), max(len(known) - 1, 0))
    return rows, (known[rows] == cells if len(known) else np.zeros(len(cells), bool))


def _with_strangers(
    particles: np.ndarray, numbers: np.ndarray, clusters: Sequence[np.ndarray | None]
) -> tuple[np.ndarray, np.ndarray]:
    """The particles, and after them a row that says nothing for every cluster without one."""
    found = [np.unique(entry) for entry in clusters if entry is not None]
    strangers = np.setdiff1d(np.concatenate(found), numbers) if found else numbers[:0]
    particles = np.concatenate([particles, unknown_particles(len(strangers))])
    particles["instance"] = np.arange(len(particles))
    return particles, np.concatenate([numbers, strangers])


def _instance_columns(
    cells: np.ndarray, truth: Voxels | None, numbers: np.ndarray, where: str
) -> dict[str, np.ndarray]:
    """``instance``: the cluster that left most in a pixel, ``share`` of what all clusters left.

    ``overlap`` is how many there are.
    """
    instance = np.full(len(cells), -1, np.int32)
    share = np.zeros(len(cells), np.float32)
    overlap = np.zeros(len(cells), np.uint8)
    if truth is not None and len(truth.cells) and len(cells):
        assert truth.clusters is not None, "it comes from a cluster product"
        order = np.argsort(numbers, kind="stable")
        particle = order[np.searchsorted(numbers[order], truth.clusters)]
        rows, there = _find(cells, truth.cells)
        rows, particle, values = rows[there], particle[there], truth.values[there]
        pairs = np.unique(np.stack([rows, particle], 1), axis=0)
        if len(pairs) < len(rows):
            raise InputError(f"{where}: a voxel occurs twice in a cluster: drop the event")
        overlap = np.minimum(np.bincount(rows, minlength=len(cells)), MOST_CLUSTERS)
        order = np.lexsort([-particle, values, rows])
        best = order[np.flatnonzero(np.diff(rows[order], append=-1))]  # the last of every pixel
        instance[rows[best]] = particle[best]
        share[rows[best]] = charge_weights(values, rows, len(cells))[best]
    return {"instance": instance, "overlap": overlap.astype(np.uint8), "share": share}


def _recognise(path: Path, file: h5py.File | None) -> bool:
    return file is not None and EVENT_IDS in file and "Data" in file


READER = Reader(
    holds="larcv3 files (HDF5 with Events/event_id and Data)",
    recognise=_recognise,
    open=Larcv3Source,
    options=(
        Option("image", (), "product of pixel values, for example sparse2d_wire"),
        Option("labels", (), "product of class numbers, with classes"),
        Option("clusters", (), "product of instances, for example cluster2d_mcst"),
        Option("particles", "", "product of particles, for example particle_mcst"),
        Option("classes", (), "names of class 0, 1, ... of labels; an empty name is no class"),
        Option("views", (), "names of the planes; U,V,Y if there are three"),
        Option("axes", ORDERS[0], "order of the axes of a plane, or time,wire"),
        Option("threshold", 0.0, "pixels above it are kept"),
        Option("detector", "unknown", "name of the detector"),
    ),
)
