"""Every setting of a config but the network's: default, range and meaning, in one table.

``training/config.py`` makes the config of it. A training checks all of it first, with
:func:`check_config`; whoever else uses a group of settings does with :func:`check`. Backbones and
heads declare their own (``models/fields.py``).
"""

from __future__ import annotations

import difflib
from collections import ChainMap
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from ml_collections import ConfigDict

from jaxsparse.data_settings import DATA, num_values
from jaxsparse.errors import InputError
from jaxsparse.objective_settings import OBJECTIVES
from jaxsparse.rules import (
    COUNT,
    COUNT_OR_OFF,
    LARGEST_SEED,
    NOT_NEGATIVE,
    POSITIVE,
    SHARE,
    TEXT,
    Setting,
    check_setting,
    number,
    one_of,
    whole,
)

S = Setting

_FIRST: dict[str, dict[str, Setting]] = {
    "": {
        "seed": S(0, whole(0, LARGEST_SEED), "of parameters, order of events and augmentation"),
        "main_head": S("", TEXT, "whose loss and accuracy count for validations and come first in "
                       "logs and results; empty where there is one head"),
    },
    "data": DATA,
}  # fmt: skip
_LAST: dict[str, dict[str, Setting]] = {
    "optimizer": {
        "name": S("sgd", one_of("sgd", "adam"), "direction of descent"),
        "learning_rate": S(1e-3, POSITIVE, "before warm-up, schedule and plateau"),
        "momentum": S(0.9, SHARE, "of SGD; beta1 of Adam"),
        "weight_decay": S(0.0, NOT_NEGATIVE, "of kernels"),
        "gradient_clip": S(0.0, NOT_NEGATIVE, "bound on the global gradient norm; 0: none"),
        "warmup_steps": S(0, whole(0, words="0 is off"), "steps to the full rate"),
        "schedule": S("plateau", one_of("plateau", "cosine", "constant"),
                      "cosine: to zero at the end of the run"),
        "plateau_metric": S("loss", one_of("loss", "accuracy"), "what a better validation is, for "
                            "the plateau, the best checkpoint and early_stop"),
        "plateau_patience": S(5, whole(0), "validations that are not better"),
        "plateau_factor": S(0.3, number("lie between 0 and 1", lambda value: 0 < value < 1),
                            "what the rate is multiplied by"),
        "plateau_min": S(1e-3, number("lie in [0, 1]", lambda value: 0 <= value <= 1),
                         "smallest scale of the learning rate"),
    },
    "train": {
        "batch_size": S(64, COUNT, "events, over all devices and micro-batches"),
        "accumulate": S(1, COUNT, "parts of a batch, one after the other: less memory"),
        "start_from": S("", TEXT, "name or file of a network, work directory or "
                        "WORKDIR/checkpoints/N: a new run begins with its parameters and "
                        "running moments"),
        "loss_weights": S("fixed", one_of("fixed", "learned"), "learned: beside the weights of "
                          "objectives, from how large their losses stay"),
        "steps": S(15_999, COUNT, "of the run"),
        "epochs": S(0.0, NOT_NEGATIVE, "passes over the training events instead; 0: steps"),
        "minutes": S(0.0, NOT_NEGATIVE, "stop after this time; 0: no limit"),
        "average_decay": S(0.0, SHARE, "of a moving average of the parameters, such as 0.999, "
                           "which is validated and evaluated in their place"),
        "average_batches": S(100, COUNT, "training batches whose moments batch norm has with it"),
        "log_every": S(20, COUNT, "steps"),
        "validate_every": S(250, COUNT_OR_OFF, "steps; 0: never"),
        "validate_epochs": S(0.0, NOT_NEGATIVE, "epochs instead of steps; 0: steps"),
        "validation_events": S(0, whole(0, words="0 is all"),
                               "so many of them, spread evenly over the file; 0: all"),
        "checkpoint_every": S(250, COUNT_OR_OFF,
                              "steps; 0: with validations and at the end only"),
        "early_stop": S(0, COUNT_OR_OFF, "stop after so many validations that are not better"),
        "devices": S(0, whole(0, words="0 is all"), "of this process; 0: all"),
        "cpu_devices": S(0, whole(0, 1024, "0 leaves it to JAX"), "parts to split a CPU into, as "
                         "devices; 0: leave it to JAX"),
        "parallel": S("pmap", one_of("pmap", "shard_map"), "how a step runs on all devices"),
        "board": S("tensorboard", one_of("tensorboard", "wandb", "none"),
                   "shows the curves; tensorboard: where it is installed"),
        "cache_dir": S("~/.cache/jaxsparse", TEXT, "of compiled programs; empty: off"),
    },
}  # fmt: skip

