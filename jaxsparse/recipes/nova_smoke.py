"""A narrow MobileNetV2 on NOvA events for a first look: a few minutes on two cores.

    jaxsparse train --config=nova_smoke --workdir=runs/nova_smoke \\
        --config.data.train=nova.h5

Not a published recipe: a quarter of MobileNetV2's channels, four stages, batches of 64 over two CPU
devices, Adam with a cosine, each view mirrored across the beam half of the times, eight epochs.
"""

from ml_collections import ConfigDict

from jaxsparse.training.config import classifier_config


def get_config() -> ConfigDict:
    config = classifier_config("mobilenet")
    config.model.heads.event.num_classes = 4
    config.model.width = 0.25
    config.model.merge_stage = 2
    config.model.reduction = 0
    config.model.stages = ((1, 16, 1, 1), (6, 24, 1, 2), (6, 32, 2, 2), (6, 64, 2, 2))

    config.data.classes = ("numu", "nue", "nc", "cosmic")
    config.data.split = (0.8, 0.1, 0.1)
    config.data.flip_wire = True  # across the beam; only cosmic rays know up from down

    config.optimizer.name = "adam"
    config.optimizer.learning_rate = 3e-3
    config.optimizer.schedule = "cosine"
    config.optimizer.warmup_steps = 20

    config.train.cpu_devices = 2
    config.train.batch_size = 64
    config.train.epochs = 8.0
    config.train.validation_events = 2_000
    config.train.log_every = 20
    return config
