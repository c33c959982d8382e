"""SparseSSNet for the first induction plane, U, by the published recipe.

    jaxsparse train --config=sparsessnet_u --workdir=runs/sparsessnet_u \\
        --config.data.train=train.h5 --config.data.validation=validation.h5

Source and settings: ``sparsessnet_y.py``; one set of weights per plane, only the plane differs.
"""

from ml_collections import ConfigDict

from jaxsparse.recipes import sparsessnet_y


def get_config() -> ConfigDict:
    config = sparsessnet_y.get_config()
    config.data.views = ("U",)
    return config
