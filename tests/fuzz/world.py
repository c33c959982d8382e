"""A folder of good inputs and of everything that an input can be instead."""

from __future__ import annotations

import hashlib
import os
import pathlib
import zlib
from typing import Any

import h5py
import numpy as np

from jaxsparse.data.event_file import EventWriter
from jaxsparse.data.schema import PARTICLE_DTYPE, Event
from jaxsparse.detectors.microboone import CLASS_NAMES
from tests.data.readers.larcv3_files import event, write_larcv3_file
from tests.data.readers.small_files import (
    keys_of,
    tracks,
    write_caf_file,
    write_edep_sim_file,
    write_sparse_file,
)
from tests.data.readers.wire_cell_files import arrays, write_archive
from tests.random_views import random_view

SHAPE = (24, 20)
CLASSES = ("numu", "nue", "nc")
CONFIG = """
from jaxsparse.training.config import classifier_config, default_config

def get_config(text="pixels"):
    config = default_config() if text == "pixels" else classifier_config()
    if text == "pixels":
        config.model.filters, config.model.depth, config.model.blocks = 1, 2, 1
        config.data.crop = (16, 16)
        config.data.train = config.data.validation = "pixels.h5"
    else:
        config.model.heads.event.num_classes = 3
        config.model.width, config.model.stages = 0.25, ((1, 8, 1, 2),)
        config.model.merge_stage = 1
        config.data.train, config.data.split = "events.h5", (0.5, 0.5)
        config.train.validate_epochs = 0.0
    config.data.num_buckets = 1
    config.train.batch_size, config.train.steps, config.train.devices = 4, 1, 1
    config.train.validate_every = 1
    config.train.cache_dir = ""
    config.optimizer.schedule = "constant"
    return config
"""
INPUTS = {
    "pixels.h5", "events.h5", "plain.h5", "eventless.h5", "edep.h5", "caf.h5", "sparse.h5", "dune",
    "larcv3.h5", "frames.tar.gz",
}  # fmt: skip


