"""MicroBooNE in three dimensions: candidates of the wire planes told ghost or real, and named.

    jaxsparse candidates planes.h5 --out=volume.h5
    jaxsparse train --config=microboone_volume --workdir=runs/microboone_volume \\
        --config.data.train=volume.h5 --config.data.validation=validation_volume.h5

No published recipe. The network and the training of ``uresnet_3d`` on voxels that two or three
planes show (``docs/three_dimensions.md``). It sees the charges of these planes; a ghost is one more
class. All candidates weigh the same; a plane's mask is that of ``jaxsparse candidates``. Particles
are told apart by embeddings: there are too many for queries. Half of the windows are anywhere in
the readout, so that the network sees cosmic muons as it meets them in whole readouts.
``microboone_volume:semantic`` has this head alone.
"""

from ml_collections import ConfigDict

from jaxsparse.detectors.microboone import CLASS_NAMES, PLANES
from jaxsparse.recipes import uresnet_3d
from jaxsparse.training.config import default_config, see_candidates, with_heads

HEADS = ("semantic", "embedding")


def get_config(only: str = ",".join(HEADS)) -> ConfigDict:
    config = default_config(heads=HEADS)
    base = uresnet_3d.get_config()
    config.data, config.optimizer, config.train = base.data, base.optimizer, base.train
    config.model.dim, config.model.filters = base.model.dim, base.model.filters
    config.model.heads.semantic.num_classes = len(CLASS_NAMES) + 1

    see_candidates(config, *PLANES)
    config.data.mean, config.data.std = 0.0, 50.0
    config.data.crop_anywhere = 0.5

    config.objectives.semantic.reduction = "mean"
    config.objectives.semantic.cluster_low = config.objectives.semantic.cluster_high = 1e-3
    config.objectives.semantic.vertex_weight = 1e-3

    config.optimizer.gradient_clip = 1.0
    return with_heads(config, only.split(","))
