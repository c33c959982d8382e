"""SparseSSNet for plane Y with as many crops as the published training, on two CPU cores.

    jaxsparse simulate --out=train.h5 --events=120000 --seed=101 --views=Y \\
        --topology=published_bomb --window=704
    jaxsparse simulate --out=validation.h5 --events=2000 --seed=102 --views=Y \\
        --topology=published_bomb --window=704
    jaxsparse train --config=sparsessnet_y_whole --workdir=runs/y \\
        --config.data.train=train.h5 --config.data.validation=validation.h5

The network and the pixel weights of ``sparsessnet_y.py``, and 1,024,000 crops (published: 1.02
million). Changed: features in bfloat16; Adam as in the published code, with batches of 16 instead
of 64, the rate that was best in short trainings (``docs/results.md``), a warm-up and a cosine;
averaged weights; a fifth of the crops anywhere in the image instead of about the interaction, for
whole planes are mostly cosmic muons.
"""

from ml_collections import ConfigDict

from jaxsparse.recipes import sparsessnet_y


def get_config() -> ConfigDict:
    config = sparsessnet_y.get_config()
    config.model.dtype = "bfloat16"

    config.data.crop_anywhere = 0.2
    config.data.num_buckets = 2

    config.optimizer.name = "adam"
    config.optimizer.learning_rate = 4e-3
    config.optimizer.gradient_clip = 0.0
    config.optimizer.warmup_steps = 500
    config.optimizer.schedule = "cosine"

    config.train.cpu_devices = 2
    config.train.batch_size = 16
    config.train.steps = 64_000
    config.train.average_decay = 0.999
    config.train.validate_every = 2_000
    config.train.validation_events = 1_000
    config.train.checkpoint_every = 500
    return config
