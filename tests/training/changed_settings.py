"""Event files, and configs in which one setting is another: what cases of settings are made of."""

import dataclasses
import functools
from typing import Any

import h5py
import numpy as np

from jaxsparse.data.event_file import EventWriter
from jaxsparse.data.links import Links
from jaxsparse.data.schema import PARTICLE_DTYPE, Event
from jaxsparse.detectors.microboone import CLASS_NAMES
from jaxsparse.training.config import default_config
from tests.random_views import random_view

SHAPE, EVENT_CLASSES = (24, 20), ("numu", "nue", "nc")
Changes = dict[str, Any]


@dataclasses.dataclass(frozen=True)
class Case:
    """Another value of a key, and what the config must say beside it for the key to matter."""

    value: Any
    beside: Changes = dataclasses.field(default_factory=dict)


def write_events(path, seed):
    """Nine events in views with truth, U and Y linked to V; the last one is damaged for seed 3."""
    views = {"U": SHAPE, "Y": SHAPE, "V": SHAPE}
    with EventWriter(
        path, detector="toy", views=views, class_names=CLASS_NAMES, event_classes=EVENT_CLASSES,
    ) as writer:  # fmt: skip
        particles = np.zeros(6, PARTICLE_DTYPE)
        particles["parent"], particles["direction"] = -1, (0.0, 0.6, 0.8)
        for number in range(9):
            rng = np.random.default_rng([seed, number])
            pixels = np.arange(20 + 25 * number)
            images = {name: random_view(rng, len(pixels), SHAPE) for name in views}
            for name, view in images.items():
                links = {} if name == "V" else {"V": Links.own([len(pixels)])}
                time = {"time": rng.normal(size=len(pixels))}
                images[name] = dataclasses.replace(view, links=links, further=time)
            writer.append(Event(number, images, particles, label=number % 3))
    if seed == 3:
        with h5py.File(path, "r+") as file:
            file["views/Y/coords"][-1] = 1000  # outside of the image
    return str(path)


def base_config(files, heads=("semantic", "event")):
    """A small network of two views and two heads on these files."""
    config = default_config(heads=heads)
    config.model.update({"views": 2, "filters": 1, "depth": 2, "blocks": 1, "vocabulary": "dense"})
    config.model.heads.event.num_classes = 3
    data = config.data
    data.train, data.validation = files["TRAIN"], files["VALIDATION"]
    data.views, data.crop, data.num_buckets = ("U", "Y"), (16, 16), 1
    config.train.update({"batch_size": 4, "steps": 6, "devices": 1, "cache_dir": ""})
    config.train.update({"log_every": 2, "validate_every": 3, "checkpoint_every": 3})
    return config


def changed(files, changes, heads):
    """The config with some keys changed; names of files stand for their paths."""
    config = base_config(files, heads)
    for key, value in changes.items():
        *groups, name = key.split(".")
        owner = functools.reduce(getattr, groups, config)
        owner[name] = files.get(value, value) if isinstance(value, str) else value
    return config
