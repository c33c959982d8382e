"""A backbone that is compiled in seconds, for recipes of panoptic networks."""

import pathlib

from ml_collections import ConfigDict

from jaxsparse import models
from jaxsparse.config_file import load_config
from tests.toy_particles import PIXEL_CLASSES, VIEWS, write_particles


def on_small_backbone(config: ConfigDict) -> ConfigDict:
    """Puts the heads of a config on a UResNet of one level, and returns them."""
    heads = config.model.heads
    config.model = models.defaults("uresnet", [])
    config.model.update({"views": 2, "filters": 8, "depth": 1, "blocks": 1, "heads": heads})
    config.model.update({"shared_stem": True, "shared_stages": True})
    return config.model.heads


def short_training(recipe: str, folder: pathlib.Path, cache_dir: str) -> ConfigDict:
    """A recipe of wire planes on a small backbone: 40 steps on small files in the folder."""
    config = load_config(recipe)
    on_small_backbone(config).semantic.num_classes = len(PIXEL_CLASSES)
    config.data.train = str(write_particles(folder / "t.h5", 48, 1))
    config.data.validation = str(write_particles(folder / "v.h5", 12, 2))
    config.data.views, config.data.split, config.data.crop = VIEWS, (), ()
    config.data.mean, config.data.std = 60.0, 30.0
    config.optimizer.schedule, config.optimizer.learning_rate = "constant", 2e-2
    config.train.cache_dir, config.train.cpu_devices, config.train.devices = cache_dir, 0, 1
    config.train.start_from, config.train.batch_size, config.train.steps = "", 12, 40
    config.train.log_every, config.train.validate_every = 10, 40
    return config
