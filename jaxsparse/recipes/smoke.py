"""A small network for a first look: a few minutes on two cores, compilation included.

    jaxsparse train --config=smoke --workdir=runs/smoke \\
        --config.data.train=train.h5 --config.data.validation=validation.h5

Not a published recipe: eight filters, four levels, pixel weights that fall off from instances of
250 pixels on, Adam with a cosine over 1,500 steps.
"""

from ml_collections import ConfigDict

from jaxsparse.training.config import default_config


def get_config() -> ConfigDict:
    config = default_config()
    config.model.filters = 8
    config.model.depth = 4
    config.model.blocks = 1

    config.data.num_buckets = 2

    config.objectives.semantic.cluster_scale = 5.0

    config.optimizer.name = "adam"
    config.optimizer.learning_rate = 5e-3
    config.optimizer.schedule = "cosine"
    config.optimizer.warmup_steps = 10

    config.train.cpu_devices = 2
    config.train.batch_size = 8
    config.train.steps = 1500
    config.train.log_every = 20
    config.train.validate_every = 200
    config.train.validation_events = 60
    config.train.checkpoint_every = 200
    return config
