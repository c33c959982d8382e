"""The dense twin of ``sparsessnet_y.py``: the same network on whole images, zeros included.

    jaxsparse train --config=sparsessnet_dense_y --workdir=runs/dense_y \\
        --config.data.train=train.h5 --config.data.validation=validation.h5

What a user of dense convolutions would run, to compare time, memory and score with. The
parameters have the same names and shapes; batch norm sees every pixel. The loss is that of the
sparse network: only pixels with charge count. A batch of 64 crops of 512 x 512 needs a large
accelerator: lower ``train.batch_size``, or set ``--config.model.remat=True``.
"""

from ml_collections import ConfigDict

from jaxsparse.recipes import sparsessnet_y


def get_config() -> ConfigDict:
    config = sparsessnet_y.get_config()
    config.model.vocabulary = "dense"
    return config
