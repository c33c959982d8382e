"""Small networks on one sample of NOvA events, to be compared: sparse and dense, MobileNetV2 and
FishNet.

    jaxsparse train --config=nova_comparison --workdir=runs/sparse \\
        --config.data.train=nova.h5
    python -m benchmarks.classifiers --data=nova.h5 --out=runs/comparison

``nova_comparison:ROW`` is another row of the table, one of ``ROWS``. All rows share the sample, its
parts, the optimiser and the number of epochs; nothing is tuned for one of them.
Reduced from the talk's (S. H. Oh, APS April 2023) so that three seeds of every row take hours on
two cores: a quarter of the channels, batches of 64, Adam with a cosine, a few epochs.
"""

import functools
from typing import Any

from ml_collections import ConfigDict

from jaxsparse.errors import InputError
from jaxsparse.training.config import classifier_config

# MobileNetV2's stem has its published stride, 2, unless a row says otherwise.
MOBILENET: dict[str, Any] = {
    "model.width": 0.25,
    "model.merge_stage": 3,
    "model.reduction": 0,
    "model.stem_stride": 2,
}
FISHNET: dict[str, Any] = {"model.preset": "small", "model.stem_stride": 2}
ROWS = {
    "sparse": MOBILENET,
    "dense": {**MOBILENET, "model.vocabulary": "dense"},
    # Where sparse and dense part: what the pooling sees, where a pixel is, how fine the first
    # stage is, empty pixels beside active ones.
    "sparse_sum": {**MOBILENET, "model.heads.event.pooling": "sum"},
    "sparse_size": {**MOBILENET, "model.heads.event.pooling": "average+log_sum"},
    "sparse_coordinates": {**MOBILENET, "model.coordinate_inputs": True},
    "sparse_fine": {**MOBILENET, "model.stem_stride": 1},
    "dense_fine": {**MOBILENET, "model.stem_stride": 1, "model.vocabulary": "dense"},
    "sparse_halo": {**MOBILENET, "data.halo": 1},
    "sparse_fine_size": {
        **MOBILENET,
        "model.stem_stride": 1,
        "model.heads.event.pooling": "average+log_sum",
    },
    "fishnet": FISHNET,
    "fishnet_plain": {**FISHNET, "model.residual": False},
    "fishnet_no_cosmics": {**FISHNET, "data.classes": ("numu", "nue", "nc")},  # as in the talk
}


def get_config(row: str = "sparse") -> ConfigDict:
    if row not in ROWS:
        raise InputError(f"row is {row!r}: must be one of {', '.join(ROWS)}")
    config = classifier_config("fishnet" if row.startswith("fishnet") else "mobilenet")
    config.data.classes = ("numu", "nue", "nc", "cosmic")
    for key, value in ROWS[row].items():
        *parts, name = key.split(".")
        functools.reduce(getattr, parts, config)[name] = value
    config.model.heads.event.num_classes = len(config.data.classes)
    config.data.split = (0.7, 0.05, 0.25)
    config.data.flip_wire = True  # across the beam; only cosmic rays know up from down

    config.optimizer.name = "adam"
    config.optimizer.learning_rate = 3e-3
    config.optimizer.schedule = "cosine"
    config.optimizer.warmup_steps = 20

    config.train.batch_size = 64
    config.train.epochs = 4.0
    config.train.log_every = 20
    return config
