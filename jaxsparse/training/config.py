"""Every key of a config with its default and meaning; ``configs/`` changes what a recipe needs."""

from __future__ import annotations

from collections.abc import Sequence

from ml_collections import ConfigDict


def default_config() -> ConfigDict:
    """The config that every recipe starts from: plane Y of a MicroBooNE-like detector.

    >>> default_config().model.depth
    5
    """
    config = ConfigDict()
    config.seed = 0  # of parameters, order of events, crops, flips and fluctuations
    config.task = "segmentation"  # of pixels, or classification: of whole events

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
    config.model.remat = False  # compute blocks again in the backward pass (docs/network.md)

    config.data = ConfigDict()
    config.data.train = ""  # event file
    config.data.validation = ""  # event file; may be empty with a schedule that needs none
    config.data.split = ()  # classification without data.validation: shares of training,
    # validation and test events of data.train, parted by content, such as (0.9, 0.05, 0.05)
    config.data.view = "Y"  # of a segmentation: U, V, Y, or voxels
    config.data.views = ()  # of a classification, such as ("XZ", "YZ"); the network sees all
    config.data.classes = ()  # of a classification: names, numbered in this order; (): those of
    # data.train, which config.json then says
    config.data.low = 10.0  # keep pixels with low <= value <= high
    config.data.high = 300.0
    config.data.crop = (512, 512)  # () takes the whole image
    config.data.crop_keep = "interaction"  # or random, densest
    config.data.flip_time = True  # augmentation: mirrors the first axis (NOvA: the plane)
    config.data.flip_wire = True  # and the others (NOvA: the cell)
    config.data.feature_scale = 50.0  # of a segmentation: features are values divided by this
    config.data.mean = 0.0  # of a classification: features are (values - mean) / std
    config.data.std = 1.0
    config.data.fluctuation = 0.0  # augmentation: values times 1 + this times a normal number
    config.data.fluctuation_shared = False  # one number an event instead of one a view
    config.data.coarsen = 1  # of whole events: blocks of so many pixels along every axis become one
    config.data.halo = 0  # of a classification: empty pixels so near to an active one are sites
    config.data.shift = 0  # augmentation: images of whole events move by 0 to so many pixels
    config.data.drop = 0.0  # augmentation: share of the pixels of whole events that is left out
    config.data.max_sites = 0  # bound on the sites of a batch on one device; 0: as measured
    config.data.oversize = "error"  # or crop: what to do with an event larger than that
    config.data.num_buckets = 4  # compiled programs to spread the batches over
    config.data.capacities = ()  # of whole events: the buckets themselves, instead of measuring
    config.data.workers = 0  # processes that prepare batches; 0: threads

    config.loss = ConfigDict()
    config.loss.name = "cross_entropy"  # or generalized: for noisy labels, of a classification
    config.loss.q = 0.7  # of the generalized cross entropy, (0, 1]
    config.loss.label_smoothing = 0.0  # of a classification's cross entropy, [0, 1)
    config.loss.class_weights = ()  # of a classification, one a class; (): all 1
    # The others are of a segmentation: a pixel weighs clip(cluster_scale / N, low, high)
    config.loss.cluster_low = 2e-4
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
    config.optimizer.plateau_metric = "loss"  # or accuracy: what a better validation is, for the
    # plateau, the best checkpoint and early_stop
    config.optimizer.plateau_patience = 5  # validations that are not better
    config.optimizer.plateau_factor = 0.3
    config.optimizer.plateau_min = 1e-3  # smallest scale of the learning rate

    config.train = ConfigDict()
    config.train.batch_size = 64  # events, over all devices and micro-batches
    config.train.accumulate = 1  # parts of a batch, one after the other: less memory
    config.train.start_from = ""  # work directory, or WORKDIR/checkpoints/N, whose parameters and
    # running moments a new run begins with
    config.train.steps = 15_999
    config.train.epochs = 0.0  # passes over the training events instead of steps; 0: steps
    config.train.minutes = 0.0  # stop after this time; 0: no limit
    config.train.log_every = 20
    config.train.validate_every = 250  # steps; 0: never
    config.train.validate_epochs = 0.0  # epochs instead of steps; 0: steps
    config.train.validation_events = 0  # so many of them, spread evenly over the file; 0: all
    config.train.checkpoint_every = 250  # steps; 0: with validations and at the end only
    config.train.early_stop = 0  # stop after so many validations that are not better; 0: off
    config.train.devices = 0  # of this process; 0: all
    config.train.cpu_devices = 0  # parts to split a CPU into, as devices; 0: leave it to JAX
    config.train.parallel = "pmap"  # or shard_map
    config.train.cache_dir = "~/.cache/jaxsparse"  # of compiled programs; empty: off
    return config


def with_class_names(config: ConfigDict, names: Sequence[str]) -> ConfigDict:
    """The config; a copy that says the names of the classes where it leaves them to its file.

    Args:
      config: of a run.
      names: of the classes of whole events in ``data.train``; none for pixels.

    >>> config = with_class_names(classifier_config(), ["nc", "nue"])
    >>> with_class_names(config, ["nue", "nc"]).data.classes
    ('nc', 'nue')
    """
    if not names or tuple(config.data.get("classes", ())):
        return config
    named = config.copy_and_resolve_references()
    named.data.classes = tuple(str(name) for name in names)
    return named


def classifier_config() -> ConfigDict:
    """The config that recipes for whole events start from: NOvA's two views, a network to name.

    ``config.model.name`` is left to the recipe, with what only that network has.

    >>> classifier_config().data.views
    ('XZ', 'YZ')
    """
    config = default_config()
    config.task = "classification"

    config.model = ConfigDict()
    config.model.name = ""
    config.model.dim = 2
    config.model.in_channels = 1
    config.model.num_classes = 4
    config.model.views = 2  # images an event
    config.model.stem_stride = 1
    config.model.shared_stem = False  # one stem for all views, instead of one each
    config.model.merge = "add"  # or concatenate: how views meet on the union of their sites
    config.model.activation = "mish"
    config.model.residual = True  # blocks add their input
    config.model.coordinate_inputs = False  # the pixel's coordinates are channels too
    config.model.pooling = "average"  # over the sites of an event; or max, sum
    config.model.dropout = 0.0
    config.model.vocabulary = "sparse"
    config.model.dtype = "float32"
    config.model.remat = False

    # Standardised by the non-zero pixels of NOvA's sample (S. H. Oh, APS April 2023).
    config.data.views = ("XZ", "YZ")
    config.data.mean = 14.57
    config.data.std = 16.27
    config.data.low = 0.0
    config.data.high = 1e9
    config.data.crop = ()
    config.data.flip_time = False  # the plane: the beam has a direction
    config.data.flip_wire = False  # the cell: gravity gives cosmic rays one
    config.data.fluctuation = 0.1  # the calibration's uncertainty
    config.data.num_buckets = 2  # sums over many events hardly vary

    config.optimizer.name = "sgd"
    config.optimizer.learning_rate = 1e-2
    config.optimizer.schedule = "plateau"
    config.optimizer.plateau_metric = "accuracy"
    config.optimizer.plateau_patience = 3
    config.optimizer.plateau_factor = 0.1

    config.train.validate_epochs = 1.0
    config.train.checkpoint_every = 1000
    config.train.log_every = 100
    return config
