"""The work directory: its config and its inputs, and whether they are those of this run.

``config.json`` is the run's config. ``inputs.json`` has an entry for ``data.train``,
``data.validation`` and ``train.start_from``, those of them that the config gives: they are told by
content, for files may be moved, copied or spelled another way. Its ``heads`` are the files of heads
that users add. ``images.json`` says what the images of the training are like,
:class:`~jaxsparse.data.trained_images.TrainedImages`.
"""

from __future__ import annotations

import dataclasses
import json
import os
import pathlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from types import MappingProxyType
from typing import Any

from ml_collections import ConfigDict

from jaxsparse import models, pretrained
from jaxsparse.data.trained_images import TrainedImages
from jaxsparse.errors import InputError, disk_is_full, one_line, reason
from jaxsparse.file_lock import FileLock
from jaxsparse.paths import make_folder, refuse_tree, user_path
from jaxsparse.settings import flatten
from jaxsparse.training.checkpoint_folder import checkpoint_steps
from jaxsparse.training.config import default_config
from jaxsparse.training.data import with_class_names
from jaxsparse.training.migration import is_old, translated
from jaxsparse.training.own_heads import KEY as HEADS
from jaxsparse.training.own_heads import check_heads, files_of_heads
from jaxsparse.training.which_network import CONFIG_FILE, stored_config
from jaxsparse.whole_file import whole_file

INPUTS_FILE = "inputs.json"
IMAGES_FILE = "images.json"
LOCK_FILE = ".lock"

