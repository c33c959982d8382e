"""NOvA events in three dimensions: both views and their candidates in one network.

    jaxsparse candidates nova.h5 --out=nova_volume.h5
    jaxsparse train --config=nova_lifted --workdir=runs/nova_lifted \\
        --config.data.train=nova_volume.h5

No published recipe. The training of ``nova_volume``; but instead of the energies of the hits that
show it, a candidate sees the features that a UResNet of each view has there, and all are trained
together. The pixels of both views are named, and told apart, too: by the same queries, so that a
particle has one number in both views and in space.
"""

from ml_collections import ConfigDict

from jaxsparse.detectors.detector import CANDIDATES
from jaxsparse.detectors.nova import NOVA_VIEWS
from jaxsparse.recipes import nova_volume
from jaxsparse.training.config import default_config


def get_config() -> ConfigDict:
    return lifted(nova_volume.get_config())


def lifted(config: ConfigDict) -> ConfigDict:
    """The config of a network on candidates as one of planes and candidates."""
    model = default_config("lifted_uresnet", tuple(config.model.heads)).model
    model.update({key: value for key, value in config.model.items() if key != "name"})
    config.model = model
    config.data.views, config.data.gathered = (*NOVA_VIEWS, CANDIDATES), ()
    config.model.views, config.model.in_channels = len(config.data.views), 1
    return config
