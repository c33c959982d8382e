"""What ``demo.py`` trains: a small SparseSSNet for plane Y, in about five minutes on two cores.

    jaxsparse simulate --out=train.h5 --events=3000 --seed=1 --views=Y \\
        --topology=published_bomb --window=704
    jaxsparse train --config=demo --workdir=runs/demo \\
        --config.data.train=train.h5 --config.data.validation=validation.h5

The classes, their order and the pixel weights' form are those of ``sparsessnet_y.py``. Changed for
the minutes: 16 filters, one block a level, features in bfloat16, batches of 8, Adam with a cosine
over 8,000 steps. Weights of pixels fall off from instances of 50 pixels on, at 0.1 instead of
0.02, and those of Michel electrons count double: there are few of them, and small.
"""

from ml_collections import ConfigDict

from jaxsparse.recipes import smoke


def get_config() -> ConfigDict:
    config = smoke.get_config()
    config.model.filters = 16
    config.model.depth = 5
    config.model.dtype = "bfloat16"

    config.objectives.semantic.cluster_high = 0.1
    config.objectives.semantic.class_weights = (1.0, 1.0, 1.0, 1.0, 2.0)

    config.train.steps = 8000
    config.train.validate_every = 1000
    config.train.checkpoint_every = 1000
    return config
