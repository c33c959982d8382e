"""NOvA events by sparse MobileNetV2: nu_mu, nu_e, NC or cosmic, from two views.

    jaxsparse train --config=nova_mobilenet --workdir=runs/nova_mobilenet \\
        --config.data.train=nova.h5

Source: S. H. Oh, APS April 2023. From the talk: inverted residual blocks on sparse tensors, two
views, four scores; SGD at 1e-2 with momentum 0.9, Mish, plateau, batches of 128, 40 epochs, 95 % of
the events for training and 5 % for validation; inputs standardised, each view scaled by a 10 %
fluctuation. It reports 88.42 % validation accuracy, its dense twin 90.43 %. Ours, where the talk
says nothing: cross entropy, a plateau that watches the validation accuracy as the talk's FishNet
does (patience 3, a tenth of the rate each time), a stem and three stages a view before the views
are added. The events are parted by their pixels: no duplicate is on both sides.
"""

from ml_collections import ConfigDict

from jaxsparse.training.config import classifier_config


def get_config() -> ConfigDict:
    config = classifier_config("mobilenet")
    config.model.heads.event.num_classes = 4
    config.model.width = 1.0  # factor on all numbers of channels
    config.model.merge_stage = 3  # stages of each view by itself
    config.model.reduction = 0  # of squeeze-and-excitation; 0: none

    config.data.classes = ("numu", "nue", "nc", "cosmic")
    config.data.split = (0.95, 0.05)

    config.optimizer.momentum = 0.9

    config.train.batch_size = 128
    config.train.epochs = 40.0
    return config
