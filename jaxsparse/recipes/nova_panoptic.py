"""NOvA events by one FishNet: class of the event, classes of pixels, particles, vertex.

    jaxsparse train --config=nova_panoptic --workdir=runs/nova_panoptic \\
        --config.data.train=nova.h5

Source: S. H. Oh, APS April 2023, which announces such a network: heads of pixels on the finest
features of every view's body, the class of the event on the head of the fish. Backbone, views and
inputs are those of ``nova_fishnet``, cosmic rays are a class. Particles are queries that both views
share (``docs/network.md``).

Ours: all losses are means over events, weighted as below. All pixels weigh the same, for NOvA's
particles have few.
``--config.train.start_from=runs/nova_fishnet`` begins with a network that names events.
``nova_panoptic:event,semantic`` has these heads alone.
"""

from ml_collections import ConfigDict

from jaxsparse.detectors.nova import NOVA_PIXEL_CLASSES
from jaxsparse.training.config import classifier_config, default_config, with_heads

HEADS = ("event", "semantic", "instance", "vertex")


def get_config(only: str = ",".join(HEADS)) -> ConfigDict:
    config = default_config("fishnet", HEADS)
    base = classifier_config("fishnet")
    config.data, config.optimizer, config.train = base.data, base.optimizer, base.train
    config.model.views = base.model.views
    heads, objectives = config.model.heads, config.objectives

    config.data.classes = ("numu", "nue", "nc", "cosmic")
    config.data.split = (0.9, 0.05, 0.05)
    heads.event.num_classes = len(config.data.classes)
    heads.semantic.num_classes = heads.instance.num_classes = len(NOVA_PIXEL_CLASSES)

    objectives.semantic.reduction = "mean"
    objectives.semantic.cluster_low = objectives.semantic.cluster_high = 1e-2
    objectives.semantic.vertex_weight = 1e-2
    objectives.vertex.weight = 0.5

    config.optimizer.name = "adam"
    config.optimizer.learning_rate = 1e-3
    config.optimizer.schedule = "cosine"
    config.optimizer.warmup_steps = 500
    config.optimizer.gradient_clip = 1.0

    config.train.batch_size = 256
    config.train.accumulate = 4
    config.train.epochs = 30.0
    return with_heads(config, only.split(","))
