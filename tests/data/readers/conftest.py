"""Small NOvA files in their real layout, made here."""

from __future__ import annotations

import h5py
import numpy as np
import pytest

MAPS, TRUTH = "rec.training.cvnmaps", "rec.training.trainingdata"
KEY_TYPES = {"run": "u4", "subrun": "u4", "cycle": "i4", "evt": "u4", "subevt": "u2"}


def tracks(number: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """uint8 ``[2, 100, 80]`` each: values, labels and objects of a muon and a proton stub."""
    rng = np.random.default_rng(number)
    values, labels, objects = np.zeros((3, 2, 100, 80), np.uint8)
    vertex = rng.integers(5, 20)
    for view in range(2):
        cell = rng.integers(30, 50)
        for step in range(int(rng.integers(20, 60))):  # the muon: label 2, object 1
            place = view, vertex + step, cell + step // 3
            values[place], labels[place], objects[place] = rng.integers(5, 30), 2, 1
        for step in range(1, 5):  # the proton: label 3, object 7
            place = view, vertex + step, cell - step
            values[place], labels[place], objects[place] = rng.integers(30, 200), 3, 7
    return values, labels, objects


def keys_of(count: int) -> np.ndarray:
    """``[count, 5]``: run, subrun, cycle, evt, subevt; all differ."""
    number = np.arange(count)
    return np.stack(
        [10000 + 0 * number, number // 6, 0 * number, number % 6 // 2 + 900, number % 2 + 1], axis=1
    )


def write_caf_file(
    path, keys, truth_keys, codes, *, energies=None, axes=(0, 1, 2), with_cycle=True, pixels=None
):
    """One h5caf file; image ``i`` is ``tracks(i)``. Columns have the shape ``[rows, 1]``."""
    pixels = pixels or [tracks(i) for i in range(len(keys))]
    with h5py.File(path, "w") as file:
        for table, table_keys in ((MAPS, keys), (TRUTH, truth_keys)):
            group = file.create_group(table)
            for column, (name, kind) in enumerate(KEY_TYPES.items()):
                if name != "cycle" or with_cycle:
                    numbers = np.asarray(table_keys)[:, column : column + 1]
                    group.create_dataset(name, data=numbers.astype(kind))
        for column, name in enumerate(("cvnmap", "cvnlabmap", "cvnobjmap")):
            images = np.array([sets[column].transpose(axes) for sets in pixels], np.uint8)
            rows = images.reshape(len(pixels), 16000)
            file[MAPS].create_dataset(
                name, data=rows, chunks=(4, 16000), compression="gzip", maxshape=(None, 16000)
            )
        for name in ("firstplane", "firstcellx", "firstcelly"):
            file[MAPS].create_dataset(name, data=np.zeros((len(keys), 1), "u4"))
        interaction = np.asarray(codes, "u4").reshape(-1, 1)
        file[TRUTH].create_dataset("interaction", data=interaction)
        if energies is not None:
            file[TRUTH].create_dataset("nuenergy", data=np.array(energies, "f4").reshape(-1, 1))
    return path


def write_sparse_file(path, events, *, numbers=None):
    """One sparse file of ``(values, labels, objects)`` images of ``[2, 100, 80]``."""
    numbers = range(len(events)) if numbers is None else numbers
    rows: list[list[np.ndarray]] = [[], [], [], []]
    for number, (values, labels, objects) in zip(numbers, events, strict=True):
        flat = np.flatnonzero(values)
        rows[0].append(np.stack([np.full(len(flat), number), flat], axis=1))
        for column, image in zip(rows[1:], (values, labels, objects), strict=True):
            column.append(image.reshape(-1)[flat])
    names = ("cvnmap_index", "cvnmap_value", "cvnmap_label", "cvnmap_object")
    with h5py.File(path, "w") as file:
        for name, parts in zip(names, rows, strict=True):
            file.create_dataset(name, data=np.concatenate(parts))
    return path


@pytest.fixture(scope="session")
def nova_tracks():
    return tracks


@pytest.fixture(scope="session")
def nova_keys():
    return keys_of


@pytest.fixture(scope="session")
def write_caf():
    return write_caf_file


@pytest.fixture(scope="session")
def write_sparse():
    return write_sparse_file