# Objectives as they are when somebody looks: programs may add their own. Groups are in this order,
# a ChainMap's begin with its last map.
SETTINGS: Mapping[str, dict[str, Setting]] = ChainMap(_LAST, OBJECTIVES, _FIRST)

# By the name of a head, the key of config.data that names its classes.
CLASSES_OF = {"event": "classes", "instance": "pixel_classes", "semantic": "pixel_classes"}

# Of config.model, what a training reads itself; networks have defaults for the others.
READ_OF_MODEL = ("dim", "dtype", "in_channels", "views", "vocabulary")
_REMEDY = "set it, or begin with default_config of jaxsparse.training.config."

# Keys of earlier versions, and what stands for them.
RENAMED = {
    "task": "model.heads and objectives, which have the same names",
    **{f"model.{key}": f"model.heads.NAME.{key}"
       for key in ("num_classes", "pooling", "normalize_pooled", "dropout")},
    "loss.name": "objectives.NAME.loss",
    **{f"loss.{key}": f"objectives.NAME.{key}" for key in SETTINGS["objectives.semantic"]
       if key not in ("loss", "reduction", "weight")},
    "data.view": "data.views, names in a tuple such as ('Y',)",
    "data.feature_scale": "data.std, with data.mean=0",
}  # fmt: skip


def defaults(group: str = "") -> dict[str, Any]:
    """Default by key of a group; ``""`` is the top level.

    Raises:
      InputError: no such group.

    >>> defaults("objectives.event")["q"]
    0.7
    """
    if group not in SETTINGS:
        raise InputError(
            f"{group} has no settings: choose among {', '.join(filter(None, SETTINGS))}; those of "
            "a head of your own must be in OBJECTIVES of jaxsparse.objective_settings first"
        )
    return {name: setting.default for name, setting in SETTINGS[group].items()}


def check(group: str, values: Mapping[str, Any]) -> None:
    """Raises for the first value that its setting cannot have.

    Args:
      group: ``"data"``, ``"objectives.event"``, ``"optimizer"``, ``"train"``, or ``""`` for the
        top level.
      values: by key; keys that the group does not have are left to others.

    Raises:
      InputError: name, value and rule.

    >>> check("data", {"num_buckets": 0})
    Traceback (most recent call last):
        ...
    jaxsparse.errors.InputError: data.num_buckets is 0: it must be a whole number from 1 to 8.
    """
    for name, setting in SETTINGS[group].items():
        if name in values:
            check_setting(f"{group}.{name}" if group else name, values[name], setting)


def check_config(config: ConfigDict) -> None:
    """Raises for what can be known to be wrong from a whole config alone.

    The network's own keys, ``config.model``, are for :func:`jaxsparse.models.build`.

    Raises:
      InputError: a key that does not exist or no longer does, one that is missing, a value that its
        setting cannot have, or settings that do not fit together.
    """
    for key, _ in flatten(config):
        _check_known(key)
    _check_complete(config)
    heads, given = tuple(config.model.heads), tuple(config.objectives)
    if sorted(heads) != sorted(given):
        raise InputError(
            f"objectives are {', '.join(given) or 'none'} and model.heads "
            f"{', '.join(heads) or 'none'}: every head needs an objective of its name"
        )
    data, train, optimizer = config.data, config.train, config.optimizer
    for group, values in (("", config), ("data", data), ("optimizer", optimizer), ("train", train)):
        check(group, values)
    if train.accumulate > train.batch_size:
        raise InputError(
            f"train.accumulate is {train.accumulate} but train.batch_size {train.batch_size}: "
            "a micro-batch must have at least one event, lower train.accumulate."
        )
    model, views, names = config.model, tuple(data.views), tuple(data.classes)
    if data.gathered_further and not data.gathered:
        raise InputError(
            f"data.gathered_further is {tuple(data.gathered_further)} but data.gathered is (): "
            "name the views whose pixels have them"
        )
    values = num_values(data.further, data.gathered, data.gathered_further)
    if model.in_channels != values:
        raise InputError(
            f"model.in_channels is {model.in_channels}: pixels have one value, {len(data.further)} "
            f"of data.further, and {1 + len(data.gathered_further)} of each view of data.gathered "
            f"{tuple(data.gathered)}, set it to {values}."
        )
    if len(views) != model.views:
        raise InputError(
            f"data.views is {views} but model.views is {model.views}: set one to fit the other"
        )
    if names and "event" in heads:
        check_event_classes(config, names, f"data.classes is {names}")
    check_pixel_classes(
        config, data.pixel_classes, f"data.pixel_classes is {tuple(data.pixel_classes)}"
    )
    _check_validated(config)


