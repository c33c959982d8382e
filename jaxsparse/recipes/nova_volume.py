"""NOvA events in three dimensions: candidates told ghost or real, named, and told apart.

    jaxsparse candidates nova.h5 --out=nova_volume.h5
    jaxsparse train --config=nova_volume --workdir=runs/nova_volume \\
        --config.data.train=nova_volume.h5

No published recipe. UResNet on pairs of hits of both views (``docs/three_dimensions.md``). It sees
the energies of both hits; a ghost is one more class of pixels; particles are queries, of which
ghosts are none. All candidates weigh the same.
"""

from ml_collections import ConfigDict

from jaxsparse.detectors.nova import NOVA_PIXEL_CLASSES, NOVA_VIEWS
from jaxsparse.training.config import default_config, see_candidates


def get_config() -> ConfigDict:
    config = default_config("uresnet", ("semantic", "instance"))
    heads, objectives = config.model.heads, config.objectives
    heads.semantic.num_classes = heads.instance.num_classes = len(NOVA_PIXEL_CLASSES) + 1
    config.model.filters = 32

    see_candidates(config, *NOVA_VIEWS)
    config.data.mean, config.data.std = 14.57, 16.27  # of the experiment's hits
    config.data.crop = ()
    config.data.split = (0.9, 0.05, 0.05)
    config.data.flip_time = False  # the plane: the beam has a direction

    objectives.semantic.reduction = "mean"
    objectives.semantic.cluster_low = objectives.semantic.cluster_high = 1e-2
    objectives.semantic.vertex_weight = 1e-2

    config.optimizer.name = "adam"
    config.optimizer.learning_rate = 1e-3
    config.optimizer.schedule = "cosine"
    config.optimizer.warmup_steps = 500
    config.optimizer.gradient_clip = 1.0

    config.train.batch_size = 64
    config.train.epochs = 30.0
    config.train.validate_epochs = 1.0
    return config
