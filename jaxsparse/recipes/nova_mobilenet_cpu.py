"""NOvA events by sparse MobileNetV2, on CPU cores: nu_mu, nu_e, NC or cosmic.

    jaxsparse simulate --detector=nova --out=nova.h5 --events=300000 --seed=401
    jaxsparse train --config=nova_mobilenet_cpu --workdir=runs/nova_mobilenet \\
        --config.data.train=nova.h5

The network that comes along as ``nova_mobilenet`` (``docs/models/nova_mobilenet.md``): the whole
network of ``nova_mobilenet.py``. Changed for hours on two cores instead of days on GPUs: features
in bfloat16, Adam with a cosine, batches of 64, averaged weights, each view mirrored across the beam
half of the times.
"""

from ml_collections import ConfigDict

from jaxsparse.recipes import nova_mobilenet


def get_config() -> ConfigDict:
    config = nova_mobilenet.get_config()
    config.model.dtype = "bfloat16"

    config.data.flip_wire = True  # across the beam; only cosmic rays know up from down

    config.optimizer.name = "adam"
    config.optimizer.learning_rate = 3e-3
    config.optimizer.warmup_steps = 200
    config.optimizer.schedule = "cosine"

    config.train.batch_size = 64
    config.train.epochs = 6.0
    config.train.average_decay = 0.999
    config.train.validate_epochs = 0.5
    config.train.validation_events = 3_000
    return config
