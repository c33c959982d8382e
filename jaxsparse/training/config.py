"""The configs that recipes start from; ``configs/`` changes what a recipe needs.

``settings.py`` has every key with its default, range and meaning; those of ``config.model`` are the
fields of the network that it names.
"""

from __future__ import annotations

from collections.abc import Sequence

from ml_collections import ConfigDict

from jaxsparse import settings
from jaxsparse.detectors import Detector
from jaxsparse.detectors.microboone import MICROBOONE
from jaxsparse.detectors.nova import NOVA, NOVA_VIEWS

NO_BOUND = 1e9  # of values, in a form that JSON has


def default_config() -> ConfigDict:
    """The config that every recipe starts from: plane Y of a MicroBooNE-like detector.

    >>> default_config().model.depth
    5
    """
    config = ConfigDict(settings.defaults())
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
    for group in ("data", "loss", "optimizer", "train"):
        config[group] = ConfigDict(settings.defaults(group))
    see_views(config, MICROBOONE, "Y")
    return config


def see_views(config: ConfigDict, detector: Detector, *views: str) -> None:
    """Lets a config's network see these views: their names, mask, mean and spread.

    Args:
      config: that is changed.
      detector: that has the views.
      views: names; what is said of the first holds for all.

    >>> config = default_config()
    >>> see_views(config, MICROBOONE, "voxels")
    >>> config.data.views, config.data.low, config.data.std
    (('voxels',), 0.0, 1.0)
    """
    first = detector.views[views[0]]
    config.data.views = views
    config.data.low, config.data.high = first.low, min(first.high, NO_BOUND)
    config.data.mean, config.data.std = first.mean, first.std


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

    see_views(config, NOVA, *NOVA_VIEWS)
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
