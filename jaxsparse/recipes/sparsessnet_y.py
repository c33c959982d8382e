"""SparseSSNet for the collection plane, Y, by the published recipe.

    jaxsparse train --config=sparsessnet_y --workdir=runs/sparsessnet_y \\
        --config.data.train=train.h5 --config.data.validation=validation.h5

Source: R. Itay, CTD 2020, and arXiv 2012.08513. One set of weights per plane; UResNet of depth 5
with 32 filters; 512 x 512 crops around the interaction; 10 to 300 ADC; cluster and vertex pixel
weights, the loss summed; batches of 64, 15,999 steps (8.5 epochs of 120,000 images), SGD with
momentum and a learning rate that falls when the validation loss stands still. The published code
uses Adam: ``--config.optimizer.name=adam --config.optimizer.schedule=constant``. The gradient of
a summed loss is as large as the batch: its norm is bounded.
"""

from ml_collections import ConfigDict

from jaxsparse.training.config import default_config


def get_config() -> ConfigDict:
    config = default_config()
    config.data.views = ("Y",)

    config.optimizer.name = "sgd"
    config.optimizer.learning_rate = 1e-3
    config.optimizer.momentum = 0.9
    config.optimizer.gradient_clip = 100.0
    config.optimizer.warmup_steps = 100
    config.optimizer.schedule = "plateau"
    config.optimizer.plateau_patience = 5
    config.optimizer.plateau_factor = 0.3

    config.train.batch_size = 64
    config.train.steps = 15_999
    config.train.validate_every = 250
    config.train.validation_events = 2_000
    config.train.checkpoint_every = 250
    return config
