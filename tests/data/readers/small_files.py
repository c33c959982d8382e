"""Small files of other programs in their real layouts: NOvA's two and edep-sim's."""

from __future__ import annotations

import h5py
import numpy as np

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


SEGMENT = np.dtype(
    [(name, np.uint32) for name in ("eventID", "trackID")]
    + [(f"{axis}_{end}", np.float32) for end in ("start", "end") for axis in "xyz"]
    + [("dE", np.float32), ("dx", np.float32), ("t0_start", np.float64)]
)
TRAJECTORY = np.dtype(
    [("eventID", np.uint32), ("trackID", np.uint32), ("parentID", np.int32)]
    + [("pdgId", np.int32), ("start_process", np.uint32), ("start_subprocess", np.uint32)]
    + [("t_start", np.float32)]
    + [(name, np.float32, (3,)) for name in ("pxyz_start", "xyz_start", "xyz_end")]
)


def muon_event(event, length=200.0):
    """A muon along y with a delta ray halfway, and a Michel electron at its end."""
    tracks = np.zeros(3, TRAJECTORY)
    tracks["eventID"], tracks["trackID"] = event, [4, 7, 9]
    tracks["parentID"], tracks["pdgId"] = [-1, 4, 4], [13, 11, 11]
    tracks["start_process"], tracks["start_subprocess"] = [2, 2, 6], [22, 2, 201]
    tracks["pxyz_start"] = [(0, 600, 0), (5, 0, 0), (0, 0, 40)]
    tracks["xyz_start"] = 10 * np.array([(1, 0, 2), (1, length / 2, 2), (1, length, 2)])
    tracks["xyz_end"] = 10 * np.array([(1, length, 2), (3, length / 2, 2), (1, length, 9)])
    steps = int(length)
    segments = np.zeros(steps + 2, SEGMENT)
    segments["eventID"], segments["trackID"] = event, [4] * steps + [7, 9]
    place = np.arange(steps, dtype=float)
    start = np.column_stack([np.ones(steps), place, np.full(steps, 2.0)])
    for column, axis in enumerate("xyz"):
        segments[f"{axis}_start"][:steps] = start[:, column]
        segments[f"{axis}_end"][:steps] = start[:, column] + (axis == "y")
        for row, track in ((steps, 1), (steps + 1, 2)):
            segments[f"{axis}_start"][row] = tracks["xyz_start"][track, column] / 10
            segments[f"{axis}_end"][row] = tracks["xyz_end"][track, column] / 10
    segments["dE"], segments["dx"] = [2.1] * steps + [4.5, 20], [1.0] * steps + [2, 7]
    return segments, tracks


def write_edep_sim_file(path, *events, **replaced):
    parts = [muon_event(event) for event in events or (3, 5)]
    tables = {
        "segments": np.concatenate([segments for segments, _ in parts]),
        "trajectories": np.concatenate([tracks for _, tracks in parts]),
        **replaced,
    }
    with h5py.File(path, "w") as file:
        for name, table in tables.items():
            if table is not None:
                file[name] = table
    return path
