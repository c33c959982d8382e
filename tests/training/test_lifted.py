"""Planes and their candidates trained together, in windows, and evaluated whole."""

import itertools
import pathlib

import h5py
import numpy as np
import pytest

from jaxsparse.config_file import load_config
from jaxsparse.data.event_file import EventWriter
from jaxsparse.data.links import Links
from jaxsparse.data.schema import PARTICLE_DTYPE, Event, View
from jaxsparse.detectors.detector import CANDIDATES
from jaxsparse.evaluation.evaluator import evaluate
from jaxsparse.evaluation.options import Options
from jaxsparse.training import loop
from jaxsparse.training.logs import read_records

SHAPES = {"top": (24, 20), "side": (24, 18), CANDIDATES: (24, 20, 18)}
CLASSES, VALUES = ("dim", "bright", "ghost"), (30.0, 90.0)


def event_of(rng: np.random.Generator, number: int) -> Event:
    """A dim and a bright track; where both have a pixel in a row, two more sites are ghosts."""
    planes, pixels = {}, {}
    for name in ("top", "side"):
        side = SHAPES[name][1]
        found = []
        for track, place in enumerate(rng.choice(np.arange(2, side - 2, 4), 2, replace=False)):
            slope = rng.choice([-1, 0, 1])
            found += [
                (row, int(np.clip(place + slope * row // 4, 0, side - 1)), track)
                for row in range(4, 20)
            ]
        kept = {(row, cell): track for row, cell, track in found}
        places = sorted(kept)
        tracks = np.array([kept[place] for place in places], np.int32)
        values = np.array(VALUES)[tracks] + rng.normal(0, 4, len(tracks))
        planes[name] = View(
            np.array(places, np.int32), values.astype(np.float32), SHAPES[name],
            labels=tracks.astype(np.int8), instance=tracks,
        )  # fmt: skip
        pixels[name] = [(own, *place, kept[place]) for own, place in enumerate(places)]
    sites = sorted(
        ((row, cell, other), (one, two), track if track == partner else -1)
        for (one, row, cell, track), (two, there, other, partner) in itertools.product(
            pixels["top"], pixels["side"]
        )
        if row == there
    )
    shown = np.array([rows for _, rows, _ in sites])
    instance = np.array([track for _, _, track in sites], np.int32)
    least = np.minimum(*(planes[name].values[shown[:, n]] for n, name in enumerate(planes)))
    own, ones = np.arange(len(sites)), np.ones(len(sites))
    volume = View(
        np.array([place for place, _, _ in sites], np.int32), least, SHAPES[CANDIDATES],
        labels=np.where(instance < 0, 2, instance).astype(np.int8), instance=instance,
        links={name: Links.of(own, shown[:, n], ones, len(sites))
               for n, name in enumerate(planes)},
    )  # fmt: skip
    particles = np.zeros(2, PARTICLE_DTYPE)
    particles["parent"], particles["label"], particles["instance"] = -1, [0, 1], [0, 1]
    return Event(number, {**planes, CANDIDATES: volume}, particles)


def write(path: pathlib.Path, events: int, seed: int) -> pathlib.Path:
    rng = np.random.default_rng(seed)
    with EventWriter(path, detector="toy", views=SHAPES, class_names=CLASSES) as writer:
        for number in range(events):
            writer.append(event_of(rng, number))
    return path


@pytest.fixture
def config(tmp_path, cache_dir):
    """The recipe ``microboone_lifted_smoke`` on toy tracks, with a network of one level."""
    config = load_config("microboone_lifted_smoke")
    config.data.train = str(write(tmp_path / "t.h5", 24, 1))
    config.data.validation = str(write(tmp_path / "v.h5", 6, 2))
    config.data.views, config.model.views, config.data.split = tuple(SHAPES), 3, ()
    config.data.crop, config.data.mean, config.data.std = (12, 16, 16), 60.0, 30.0
    config.model.filters, config.model.depth = 6, 1
    config.model.heads.semantic.num_classes = len(CLASSES)
    config.model.heads.embedding.update({"channels": 4, "reach": 8, "hidden": 8})
    config.objectives.embedding.update({"most": 4, "sample": 8})
    config.optimizer.schedule, config.optimizer.learning_rate = "constant", 2e-2
    config.train.cache_dir, config.train.cpu_devices, config.train.devices = cache_dir, 0, 1
    config.train.batch_size, config.train.steps = 6, 24
    config.train.log_every, config.train.validate_every = 6, 24
    return config


def test_windows_of_planes_and_candidates_are_learned_and_whole_events_evaluated(config, tmp_path):
    loop.train(config, tmp_path / "run")
    train = [record for record in read_records(tmp_path / "run") if record["split"] == "train"]
    assert train[-1]["loss"] < 0.7 * train[0]["loss"]
    assert train[-1]["heads"]["embedding"]["loss"] < train[0]["heads"]["embedding"]["loss"]

    seen = {}
    for whole in (False, True):
        options = Options(part="all", pictures=0, whole_plane=whole)
        out = tmp_path / f"out{whole}"
        evaluate(tmp_path / "run", config.data.validation, out, options, quiet=True)
        with h5py.File(out / "predictions.h5") as said, h5py.File(config.data.validation) as file:
            rows = np.bincount(np.asarray(said["view"]), np.diff(said["offsets"]), 3)
            sizes = [len(file[f"views/{name}/values"]) for name in SHAPES]
        seen[whole] = rows
    np.testing.assert_array_equal(seen[True], sizes)
    assert (seen[False] > 0).all()
    assert (seen[False] < seen[True]).all()
