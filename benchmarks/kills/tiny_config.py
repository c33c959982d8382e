"""Networks that compile in a second or two, for runs that are killed again and again.

    jaxsparse train --config=benchmarks/kills/tiny_config.py:segmentation --workdir=runs/tiny \\
        --config.data.train=train.h5 --config.data.validation=validation.h5

``:segmentation`` labels pixels, ``:classification`` whole events. The periods of the log, of the
checkpoints and of the validations do not divide one another, and none divides the length.
"""

from ml_collections import ConfigDict

from jaxsparse.errors import InputError
from jaxsparse.training.config import classifier_config, default_config


def get_config(task: str = "segmentation") -> ConfigDict:
    if task == "segmentation":
        config = _segmentation()
    elif task == "classification":
        config = _classification()
    else:
        raise InputError(f"task is {task!r}: it must be segmentation or classification.")
    config.data.num_buckets = 1
    config.optimizer.warmup_steps = 3
    config.train.devices = 1
    config.train.batch_size = 4
    config.train.epochs = config.train.validate_epochs = 0.0
    config.train.steps = 39
    config.train.log_every = 7
    config.train.checkpoint_every = 5
    config.train.validate_every = 6
    return config


def _segmentation() -> ConfigDict:
    config = default_config()
    config.model.filters, config.model.depth, config.model.blocks = 2, 2, 1
    config.data.crop = (32, 32)
    config.optimizer.name, config.optimizer.learning_rate = "adam", 1e-2
    config.optimizer.schedule = "cosine"
    return config


def _classification() -> ConfigDict:
    config = classifier_config("mobilenet")
    config.model.heads.event.num_classes = 3
    config.model.width, config.model.merge_stage, config.model.reduction = 0.25, 1, 0
    config.model.stages = ((1, 8, 1, 2),)
    config.data.classes = ("numu", "nue", "nc")
    config.data.max_sites = 0
    config.optimizer.learning_rate = 0.05
    config.optimizer.plateau_patience = 1
    return config
