"""SparseSSNet for ProtoDUNE-HD's collection plane, W: fine-tuned from MicroBooNE's plane Y.

    jaxsparse simulate --detector=protodune_hd --out=train.h5 --events=3000 --seed=301
    jaxsparse simulate --detector=protodune_hd --out=validation.h5 --events=300 --seed=302
    jaxsparse train --config=protodune_w --workdir=runs/protodune_w \\
        --config.data.train=train.h5 --config.data.validation=validation.h5

The network, the loss and the pixel weights of ``sparsessnet_y_whole.py``. The pixels are larger
(4.8 mm), the field is stronger, and the values are electrons: the mask and the scale are set so that
a minimum ionising particle reads as in MicroBooNE. A quarter of its learning rate, 32,000 crops.
"""  # noqa: E501

from ml_collections import ConfigDict

from jaxsparse.detectors.protodune import PROTODUNE
from jaxsparse.recipes import sparsessnet_y_whole


def get_config() -> ConfigDict:
    config = sparsessnet_y_whole.get_config()
    plane = PROTODUNE.view("W", 2)
    config.data.views = ("W",)
    config.data.low, config.data.high = plane.low, plane.high
    config.data.mean, config.data.std = plane.mean, plane.std

    config.optimizer.learning_rate = 1e-3
    config.optimizer.warmup_steps = 100

    config.train.start_from = "sparsessnet_y"
    config.train.steps = 2_000
    config.train.validate_every = 500
    config.train.validation_events = 300
    return config
