"""The configs that recipes start from; ``jaxsparse/recipes/`` has them.

``settings.py`` has every key with its default, range and meaning; those of ``config.model`` are the
fields of the backbone and the heads that it names, declared in their classes.
"""

from __future__ import annotations

from collections.abc import Sequence

from ml_collections import ConfigDict

from jaxsparse import models, settings
from jaxsparse.detectors import Detector, DetectorView
from jaxsparse.detectors.detector import CANDIDATES
from jaxsparse.detectors.microboone import MICROBOONE
from jaxsparse.detectors.nova import NOVA, NOVA_VIEWS
from jaxsparse.errors import InputError

NO_BOUND = 1e9  # of values, in a form that JSON has


def default_config(network: str = "uresnet", heads: Sequence[str] = ("semantic",)) -> ConfigDict:
    """The config that every recipe starts from: plane Y of a MicroBooNE-like detector.

    Args:
      network: name of a backbone.
      heads: names of heads; the first one is the main one.

    >>> config = default_config(heads=("semantic", "event"))
    >>> config.model.depth, config.model.heads.event.pooling, config.objectives.event.reduction
    (5, 'average', 'mean')
    """
    config = ConfigDict(settings.defaults())
    config.main_head = heads[0]
    config.model = ConfigDict(models.defaults(network, heads))
    config.objectives = ConfigDict(
        {head: settings.defaults(f"objectives.{head}") for head in heads}
    )
    for group in ("data", "optimizer", "train"):
        config[group] = ConfigDict(settings.defaults(group))
    see_views(config, MICROBOONE, "Y")
    return config


def with_heads(config: ConfigDict, names: Sequence[str]) -> ConfigDict:
    """A config with some of its heads and their objectives, the first of them the main one.

    Args:
      config: that is changed.
      names: of heads.

    Raises:
      InputError: the config has no such head.

    >>> with_heads(default_config(heads=("semantic", "edges")), ["edges"]).main_head
    'edges'
    """
    heads = tuple(config.model.heads)
    for name in names:
        if name not in heads:
            raise InputError(f"head is {name!r}: must be one of {', '.join(heads)}")
    config.main_head = names[0]
    for name in set(heads) - set(names):
        del config.model.heads[name], config.objectives[name]
    return config


def see_views(config: ConfigDict, detector: Detector, *views: str) -> None:
    """Lets a config's network see these views: their number, names, mask, mean and spread.

    Args:
      config: that is changed.
      detector: that has the views.
      views: names; what is said of the first holds for all.

    >>> config = default_config()
    >>> see_views(config, MICROBOONE, "voxels")
    >>> config.data.views, config.data.low, config.data.std
    (('voxels',), 0.0, 1.0)
    """
    config.data.views, config.model.views = views, len(views)
    config.data.update(seen_values(detector.views[views[0]]))


def seen_values(view: DetectorView) -> dict[str, float]:
    """Mask, mean and spread of a view, as keys of ``config.data``.

    >>> seen_values(MICROBOONE.views["Y"])
    {'low': 10.0, 'high': 300.0, 'mean': 0.0, 'std': 50.0}
    """
    high = min(view.high, NO_BOUND)
    return {"low": view.low, "high": high, "mean": view.mean, "std": view.std}


def see_candidates(config: ConfigDict, *shown_in: str) -> None:
    """Lets a config's network see candidates in three dimensions and the pixels that show them.

    Args:
      config: that is changed.
      shown_in: names of the views that the candidates were found in.

    >>> config = default_config()
    >>> see_candidates(config, "XZ", "YZ")
    >>> config.model.dim, config.model.in_channels, config.data.gathered
    (3, 3, ('XZ', 'YZ'))
    """
    config.data.views, config.data.gathered = (CANDIDATES,), shown_in
    config.data.low, config.data.high = 0.0, NO_BOUND
    config.model.views, config.model.dim, config.model.in_channels = 1, 3, 1 + len(shown_in)


def see_lifted(config: ConfigDict, *shown_in: str) -> ConfigDict:
    """The config of a network on candidates as one of planes and candidates, trained together.

    Args:
      config: of :func:`see_candidates`; its ``model`` becomes another.
      shown_in: names of the views that the candidates were found in.

    >>> config = default_config()
    >>> see_candidates(config, "XZ", "YZ")
    >>> config = see_lifted(config, "XZ", "YZ")
    >>> config.model.name, config.model.in_channels, config.data.views
    ('lifted_uresnet', 1, ('XZ', 'YZ', 'candidates'))
    """
    model = ConfigDict(models.defaults("lifted_uresnet", tuple(config.model.heads)))
    model.update({key: value for key, value in config.model.items() if key != "name"})
    config.model = model
    config.data.views, config.data.gathered = (*shown_in, CANDIDATES), ()
    config.model.views, config.model.in_channels = len(config.data.views), 1
    return config


def classifier_config(network: str = "mobilenet") -> ConfigDict:
    """The config that recipes for whole events start from: NOvA's two views.

    Args:
      network: name of a backbone.

    >>> classifier_config().data.views
    ('XZ', 'YZ')
    """
    config = default_config(network, ("event",))
    config.model.heads.event.num_classes = 4

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
