"""DUNE's public pixel maps from a few hundred events, on one core: a fold in two minutes.

    jaxsparse train --config=dune_small --workdir=runs/dune_small \\
        --config.data.train=dune.h5
    python -m jaxsparse.evaluation.studies.cross_validate --config=dune_small \\
        --data=dune.h5 --out=runs/dune_cv --folds=5 --repeats=2 --draws=4

Not a published recipe; what it reaches is in ``docs/dune.md``. All of it is our choice:

- Blocks of 4 x 4 pixels are summed: 600 pixels a view instead of 1,700 (means), 178 and 237 their
  mean and spread over the 600 public events. Tracks and showers are many blocks long.
- 33,000 parameters. The planes share their stem and stages, so each plane is an example for all.
- Averages, maxima and logarithms of sums are pooled: a network that averages does not see how
  large an event is, which alone names 63 % of them.
- Against learning 480 events by heart: mirrored drift time, shifts by up to 31 pixels (a window of
  the coarsest level), 10 % fluctuations of charge, dropout, smoothed labels, weight decay. A
  left-out fold chooses nothing: the cosine needs no validation.
"""

from ml_collections import ConfigDict

from jaxsparse.detectors.dune import DUNE, DUNE_VIEWS
from jaxsparse.training.config import classifier_config, see_views


def get_config() -> ConfigDict:
    config = classifier_config("mobilenet")
    config.model.heads.event.num_classes = 4
    config.model.width = 0.5
    config.model.stem_stride = 1
    config.model.shared_stem = True
    config.model.shared_stages = True
    config.model.stages = ((1, 32, 1, 2), (3, 48, 1, 2), (3, 96, 2, 2))
    config.model.merge_stage = 2
    config.model.reduction = 0
    config.model.last_channels = 128
    config.model.heads.event.pooling = "average+max+log_sum"
    config.model.heads.event.normalize_pooled = True
    config.model.activation = "relu"
    config.model.heads.event.dropout = 0.3

    see_views(config, DUNE, *DUNE_VIEWS)
    config.data.classes = ("nue", "numu", "nutau", "nc")
    config.data.mean = 178.0  # of the blocks
    config.data.std = 237.0
    config.data.coarsen = 4
    config.data.flip_time = True
    config.data.shift = 31
    config.data.drop = 0.0
    config.data.fluctuation = 0.1
    config.data.num_buckets = 2

    config.objectives.event.label_smoothing = 0.1

    config.optimizer.name = "adam"
    config.optimizer.learning_rate = 3e-3
    config.optimizer.schedule = "cosine"
    config.optimizer.weight_decay = 0.02
    config.optimizer.warmup_steps = 30

    config.train.batch_size = 24
    config.train.epochs = 16.0
    config.train.log_every = 40
    config.train.checkpoint_every = 0
    config.train.validate_epochs = 0.0
    config.train.validate_every = 0  # there is nothing to validate on
    return config
