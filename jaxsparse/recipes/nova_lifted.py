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

from jaxsparse.detectors.nova import NOVA_VIEWS
from jaxsparse.recipes import nova_volume
from jaxsparse.training.config import see_lifted


def get_config() -> ConfigDict:
    return see_lifted(nova_volume.get_config(), *NOVA_VIEWS)
