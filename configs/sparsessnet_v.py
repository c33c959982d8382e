"""SparseSSNet for the second induction plane, V, by the published recipe.

    python train.py --config=configs/sparsessnet_v.py --workdir=runs/sparsessnet_v \\
        --config.data.train=train.h5 --config.data.validation=validation.h5

Source and settings: ``sparsessnet_y.py``; one set of weights per plane, only the plane differs.
"""

import pathlib

from ml_collections import ConfigDict

from jaxsparse.command_line import load_config


def get_config() -> ConfigDict:
    config = load_config(str(pathlib.Path(__file__).with_name("sparsessnet_y.py")))
    config.data.views = ("V",)
    return config
