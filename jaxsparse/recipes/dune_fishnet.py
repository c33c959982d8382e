"""DUNE events by sparse FishNet: nu_e, nu_mu, nu_tau or NC, from three wire planes.

    jaxsparse train --config=dune_fishnet --workdir=runs/dune_fishnet \\
        --config.data.train=dune.h5

The recipe of ``nova_fishnet.py`` (S. H. Oh, APS April 2023) with the data of ``dune_mobilenet.py``.
Changed: FishNet-99 with a stem of stride 4, as in its paper (arXiv 1901.03495), for images 30 times
as large; batches of 64 in four parts.
"""

from ml_collections import ConfigDict

from jaxsparse.recipes import dune_mobilenet
from jaxsparse.training.config import classifier_config


def get_config() -> ConfigDict:
    config = classifier_config("fishnet")
    config.model.preset = "99"
    config.model.heads.event.num_classes = 4
    config.model.views = 3
    config.model.stem_stride = 4

    config.data = dune_mobilenet.get_config().data

    config.optimizer.momentum = 0.8

    config.train.batch_size = 64
    config.train.accumulate = 4
    config.train.epochs = 30.0
    config.train.log_every = 10
    return config
