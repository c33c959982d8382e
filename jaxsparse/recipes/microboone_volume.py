"""MicroBooNE in three dimensions: candidates of the wire planes told ghost or real, and named.

    jaxsparse candidates planes.h5 --out=volume.h5
    jaxsparse train --config=microboone_volume --workdir=runs/microboone_volume \\
        --config.data.train=volume.h5 --config.data.validation=validation_volume.h5

No published recipe. The network and the training of ``uresnet_3d`` on voxels that two or three
planes show (``docs/three_dimensions.md``). It sees the charges of these planes; a ghost is one more
class. All candidates weigh the same; a plane's mask is that of ``jaxsparse candidates``.
"""

from ml_collections import ConfigDict

from jaxsparse.detectors.microboone import CLASS_NAMES, PLANES
from jaxsparse.recipes import uresnet_3d
from jaxsparse.training.config import see_candidates


def get_config() -> ConfigDict:
    config = uresnet_3d.get_config()
    config.model.heads.semantic.num_classes = len(CLASS_NAMES) + 1

    see_candidates(config, *PLANES)
    config.data.mean, config.data.std = 0.0, 50.0

    config.objectives.semantic.reduction = "mean"
    config.objectives.semantic.cluster_low = config.objectives.semantic.cluster_high = 1e-3
    config.objectives.semantic.vertex_weight = 1e-3

    config.optimizer.gradient_clip = 1.0
    return config
