"""Plane Y of MicroBooNE by one UResNet: classes of pixels, and which pixels are of one particle.

    jaxsparse train --config=microboone_panoptic --workdir=runs/microboone_panoptic \\
        --config.data.train=train.h5 --config.data.validation=validation.h5

It begins with the network that comes with the package, ``sparsessnet_y``, and trains all of it:
backbone, crops and the loss of pixels are those of that recipe. The head ``edges`` says of pairs of
near pixels whether both are of one particle (``docs/network.md``); groupings make particles of it.
``microboone_panoptic:semantic,embedding`` has these heads instead, of ``semantic``, ``edges``,
``embedding`` and ``instance``.

Ours: features in bfloat16, means of losses, Adam with a short warm-up and a cosine.
"""

from ml_collections import ConfigDict

from jaxsparse.detectors.microboone import CLASS_NAMES
from jaxsparse.recipes import sparsessnet_y
from jaxsparse.training.config import default_config, with_heads

HEADS = ("semantic", "edges", "embedding", "instance")


def get_config(only: str = "semantic,edges") -> ConfigDict:
    config = default_config(heads=HEADS)
    base = sparsessnet_y.get_config()
    config.data, config.train = base.data, base.train
    config.data.num_buckets = 2
    config.model.dtype = "bfloat16"

    config.objectives.semantic.reduction = "mean"
    config.objectives.edges.weight = 5.0  # so that both losses are about as large
    config.objectives.embedding.weight = 2.0
    config.model.heads.instance.num_classes = len(CLASS_NAMES)
    config.model.heads.instance.queries = 24  # 95 % of the crops have no more instances of 5 pixels

    config.optimizer.name = "adam"
    config.optimizer.learning_rate = 1e-3
    config.optimizer.schedule = "cosine"
    config.optimizer.warmup_steps = 50

    config.train.start_from = "sparsessnet_y"
    config.train.batch_size = 16
    config.train.steps = 10_000
    return with_heads(config, only.split(","))
