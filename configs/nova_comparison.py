"""Small networks on one sample of NOvA events, to be compared: sparse and dense, MobileNetV2 and
FishNet.

    python train.py --config=configs/nova_comparison.py --workdir=runs/sparse \\
        --config.data.train=nova.h5
    python -m benchmarks.classifiers --data=nova.h5 --out=runs/comparison

``configs/nova_comparison.py:ROW`` is another row of the table, one of ``ROWS``. All rows share the
sample, its parts, the optimiser and the number of epochs; nothing is tuned for one of them.
Reduced from the talk's (S. H. Oh, APS April 2023) so that three seeds of every row take hours on
two cores: a quarter of the channels, batches of 64, Adam with a cosine, a few epochs.
"""

from ml_collections import ConfigDict

from jaxsparse.errors import InputError
from jaxsparse.training.config import classifier_config

# What a row changes in the network. MobileNetV2's stem has its published stride, 2, unless said.
MOBILENET = {
    "name": "mobilenet",
    "width": 0.25,
    "merge_stage": 3,
    "reduction": 0,
    "stem_stride": 2,
}
FISHNET = {"name": "fishnet", "preset": "small", "stem_stride": 2}
ROWS = {
    "sparse": MOBILENET,
    "dense": {**MOBILENET, "vocabulary": "dense"},
    "sparse_sum": {**MOBILENET, "pooling": "sum"},
    "sparse_coordinates": {**MOBILENET, "coordinate_inputs": True},
    "sparse_fine": {**MOBILENET, "stem_stride": 1},
    "fishnet": FISHNET,
    "fishnet_plain": {**FISHNET, "residual": False},
    "fishnet_no_cosmics": FISHNET,
}


def get_config(row: str = "sparse") -> ConfigDict:
    if row not in ROWS:
        raise InputError(f"row is {row!r}: must be one of {', '.join(ROWS)}")
    config = classifier_config()
    config.model.update(ROWS[row])
    config.data.classes = ("numu", "nue", "nc", "cosmic")
    if row == "fishnet_no_cosmics":
        config.data.classes = ("numu", "nue", "nc")  # as the talk trained it
    config.model.num_classes = len(config.data.classes)
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
