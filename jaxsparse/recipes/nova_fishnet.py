"""NOvA events by sparse FishNet-150: nu_mu, nu_e or NC, from two views.

    jaxsparse train --config=nova_fishnet --workdir=runs/nova_fishnet \\
        --config.data.train=nova.h5

Source: S. H. Oh, APS April 2023. From the talk: one tail and body a view, the views added on the
union of their sites at the top of the body, one head; three classes, **without cosmics**; SGD at
1e-2 with momentum 0.8, plateau with patience 3, Mish, cross entropy, batches of 1024, 30 epochs,
6.6 M events in 90 % for training, 5 % for validation, 5 % for testing; inputs standardised, each
view scaled by a 10 % fluctuation. It reports 89.92 % validation and 91.54 % training accuracy.

Ours: the 1024 events of a step are taken in eight parts of 128, which fits a small accelerator;
batch norm then sees 128 events at a time (``--config.train.accumulate=1`` undoes it). The blocks
add their input; a known implementation leaves that out: ``--config.model.residual=False``. The
learning rate falls to a tenth. For labels that are not to be trusted,
``--config.objectives.event.loss=generalized`` (arXiv 1805.07836).
"""

from ml_collections import ConfigDict

from jaxsparse.training.config import classifier_config


def get_config() -> ConfigDict:
    config = classifier_config("fishnet")
    config.model.preset = "150"  # or 99, 201, small
    config.model.heads.event.num_classes = 3

    config.data.classes = ("numu", "nue", "nc")
    config.data.split = (0.9, 0.05, 0.05)

    config.optimizer.momentum = 0.8

    config.train.batch_size = 1024
    config.train.accumulate = 8
    config.train.epochs = 30.0
    return config
