"""DUNE events by sparse MobileNetV2: nu_e, nu_mu, nu_tau or NC, from three wire planes.

    jaxsparse train --config=dune_mobilenet --workdir=runs/dune_mobilenet \\
        --config.data.train=dune.h5

The recipe of ``nova_mobilenet.py`` (S. H. Oh, APS April 2023) on pixel maps of 500 x 500 from the
planes U, V and Z. Changed for them: three views; a stem of stride 2 and four stages a view, for
images 30 times as large; batches of 32 (about 5,000 pixels an event); mean 61.9 and spread 56.2 of
the non-zero pixels, measured on the 600 public events; the drift time may be mirrored, in all
planes together; a split of 80/10/10. The wires are not mirrored: the beam has a direction.
"""

from ml_collections import ConfigDict

from jaxsparse.detectors.dune import DUNE, DUNE_VIEWS
from jaxsparse.training.config import classifier_config, see_views


def get_config() -> ConfigDict:
    config = classifier_config("mobilenet")
    config.model.heads.event.num_classes = 4
    config.model.stem_stride = 2
    config.model.width = 1.0
    config.model.merge_stage = 4
    config.model.reduction = 0

    see_views(config, DUNE, *DUNE_VIEWS)
    config.data.classes = ("nue", "numu", "nutau", "nc")
    config.data.flip_time = True
    config.data.split = (0.8, 0.1, 0.1)

    config.optimizer.momentum = 0.9

    config.train.batch_size = 32
    config.train.epochs = 40.0
    config.train.log_every = 10
    return config
