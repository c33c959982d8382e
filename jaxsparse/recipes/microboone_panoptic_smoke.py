"""A first look at ``microboone_panoptic``: minutes on two cores, simulation and pictures included.

    jaxsparse simulate --out=train.h5 --events=2500 --views=Y --topology=published_bomb \\
        --seed=301 --window=704
    jaxsparse train --config=microboone_panoptic_smoke --workdir=runs/panoptic \\
        --config.data.train=train.h5
    jaxsparse simulate --out=test.h5 --events=60 --views=Y --topology=published_bomb --seed=203
    jaxsparse eval --model=runs/panoptic --data=test.h5 --out=out

5,120 crops in batches of 8: five minutes of processor time (``docs/panoptic_wires.md``).
"""

from ml_collections import ConfigDict

from jaxsparse.recipes import microboone_panoptic


def get_config(only: str = "semantic,edges") -> ConfigDict:
    config = microboone_panoptic.get_config(only)
    config.data.split = (0.9, 0.1, 0.0)
    config.optimizer.warmup_steps = 20

    config.train.cpu_devices = 2
    config.train.batch_size = 8
    config.train.steps = 640
    config.train.log_every = 10
    config.train.validate_every = 320
    config.train.validation_events = 64
    config.train.checkpoint_every = 80
    return config