def _check_validated(config: ConfigDict) -> None:
    """Raises where a schedule or a stop waits for validations that there are not."""
    data, train = config.data, config.train
    if train.early_stop:
        judge = f"train.early_stop={train.early_stop}"
    elif config.optimizer.schedule == "plateau":
        judge = "optimizer.schedule=plateau"
    else:
        return
    if not data.train:
        return  # which is said when files are opened: it comes first
    if not (data.validation or data.split):
        raise InputError(
            f"data.validation and data.split are empty, but {judge} needs validation events: give "
            "--config.data.validation=FILE, or parts of data.train, "
            "--config.data.split=0.9,0.1,0.0"
        )
    if not (train.validate_every or train.validate_epochs):
        raise InputError(
            f"train.validate_every is {train.validate_every} and train.validate_epochs "
            f"{train.validate_epochs}: {judge} needs validations, set one of them"
        )


def check_event_classes(config: ConfigDict, names: Sequence[str], found: str) -> None:
    """Whether the head ``event`` has as many scores as events have classes.

    Args:
      config: with that head.
      names: of the classes.
      found: where they are from, for the message.

    Raises:
      InputError: it has not.
    """
    number = config.model.heads.event.num_classes
    if len(names) != number:
        raise InputError(
            f"model.heads.event.num_classes is {number} but {found}: set it to {len(names)}, or "
            "choose with data.classes."
        )


def check_pixel_classes(config: ConfigDict, names: Sequence[str], found: str) -> None:
    """Whether heads that tell classes of pixels have as many scores as there are; none is legal.

    Args:
      config: with any heads.
      names: of the classes.
      found: where they are from, for the message.

    Raises:
      InputError: a head has another number.
    """
    for name, head in config.model.heads.items():
        if names and tells_pixels(name) and head.num_classes != len(names):
            raise InputError(
                f"model.heads.{name}.num_classes is {head.num_classes} but {found}: set it to "
                f"{len(names)}."
            )


def tells_pixels(head: str) -> bool:
    """Whether the classes of a head, by its name, are those of pixels."""
    return CLASSES_OF.get(head) == "pixel_classes"


def _check_known(key: str) -> None:
    """Raises unless a dotted key is one of the table, or of the network or another objective."""
    if key in RENAMED:
        raise InputError(f"{key} is gone: set {RENAMED[key]}.")
    group, _, name = key.rpartition(".")
    if name in SETTINGS.get(group, {}) or key.startswith("model."):
        return
    if group.startswith("objectives.") and group not in SETTINGS:
        return  # which has no head
    known = [f"{group}.{name}".lstrip(".") for group, table in SETTINGS.items() for name in table]
    near = difflib.get_close_matches(key, known, n=1)
    remedy = f"did you mean {near[0]}?" if near else "jaxsparse/settings.py has all there are."
    raise InputError(f"{key} is no setting: {remedy}")


def _check_complete(config: ConfigDict) -> None:
    """Raises for the first key that a config lacks; of an objective where it has that one."""
    heads, objectives = _group(config, "model.heads"), _group(config, "objectives")
    needed: dict[str, Iterable[str]] = {"model": READ_OF_MODEL}
    needed |= {f"model.heads.{head}": ("num_classes",) for head in heads if head in CLASSES_OF}
    for group, table in SETTINGS.items():
        _, is_objective, name = group.partition("objectives.")
        if not is_objective or name in objectives:
            needed[group] = table
    for group, names in needed.items():
        values = _group(config, group)
        for name in names:
            if name not in values:
                raise InputError(f"{group}.{name}".lstrip(".") + f" is missing: {_REMEDY}")


def _group(config: ConfigDict, key: str) -> ConfigDict:
    """The group of a config by its dotted key; the config itself by ``""``."""
    values = config
    for name in filter(None, key.split(".")):
        values = values.get(name)
        if not isinstance(values, ConfigDict):
            raise InputError(f"{key} is missing: {_REMEDY}")
    return values


def flatten(config: ConfigDict, prefix: str = "") -> Iterator[tuple[str, Any]]:
    """The leaves of a config as (dotted key, value).

    >>> dict(flatten(ConfigDict({"seed": 1, "data": {"low": 10}})))
    {'data.low': 10, 'seed': 1}
    """
    for name in sorted(config):
        value = config[name]
        if isinstance(value, ConfigDict):
            yield from flatten(value, f"{prefix}{name}.")
        else:
            yield prefix + name, value
