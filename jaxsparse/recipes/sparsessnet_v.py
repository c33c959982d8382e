"""SparseSSNet for the second induction plane, V, by the published recipe.

    jaxsparse train --config=sparsessnet_v --workdir=runs/sparsessnet_v \\
        --config.data.train=train.h5 --config.data.validation=validation.h5

Source and settings: ``sparsessnet_y.py``; one set of weights per plane, only the plane differs.
"""

from ml_collections import ConfigDict

from jaxsparse.recipes import sparsessnet_y


def get_config() -> ConfigDict:
    config = sparsessnet_y.get_config()
    config.data.views = ("V",)
    return config