INPUTS = ("data.train", "data.validation", "train.start_from")
# What a resumed run may change: how long, how often and on what it runs, not what it computes.
FREE_KEYS = frozenset(
    {
        "data.bad_events",
        "data.max_bad_events",
        "data.workers",
        "model.implementation",
        "train.board",
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
LENGTH = ("train.epochs", "train.steps")
_GROUPS = frozenset({"data", "model", "train"})  # of every config
_FULL = ("No space left", "RESOURCE_EXHAUSTED", "File too large", "Disk quota")


@dataclasses.dataclass(frozen=True)
class Input:
    """Something that a run reads.

    Attributes:
      path: absolute.
      content: a word that is the same for the same content; ``""`` where it is not known.
    """

    path: str
    content: str = ""

    def same(self, other: Input) -> bool:
        """Whether both are the same: by content where that is known of both, else by place."""
        if self.content and other.content:
            return self.content == other.content
        return self.path == other.path


def with_absolute_paths(config: ConfigDict) -> ConfigDict:
    """A copy of the config whose input paths mean the same in every folder.

    What may be the name of a network of :mod:`jaxsparse.pretrained` stays, if no path is called so.

    Raises:
      InputError: a path that cannot be one.

    >>> config = ConfigDict({"data": {"train": "t.h5", "validation": ""},
    ...                      "train": {"start_from": ""}})
    >>> absolute = with_absolute_paths(config).data
    >>> os.path.isabs(absolute.train), absolute.validation
    (True, '')
    """
    config = config.copy_and_resolve_references()
    for key in INPUTS:
        group, name = key.split(".")
        if config[group][name]:
            path = user_path(config[group][name], f"config.{key}")
            named = key == "train.start_from" and pretrained.may_be_name(str(path))
            if path.exists() or not named:
                config[group][name] = os.path.abspath(path)
    return config


def inputs_of(config: ConfigDict, contents: Mapping[str, str]) -> dict[str, Input]:
    """The inputs that a config names.

    Args:
      config: of a run; relative paths, which older ones have, are taken from this folder.
      contents: by key, of those whose content is known.
    """
    paths = {key: config[key.split(".")[0]].get(key.split(".")[1], "") for key in INPUTS}
    return {
        key: Input(os.path.abspath(path), contents.get(key, ""))
        for key, path in paths.items()
        if path
    }


@contextmanager
def locked(workdir: pathlib.Path) -> Iterator[None]:
    """Makes the directory and keeps every other training out of it until the end.

    The lock is the operating system's, on ``WORKDIR/.lock``: a process that dies gives it back.

    Raises:
      InputError: another process trains there, or the directory cannot be written.
    """
    path = workdir / LOCK_FILE
    if workdir.is_file():
        raise InputError(f"workdir is {workdir}, a file: give a folder, which may be new")
    refuse_tree(workdir, "workdir")
    make_folder(workdir, "workdir", "give another --workdir")
    with writing(path):
        try:
            lock = FileLock(path)
        except BlockingIOError:
            raise InputError(
                f"{workdir} is in use by another training: wait for its end, or give another "
                "--workdir."
            ) from None
    others = sorted(set(os.listdir(workdir)) - {LOCK_FILE})
    if others and CONFIG_FILE not in others:
        print(
            f"warning: workdir is {workdir}, which holds other files, {others[0]} for one: the "
            "run's files come beside them, a folder of its own keeps them apart"
        )
    with lock:
        try:
            yield
        finally:
            with suppress(OSError):  # Windows keeps a file that is open
                path.unlink()


def claim(
    workdir: pathlib.Path,
    config: ConfigDict,
    inputs: Mapping[str, Input],
    class_names: Mapping[str, Sequence[str]] = MappingProxyType({}),
    images: TrainedImages | None = None,
) -> None:
    """Writes these files, or checks that those that are there fit.

    A directory without a checkpoint holds nothing to protect. A run may go on with other values
    of ``FREE_KEYS`` only, and with the same data wherever it lies; with the cosine schedule the
    length of the run shapes the learning rate, so ``train.steps`` and ``train.epochs`` are bound
    too.

    Args:
      workdir: of the run.
      config: of the run, with the names of its classes.
      inputs: what the run reads.
      class_names: what ``data.classes`` and ``data.pixel_classes`` stood for in a directory that
        was made before configs said the names.
      images: what those of the training are like.

    Raises:
      InputError: the directory was made with another config or other data, or cannot be written.
    """
    path = workdir / CONFIG_FILE
    if path.exists() and not _is_ours(path):
        raise InputError(f"{path} is there and is no config of a training: give another --workdir.")
    if checkpoint_steps(workdir) and path.exists():
        if is_old(json.loads(path.read_text())):
            raise InputError(
                f"{workdir} was made by an earlier version, whose batches were others: evaluate "
                f"it, or give another --workdir and --config.train.start_from={workdir}."
            )
        stored = with_class_names(read_config(workdir), class_names)
        # First what is read: keys that nobody typed follow from the training file.
        _compare_inputs(workdir, read_inputs(workdir, stored), inputs)
        _compare(path, stored, config)
    entries: dict[str, Any] = {key: dataclasses.asdict(entry) for key, entry in inputs.items()}
    if files := files_of_heads(tuple(config.model.heads)):
        entries[HEADS] = files
    with whole_file(workdir / INPUTS_FILE) as partial:
        partial.write_text(json.dumps(entries, indent=2) + "\n")
    if images is not None:
        with whole_file(workdir / IMAGES_FILE) as partial:
            partial.write_text(json.dumps(images.plain(), indent=2) + "\n")
    with whole_file(path) as partial:
        partial.write_text(json.dumps(json.loads(config.to_json()), indent=2) + "\n")


def read_config(workdir: pathlib.Path) -> ConfigDict:
    """The config that a work directory was made with.

    Keys that came after it was made have their defaults: what they stand for is what was done.
    Those of earlier versions are translated (:mod:`jaxsparse.training.migration`).

    Raises:
      InputError: there is none, it is not readable, or its network has a head that is not there.
    """
    path = stored_config(workdir)
    try:
        config = config_of(json.loads(path.read_text()))
    except (ValueError, TypeError) as error:
        raise InputError(
            f"{path} is no config: {error}, restore it or train in another --workdir."
        ) from None
    check_heads(workdir, tuple(config.model.get("heads", ())), path.with_name(INPUTS_FILE))
    return config


def config_of(stored: dict[str, Any]) -> ConfigDict:
    """The config of what a ``config.json`` holds; see :func:`read_config`.

    Raises:
      ValueError, TypeError: it is none.
    """
    config = ConfigDict(tuples(translated(stored)))
    for group in sorted(_GROUPS):
        if not isinstance(config.get(group), ConfigDict):
            raise ValueError(f"it has no group {group}")
    return _with_defaults(config)


def read_inputs(workdir: pathlib.Path, config: ConfigDict) -> dict[str, Input]:
    """The inputs that a work directory was made from.

    Args:
      workdir: of a run.
      config: that is stored there: older directories have nothing else.

    Raises:
      InputError: the file is there and is no list of inputs.
    """
    path = pathlib.Path(workdir) / INPUTS_FILE
    if not path.is_file():
        return inputs_of(config, {})
    try:
        stored = json.loads(path.read_text())
        return {key: Input(**entry) for key, entry in stored.items() if key in INPUTS}
    except (ValueError, TypeError, AttributeError) as error:
        raise InputError(
            f"{path} is no list of inputs: {error}, restore it or train in another --workdir."
        ) from None


def read_images(workdir: pathlib.Path) -> TrainedImages | None:
    """What the images of a training were like; None in a directory of an earlier version.

    Raises:
      InputError: the file is there and does not say it.
    """
    path = pathlib.Path(workdir) / IMAGES_FILE
    if not path.is_file():
        return None
    try:
        return TrainedImages.of(json.loads(path.read_text()))
    except (ValueError, TypeError, KeyError) as error:
        raise InputError(
            f"{path} does not say what images are like: {one_line(error)}, restore or delete it."
        ) from None


def _is_ours(path: pathlib.Path) -> bool:
    """Whether a file is one that ``claim`` wrote, which it does whole or not at all."""
    try:
        stored = json.loads(path.read_text())
    except (OSError, ValueError):
        return False
    return isinstance(stored, dict) and stored.keys() >= _GROUPS


def _with_defaults(stored: ConfigDict) -> ConfigDict:
    """``stored`` and the defaults it lacks."""
    model = stored.model
    if model.get("name") not in models.BACKBONES or not set(model.get("heads", {})) <= {
        *models.HEADS
    }:
        return stored  # which models.build refuses

    def fill(values: ConfigDict, defaults: ConfigDict) -> None:
        for key, default in defaults.items():
            if key not in values:
                values[key] = default
            elif isinstance(default, ConfigDict):
                fill(values[key], default)

    fill(stored, default_config(model.name, tuple(model.heads)))
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
def writing(path: pathlib.Path, kept: str = "what was there has not changed") -> Iterator[None]:
    """Turns what goes wrong while writing ``path`` (full disk, no permission) into one line.

    Args:
      path: for the message.
      kept: what has not been lost.
    """
    try:
        yield
    except OSError as error:
        text = f"{path} cannot be written ({reason(error)}): {kept}"
        remedy = "make room" if disk_is_full(error) else "see to that"
        raise InputError(f"{text}, {remedy} and repeat the command.") from error
    except ValueError as error:  # TensorStore reports a full disk so, with a long text
        if isinstance(error, InputError) or not any(text in str(error) for text in _FULL):
            raise
        text = f"{path} cannot be written (the disk is full): {kept}"
        raise InputError(f"{text}, make room and repeat the command.") from error


def _compare(path: pathlib.Path, before: ConfigDict, now: ConfigDict) -> None:
    cosine = now.optimizer.schedule == "cosine"
    free = {*FREE_KEYS, *INPUTS} - ({*LENGTH} if cosine else set())  # inputs: by content
    old, new = _plain(before), _plain(now)
    for key in sorted(old.keys() | new.keys()):
        if key not in free and old.get(key) != new.get(key):
            said = (
                f"config.{key} is {new.get(key)!r} but the work directory {path.parent} was made "
                "with "
            )
            if key in LENGTH:
                raise InputError(
                    f"{said}{old.get(key)!r}, and a cosine is as long as its run: to train on, "
                    f"give another --workdir and --config.train.start_from={path.parent}."
                )
            raise InputError(
                f"{said}{old.get(key)!r}: give another --workdir, or the old value to go on there."
            )


def _compare_inputs(
    workdir: pathlib.Path, before: Mapping[str, Input], now: Mapping[str, Input]
) -> None:
    for key in INPUTS:
        old, new = before.get(key), now.get(key)
        if old is None and new is None:
            continue
        if old is None or new is None:
            raise InputError(
                f"config.{key} is {new.path if new else ''!r} but the work directory {workdir} was "
                f"made with {old.path if old else ''!r}: give another --workdir, or the old value "
                "to go on there."
            )
        if not new.same(old):
            raise InputError(
                f"config.{key} is {new.path!r}, which is not what {old.path!r} was when {workdir} "
                "was made: give another --workdir, or the old one to go on there."
            )


def _plain(config: ConfigDict) -> dict[str, Any]:
    return {key: tuples(json.loads(json.dumps(value))) for key, value in flatten(config)}
