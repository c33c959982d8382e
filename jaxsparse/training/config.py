"""Every key of a config with its default and meaning; ``configs/`` changes what a recipe needs."""

from __future__ import annotations

from ml_collections import ConfigDict


def default_config() -> ConfigDict:
    """The config that every recipe starts from: plane Y of a MicroBooNE-like detector.

    >>> default_config().model.depth
    5
    """
    config = ConfigDict()
    config.seed = 0  # of parameters, order of events, crops and flips
    config.task = "segmentation"

    config.model = ConfigDict()
    config.model.name = "uresnet"
    config.model.dim = 2  # spatial axes
    config.model.in_channels = 1
    config.model.num_classes = 5
    config.model.filters = 32  # of the finest level; level l has (l + 1) * filters
    config.model.depth = 5  # levels
    config.model.blocks = 2  # residual blocks a level, each way
    config.model.kernel_size = 3
    config.model.vocabulary = "sparse"  # or dense: the same network on whole images
    config.model.dtype = "float32"  # or bfloat16: operands of matrix products; sums stay float32
    config.model.remat = False  # compute blocks again in the backward pass: less memory

    config.data = ConfigDict()
    config.data.train = ""  # event file
    config.data.validation = ""  # event file; may be empty with a schedule that needs none
    config.data.view = "Y"  # U, V, Y, or voxels
    config.data.low = 10.0  # keep pixels with low <= value <= high
    config.data.high = 300.0
    config.data.crop = (512, 512)  # () takes the whole image
    config.data.crop_keep = "interaction"  # or random, densest
    config.data.flip_time = True  # augmentation
    config.data.flip_wire = True
    config.data.feature_scale = 50.0  # features are values divided by this
    config.data.max_sites = 0  # bound on the sites of a batch on one device; 0: as measured
    config.data.oversize = "error"  # or crop: what to do with an event larger than that
    config.data.num_buckets = 4  # compiled programs to spread the batches over
    config.data.workers = 0  # processes that prepare batches; 0: threads

    config.loss = ConfigDict()
    config.loss.cluster_low = 2e-4  # pixel weight is clip(cluster_scale / N, low, high)
    config.loss.cluster_high = 2e-2
    config.loss.cluster_scale = 1.0
    config.loss.vertex_weight = 2e-2  # of pixels within vertex_radius of a vertex
    config.loss.vertex_radius = 3

    config.optimizer = ConfigDict()
    config.optimizer.name = "sgd"  # or adam
    config.optimizer.learning_rate = 1e-3
    config.optimizer.momentum = 0.9  # of SGD; beta1 of Adam
    config.optimizer.weight_decay = 0.0
    config.optimizer.gradient_clip = 0.0  # bound on the global gradient norm; 0: none
    config.optimizer.warmup_steps = 0
    config.optimizer.schedule = "plateau"  # or cosine (to zero at the end of the run), constant
    config.optimizer.plateau_patience = 5  # validations without a better loss
    config.optimizer.plateau_factor = 0.3
    config.optimizer.plateau_min = 1e-3  # smallest scale of the learning rate

    config.train = ConfigDict()
    config.train.batch_size = 64  # events, over all devices
    config.train.steps = 15_999
    config.train.minutes = 0.0  # stop after this time; 0: no limit
    config.train.log_every = 20
    config.train.validate_every = 250  # steps; 0: never
    config.train.validation_events = 0  # the first so many of the validation file; 0: all
    config.train.checkpoint_every = 250  # steps; 0: with validations and at the end only
    config.train.early_stop = 0  # stop after so many validations without a better loss; 0: off
    config.train.devices = 0  # of this process; 0: all
    config.train.cpu_devices = 0  # parts to split a CPU into, as devices; 0: leave it to JAX
    config.train.parallel = "pmap"  # or shard_map
    config.train.cache_dir = "~/.cache/jaxsparse"  # of compiled programs; empty: off
    return config
