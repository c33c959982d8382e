"""NOvA events by the small FishNet with every head, on CPU cores.

    jaxsparse simulate --detector=nova --out=nova.h5 --events=120000 --seed=401
    jaxsparse train --config=nova_panoptic_small --workdir=runs/nova_panoptic \\
        --config.data.train=nova.h5

``nova_panoptic`` on the body of the network that comes along as ``nova_fishnet``, with whose
parameters it begins: an hour of one core (``docs/panoptic_nova.md``).
"""

from ml_collections import ConfigDict

from jaxsparse.recipes import nova_fishnet_small, nova_panoptic


def get_config() -> ConfigDict:
    config = nova_panoptic.get_config()
    base = nova_fishnet_small.get_config()
    config.model.preset, config.model.dtype = base.model.preset, base.model.dtype
    config.data, config.optimizer, config.train = base.data, base.optimizer, base.train
    config.data.num_buckets = 1

    config.optimizer.learning_rate = 2e-3
    config.optimizer.gradient_clip = 1.0

    config.train.start_from = "nova_fishnet"
    config.train.epochs = 1.5
    return config
