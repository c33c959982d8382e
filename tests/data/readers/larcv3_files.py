"""Small larcv3 files in their real layout, written from its description alone.

An event is a dict of products. An image is ``{projection: (shape, {coordinates: value})}``, a set
of clusters ``{projection: (shape, [(number, {coordinates: value}), ...])}``, particles a list of
dicts of fields.
"""

from __future__ import annotations

import h5py
import numpy as np

RANGE = np.dtype(
    {"names": ["first", "N"], "formats": ["<u8", "<u4"], "offsets": [0, 8], "itemsize": 16}
)
NAMED = np.dtype([("first", "<u8"), ("N", "<u4"), ("ID", "<u4")])
VOXEL = np.dtype(
    {"names": ["id", "value"], "formats": ["<u8", "<f4"], "offsets": [0, 8], "itemsize": 16}
)
EVENT = np.dtype([("run", "<i8"), ("subrun", "<i8"), ("event", "<i8")])
VERTEX = np.dtype([(axis, "<f8") for axis in "xyzt"])
PARTICLE = np.dtype(
    [("id", "<u2"), ("shape", "<i4"), ("trackid", "<u4"), ("pdg", "<i4")]
    + [(f"p{axis}", "<f8") for axis in "xyz"]
    + [("vtx", VERTEX), ("end_pt", VERTEX), ("energy_init", "<f8"), ("process", "S64")]
    + [("parent_trackid", "<u4")]
)


def meta_type(dim):
    return np.dtype(
        [
            ("valid", "u1"), ("projection_id", "<u8"), ("image_sizes", "<f8", (dim,)),
            ("number_of_voxels", "<u8", (dim,)), ("origin", "<f8", (dim,)),
        ]
    )  # fmt: skip


def voxel_number(place, shape):
    """C order: the last axis is the fastest."""
    number = 0
    for position, size in zip(place, shape, strict=True):
        number = number * size + position
    return number


def voxel_rows(pixels, shape):
    numbered = sorted((voxel_number(place, shape), value) for place, value in pixels.items())
    return [(number, value) for number, value in numbered]


def voxel_tables(product, events):
    """Tables of a product by name."""
    dim = int(product.split("_")[0][-2])
    clustered = product.startswith("cluster")
    extents: list[tuple] = []
    projections: list[tuple] = []
    metas: list[tuple] = []
    clusters: list[tuple] = []
    voxels: list[tuple] = []
    for event in events:
        images = event[product]
        extents.append((len(projections), len(images)))
        for number, (shape, content) in images.items():
            metas.append((1, number, shape, shape, (0.0,) * dim))
            if clustered:
                projections.append((len(clusters), len(content), number))
                for name, pixels in content:
                    clusters.append((len(voxels), len(pixels), name))
                    voxels += voxel_rows(pixels, shape)
            else:
                projections.append((len(voxels), len(content), number))
                voxels += voxel_rows(content, shape)
    tables = {
        "extents": np.array(extents, RANGE),
        "image_meta": np.array(metas, meta_type(dim)),
        "voxels": np.array(voxels, VOXEL),
    }
    if clustered:
        return {
            **tables,
            "projection_extents": np.array(projections, NAMED),
            "cluster_extents": np.array(clusters, NAMED),
        }
    return {**tables, "voxel_extents": np.array(projections, NAMED)}


def particle_tables(product, events):
    rows: list[np.ndarray] = []
    extents: list[tuple[int, int]] = []
    for event in events:
        extents.append((len(rows), len(event[product])))
        for number, fields in enumerate(event[product]):
            row = np.zeros((), PARTICLE)
            row["id"] = number
            for name, value in fields.items():
                row[name] = value
            rows.append(row)
    return {"extents": np.array(extents, RANGE), "particles": np.array(rows, PARTICLE)}


def write_larcv3_file(path, events, **replaced):
    """One file; ``replaced`` puts another table in the place of ``product__table``, None none."""
    with h5py.File(path, "w") as file:
        ids = [(7, 2, 100 + number) for number in range(len(events))]
        file.create_dataset("Events/event_id", data=np.array(ids, EVENT))
        for product in events[0]:
            make = particle_tables if product.startswith("particle") else voxel_tables
            for name, table in make(product, events).items():
                table = replaced.get(f"{product}__{name}", table)
                if table is not None:
                    file[f"Data/{product}_group/{name}"] = table
    return path


WIRES, TICKS = 40, 30
PLANE = (WIRES, TICKS)


def event(number):
    """A muon (id 0) along wire 3 + number with a delta ray (id 1) that shares a pixel with it."""
    wire = 3 + number
    muon = {(wire + step, 5 + step): 40.0 + step for step in range(6)}
    delta = {(wire + 2, 7): 10.0, (wire + 2, 8): 12.0}
    charge = {place: muon.get(place, 0) + delta.get(place, 0) for place in {**muon, **delta}}
    truth = {place: 2.0 if place in muon else 1.0 for place in charge}
    noise = {(39, 29): -3.0, (0, 0): 0.0}
    return {
        "sparse2d_wire": {
            plane: (PLANE, {**charge, **noise} if plane < 2 else charge) for plane in range(3)
        },
        "sparse2d_class": {plane: (PLANE, truth if plane else {}) for plane in range(3)},
        "cluster2d_mc": {plane: (PLANE, [(0, muon), (1, delta)]) for plane in range(3)},
        "particle_mc": [
            {
                "trackid": 10, "parent_trackid": 10, "pdg": 13, "pz": 300.0,
                "energy_init": 318.0624, "process": b"primary", "vtx": (1, 2, 3, 4000),
                "end_pt": (1, 2, 103, 4010),
            },
            {
                "trackid": 12, "parent_trackid": 10, "pdg": 11, "px": 4.0,
                "energy_init": 4.0325, "process": b"muIoni", "vtx": (1, 2, 50, 4005),
                "end_pt": (2, 2, 50, 4006),
            },
        ],
    }  # fmt: skip
