"""A small network on NOvA's candidates in three dimensions, for a first look.

    jaxsparse simulate --detector=nova --out=nova.h5 --events=4000 --seed=1
    jaxsparse candidates nova.h5 --out=nova_volume.h5
    jaxsparse train --config=nova_volume_smoke --workdir=runs/nova_volume_smoke \\
        --config.data.train=nova_volume.h5
    jaxsparse eval --model=runs/nova_volume_smoke --out=out/nova_volume_smoke

``nova_volume`` with eight filters on four levels and three epochs in batches of 32.
"""

from ml_collections import ConfigDict

from jaxsparse.recipes import nova_volume


def get_config() -> ConfigDict:
    config = nova_volume.get_config()
    config.model.filters, config.model.depth, config.model.blocks = 8, 4, 1
    config.model.heads.instance.channels = 32
    config.model.heads.instance.queries = 12

    config.data.split = (0.8, 0.1, 0.1)
    config.data.num_buckets = 1

    config.optimizer.learning_rate = 4e-3
    config.optimizer.warmup_steps = 20

    config.train.cpu_devices = 2
    config.train.batch_size = 32
    config.train.epochs = 3.0
    config.train.log_every = 20
    return config
