"""MicroBooNE in three dimensions: candidates of the wire planes told ghost or real, and named.

    jaxsparse candidates planes.h5 --out=volume.h5
    jaxsparse train --config=microboone_volume --workdir=runs/microboone_volume \\
        --config.data.train=volume.h5 --config.data.validation=validation_volume.h5

No published recipe. UResNet of L. Domine and K. Terao (arXiv 1903.05663: depth 5, 16 filters, Adam
at 1e-3, cubes of 192 voxels) on voxels that two or three planes show
(``docs/three_dimensions.md``). It sees the charges of these planes; a ghost is one more class. All
candidates weigh the same; a plane's mask is that of ``jaxsparse candidates``.
"""

from ml_collections import ConfigDict

from jaxsparse.detectors.microboone import CLASS_NAMES, PLANES
from jaxsparse.training.config import NO_BOUND, default_config


def get_config() -> ConfigDict:
    config = default_config()
    config.model.heads.semantic.num_classes = len(CLASS_NAMES) + 1
    config.model.dim, config.model.filters = 3, 16

    config.data.views, config.data.gathered = ("candidates",), PLANES
    config.model.in_channels = 1 + len(PLANES)
    config.data.low, config.data.high = 0.0, NO_BOUND
    config.data.mean, config.data.std = 0.0, 50.0
    config.data.crop = (192, 192, 192)

    config.objectives.semantic.reduction = "mean"
    config.objectives.semantic.cluster_low = config.objectives.semantic.cluster_high = 1e-3
    config.objectives.semantic.vertex_weight = 1e-3

    config.optimizer.name = "adam"
    config.optimizer.learning_rate = 1e-3
    config.optimizer.schedule = "plateau"
    config.optimizer.gradient_clip = 1.0

    config.train.batch_size = 16
    config.train.steps = 20_000
    config.train.validate_every = 500
    config.train.validation_events = 500
    config.train.checkpoint_every = 500
    return config