def build(folder: pathlib.Path) -> None:
    """Fills an empty folder."""
    _write_events(folder / "pixels.h5", 5, views=("Y",), truth=True)
    _write_events(folder / "plain.h5", 3, views=("Y",), truth=False)
    _write_events(folder / "events.h5", 12, views=("XZ", "YZ"), classes=CLASSES)
    _write_events(folder / "eventless.h5", 0, views=("Y",), truth=True)
    write_edep_sim_file(folder / "edep.h5")
    keys = keys_of(3)
    write_caf_file(folder / "caf.h5", keys, keys, [0, 4, 13])
    write_sparse_file(folder / "sparse.h5", [tracks(number) for number in range(3)])
    _write_dune(folder / "dune")
    products = [event(number) for number in range(3)]
    for entry in products:
        del entry["sparse2d_class"]  # then nothing must be chosen
    write_larcv3_file(folder / "larcv3.h5", products)
    samples = np.maximum(np.random.default_rng(1).normal(-2, 1, (2560, 30)), 0).astype(np.float32)
    frames = [arrays(number, samples, range(2560), masks=[(9, 0, 30)]) for number in range(2)]
    write_archive(folder / "frames.tar.gz", *frames)
    with h5py.File(folder / "other.h5", "w") as file:
        file["weights/kernel"] = np.arange(6.0)
        file.attrs["format"] = "another-format"
    (folder / "tiny.py").write_text(CONFIG)
    (folder / "text.txt").write_text("some text\n" * 40)
    (folder / "empty").touch()
    (folder / "noise.bin").write_bytes(np.random.default_rng(0).bytes(5000))
    (folder / "folder").mkdir()
    (folder / "folder/inner.txt").write_text("inner")
    (folder / "loop").symlink_to(folder / "loop")
    (folder / "dangling").symlink_to(folder / "nowhere")
    (folder / "link.h5").symlink_to("pixels.h5")
    os.mkfifo(folder / "pipe")
    (folder / "config.json").write_text('{"mine": 1}')
    (folder / "flags.txt").write_text("--config=tiny.py\n--seed=1\n")
    (folder / "broken.py").write_text("def get_config():\n    return 1 / 0\n")
    (folder / "odd [1]*?\\ ").mkdir()
    (folder / "odd [1]*?\\ /pixels.h5").write_bytes((folder / "pixels.h5").read_bytes())
    for name in sorted(INPUTS - {"dune"}):
        content = (folder / name).read_bytes()
        (folder / f"cut_{name}").write_bytes(content[: len(content) // 2])


def spoil(
    path: pathlib.Path, changes: list[tuple[float, int]], kept: float = 1.0, *, anywhere: bool
) -> None:
    """Changes bytes of a file, (place as a share of all, bits to flip), and cuts it.

    With ``anywhere=False`` an HDF5 file is changed where it stores values alone: on damaged
    metadata the HDF5 library itself may loop for ever or end the process.
    """
    content = bytearray(path.read_bytes())
    places: np.ndarray = np.arange(len(content))
    if path.suffix == ".h5" and not anywhere:
        places = _stored_bytes(path)
    for place, bits in changes if len(places) else ():
        content[places[min(int(place * len(places)), len(places) - 1)]] ^= bits
    path.write_bytes(content[: int(kept * len(content))])


def _stored_bytes(path: pathlib.Path) -> np.ndarray:
    """Places in the file of all bytes of its datasets."""
    ranges: list[range] = [range(0)]

    def visit(_: str, item: Any) -> None:
        if isinstance(item, h5py.Dataset) and item.chunks:
            for number in range(item.id.get_num_chunks()):
                chunk = item.id.get_chunk_info(number)
                ranges.append(range(chunk.byte_offset, chunk.byte_offset + chunk.size))
        elif isinstance(item, h5py.Dataset) and (start := item.id.get_offset()) is not None:
            ranges.append(range(start, start + item.id.get_storage_size()))

    with h5py.File(path, "r") as file:
        file.visititems(visit)
    return np.concatenate([np.array(places, np.int64) for places in ranges])


def snapshot(folder: pathlib.Path) -> dict[str, str]:
    """A digest of everything below a folder, by path."""
    found = {}
    for where, folders, files in os.walk(folder):
        for name in folders:
            found[os.path.join(where, name)] = "folder"
        for name in files:
            path = os.path.join(where, name)
            if os.path.islink(path):
                found[path] = f"link to {os.readlink(path)}"
            elif not os.path.isfile(path):
                found[path] = "special"
            else:
                with open(path, "rb") as file:
                    found[path] = hashlib.sha1(file.read()).hexdigest()
    return found


def _write_events(
    path: pathlib.Path,
    events: int,
    *,
    views: tuple[str, ...],
    truth: bool = False,
    classes: tuple[str, ...] = (),
) -> None:
    particles = np.zeros(6 if truth else 0, PARTICLE_DTYPE)
    particles["parent"], particles["kinetic_energy"] = -1, 100.0
    particles["direction"] = (0.0, 0.6, 0.8)
    with EventWriter(
        path,
        detector="toy",
        views=dict.fromkeys(views, SHAPE),
        event_classes=classes,
        class_names=CLASS_NAMES,
    ) as writer:
        for number in range(events):
            rng = np.random.default_rng(number)
            images = {
                name: random_view(rng, int(rng.integers(10, 60)), SHAPE, truth=truth)
                for name in views
            }
            label = number % len(classes) if classes else -1
            writer.append(Event(number, images, particles, label=label))


def _write_dune(folder: pathlib.Path) -> None:
    for label, name in enumerate(("nue", "nc")):
        (folder / name).mkdir(parents=True)
        image = np.zeros((3, 500, 500), np.uint8)
        image[label, 1, 2] = 9
        (folder / name / "event1.gz").write_bytes(zlib.compress(image.tobytes()))
        (folder / name / "event1.info").write_text("0\n" * 15)
