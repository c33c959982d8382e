"""The work directory: ``config.json``, and whether it belongs to this run."""

from __future__ import annotations

import errno
import json
import os
import pathlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from ml_collections import ConfigDict

from jaxsparse.command_line import flatten
from jaxsparse.errors import InputError
from jaxsparse.training.config import default_config, with_class_names

CONFIG_FILE = "config.json"

# What a resumed run may change: how long, how often and on what it runs, not what it computes.
FREE_KEYS = frozenset(
    {
        "data.workers",
        "train.cache_dir",
        "train.checkpoint_every",
        "train.devices",
        "train.early_stop",
        "train.epochs",
        "train.log_every",
        "train.minutes",
        "train.parallel",
        "train.steps",
        "train.validate_epochs",
        "train.validate_every",
    }
)
_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}


def claim(workdir: pathlib.Path, config: ConfigDict, event_classes: Sequence[str] = ()) -> None:
    """Writes ``config.json``, or checks that the one that is there is this run's.

    A directory without a checkpoint holds nothing to protect. A run may go on with other values
    of ``FREE_KEYS`` only; with the cosine schedule the length of the run shapes the learning rate,
    so ``train.steps``, ``train.epochs`` and ``train.minutes`` are bound too.

    Args:
      workdir: of the run.
      config: of the run, with the names of its classes.
      event_classes: what no ``data.classes`` stood for in a directory that was made before configs
        said the names.

    Raises:
      InputError: the directory was made with another config, or cannot be written.
    """
    path = workdir / CONFIG_FILE
    if has_checkpoint(workdir) and path.exists():
        _compare(path, with_class_names(read_config(workdir), event_classes), config)
    with writing(path):
        workdir.mkdir(parents=True, exist_ok=True)
        partial = path.with_suffix(".json.partial")
        partial.write_text(json.dumps(json.loads(config.to_json()), indent=2) + "\n")
        os.replace(partial, path)


def has_checkpoint(workdir: pathlib.Path) -> bool:
    """Whether a run in this directory would go on where an earlier one stopped."""
    return any((workdir / "checkpoints").glob("[0-9]*"))


def read_config(workdir: pathlib.Path) -> ConfigDict:
    """The config that a work directory was made with.

    Keys that came after it was made have their defaults: what they stand for is what was done.

    Raises:
      InputError: there is none, or it is not readable.
    """
    path = pathlib.Path(workdir) / CONFIG_FILE
    if not path.is_file():
        raise InputError(
            f"{path} is missing: --workdir must be a directory that train.py made, check the path."
        )
    try:
        stored = ConfigDict(tuples(json.loads(path.read_text())))
        return _with_defaults(stored)
    except (ValueError, TypeError) as error:
        raise InputError(
            f"{path} is no config: {error}, restore it or train in another --workdir."
        ) from None


def _with_defaults(stored: ConfigDict) -> ConfigDict:
    """``stored`` and the defaults it lacks, but those of the network, which names its own."""
    for group, defaults in default_config().items():
        if group == "model" or group not in stored or not isinstance(defaults, ConfigDict):
            continue
        for key, value in defaults.items():
            if key not in stored[group]:
                stored[group][key] = value
    return stored


def tuples(value: Any) -> Any:
    """JSON's lists as the tuples that they were.

    >>> tuples({"crop": [512, 512]})
    {'crop': (512, 512)}
    """
    if isinstance(value, dict):
        return {key: tuples(item) for key, item in value.items()}
    return tuple(map(tuples, value)) if isinstance(value, list) else value


@contextmanager
def writing(path: pathlib.Path, remedy: str = "") -> Iterator[None]:
    """Turns what goes wrong while writing ``path`` (full disk, no permission) into one line."""
    try:
        yield
    except OSError as error:
        raise InputError(f"{path} cannot be written: {_reason(error)}.{remedy}") from error
    except Exception as error:  # tensorstore reports a full disk as a ValueError with a long text
        full = ("No space left", "RESOURCE_EXHAUSTED", "File too large", "Disk quota")
        if not any(text in str(error) for text in full):
            raise
        raise InputError(f"{path} cannot be written: the disk is full.{remedy}") from error


def _reason(error: OSError) -> str:
    return "the disk is full" if error.errno in _FULL else (error.strerror or str(error))


def _compare(path: pathlib.Path, before: ConfigDict, now: ConfigDict) -> None:
    free = set(FREE_KEYS)
    if now.optimizer.schedule == "cosine":
        free -= {"train.steps", "train.epochs", "train.minutes"}
    old, new = _plain(before), _plain(now)
    for key in sorted(old.keys() | new.keys()):
        if key not in free and old.get(key) != new.get(key):
            raise InputError(
                f"config.{key} is {new.get(key)!r} but {path.parent} was made with "
                f"{old.get(key)!r}: give another --workdir, or the old value to go on there."
            )


def _plain(config: ConfigDict) -> dict[str, Any]:
    plain: Callable[[Any], Any] = lambda value: tuples(json.loads(json.dumps(value)))  # noqa: E731
    return {key: plain(value) for key, value in flatten(config)}
