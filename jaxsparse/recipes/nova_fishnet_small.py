"""NOvA events by the small sparse FishNet, on CPU cores: nu_mu, nu_e, NC or cosmic.

    jaxsparse simulate --detector=nova --out=nova.h5 --events=300000 --seed=401
    jaxsparse train --config=nova_fishnet_small --workdir=runs/nova_fishnet \\
        --config.data.train=nova.h5

The network that comes along as ``nova_fishnet`` (``docs/models/nova_fishnet.md``). FishNet with a
quarter of the channels of ``nova_fishnet.py`` and one block where that has several, cosmic rays as
a fourth class. Changed for hours on two cores instead of days on GPUs: features in bfloat16, Adam
with a cosine, batches of 64, averaged weights, each view mirrored across the beam half of the
times.
"""

from ml_collections import ConfigDict

from jaxsparse.recipes import nova_mobilenet_cpu
from jaxsparse.training.config import classifier_config


def get_config() -> ConfigDict:
    config = classifier_config("fishnet")
    config.model.preset = "small"
    config.model.dtype = "bfloat16"
    config.model.heads.event.num_classes = 4

    base = nova_mobilenet_cpu.get_config()
    config.data, config.optimizer, config.train = base.data, base.optimizer, base.train
    return config
