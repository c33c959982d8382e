"""UResNet on three-dimensional voxels of 3 mm, with SparseSSNet's classes.

    jaxsparse train --config=uresnet_3d --workdir=runs/uresnet_3d \\
        --config.data.train=train3d.h5 --config.data.validation=validation3d.h5

Source: L. Domine and K. Terao, arXiv 1903.05663 (UResNet on sparse 3-D images; theirs has depth 5
and 16 filters, Adam at 1e-3). Values are MeV per voxel, so there is no ADC mask; cubes of 192
voxels that keep the interaction; axes may be mirrored.
"""

from ml_collections import ConfigDict

from jaxsparse.detectors.microboone import MICROBOONE, VOXELS
from jaxsparse.training.config import default_config, see_views


def get_config() -> ConfigDict:
    config = default_config()
    config.model.dim = 3
    config.model.filters = 16

    see_views(config, MICROBOONE, VOXELS)
    config.data.crop = (192, 192, 192)

    config.optimizer.name = "adam"
    config.optimizer.learning_rate = 1e-3
    config.optimizer.schedule = "plateau"

    config.train.batch_size = 16
    config.train.steps = 20_000
    config.train.validate_every = 500
    config.train.validation_events = 500
    config.train.checkpoint_every = 500
    return config
