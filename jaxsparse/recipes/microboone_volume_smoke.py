"""A small network on MicroBooNE's candidates in three dimensions, for a first look.

    jaxsparse simulate --out=planes.h5 --events=120 --seed=1 --views=U,V,Y,row_voxels
    jaxsparse candidates planes.h5 --out=volume.h5
    jaxsparse train --config=microboone_volume_smoke --workdir=runs/microboone_volume_smoke \\
        --config.data.train=volume.h5
    jaxsparse eval --model=runs/microboone_volume_smoke --out=out/microboone_volume_smoke

``microboone_volume`` with eight filters on four levels, 300 steps of four windows.
"""

from ml_collections import ConfigDict

from jaxsparse.recipes import microboone_volume


def get_config(only: str = ",".join(microboone_volume.HEADS)) -> ConfigDict:
    config = microboone_volume.get_config(only)
    config.model.filters, config.model.depth, config.model.blocks = 8, 4, 1

    config.data.split = (0.8, 0.1, 0.1)
    config.data.num_buckets = 1

    config.optimizer.learning_rate = 4e-3
    config.optimizer.schedule = "cosine"
    config.optimizer.warmup_steps = 20

    config.train.cpu_devices = 2
    config.train.batch_size = 4
    config.train.steps = 300
    config.train.validate_every = 100
    config.train.checkpoint_every = 100
    config.train.log_every = 20
    return config
