"""A small panoptic network on NOvA events for a first look: ten minutes on two quiet cores.

    jaxsparse simulate --detector=nova --out=nova.h5 --events=8000 --seed=1
    jaxsparse train --config=nova_panoptic_smoke --workdir=runs/nova_panoptic_smoke \\
        --config.data.train=nova.h5
    jaxsparse eval --model=runs/nova_panoptic_smoke --out=out/nova_panoptic_smoke

``nova_panoptic`` with a sixteenth of the channels, each view mirrored across the beam half of the
times, five epochs in batches of 32. ``nova_panoptic_smoke:event,semantic`` has these heads alone.
"""

from ml_collections import ConfigDict

from jaxsparse.recipes import nova_panoptic
from jaxsparse.training.config import with_heads


def get_config(only: str = ",".join(nova_panoptic.HEADS)) -> ConfigDict:
    config = nova_panoptic.get_config()
    config.model.preset = "small"
    config.model.planes = (16, 16, 32, 64, 64, 64, 48, 32, 40, 104, 200)
    config.model.heads.instance.channels = 32
    config.model.heads.instance.queries = 12

    config.data.split = (0.8, 0.1, 0.1)
    config.data.flip_wire = True  # across the beam; only cosmic rays know up from down
    config.data.num_buckets = 1

    config.optimizer.learning_rate = 2e-3
    config.optimizer.warmup_steps = 30

    config.train.cpu_devices = 2
    config.train.batch_size = 32
    config.train.accumulate = 1
    config.train.epochs = 5.0
    config.train.log_every = 20
    return with_heads(config, only.split(","))
