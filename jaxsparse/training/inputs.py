"""What a run is made from, told by content: files may be moved, copied or spelled another way.

``WORKDIR/inputs.json`` has an entry for ``data.train``, ``data.validation`` and
``train.start_from``, those of them that the config gives.
"""

from __future__ import annotations

import dataclasses
import json
import os
import pathlib
from collections.abc import Mapping

from ml_collections import ConfigDict

from jaxsparse.errors import InputError
from jaxsparse.paths import user_path
from jaxsparse.whole_file import whole_file

INPUTS_FILE = "inputs.json"
KEYS = ("data.train", "data.validation", "train.start_from")


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

    Raises:
      InputError: a path that cannot be one.

    >>> config = ConfigDict({"data": {"train": "t.h5", "validation": ""},
    ...                      "train": {"start_from": ""}})
    >>> absolute = with_absolute_paths(config).data
    >>> os.path.isabs(absolute.train), absolute.validation
    (True, '')
    """
    config = config.copy_and_resolve_references()
    for key in KEYS:
        group, name = key.split(".")
        if config[group][name]:
            config[group][name] = os.path.abspath(user_path(config[group][name], f"config.{key}"))
    return config


def inputs_of(config: ConfigDict, contents: Mapping[str, str]) -> dict[str, Input]:
    """The inputs that a config names.

    Args:
      config: of a run; relative paths, which older ones have, are taken from this folder.
      contents: by key, of those whose content is known.
    """
    paths = {key: config[key.split(".")[0]].get(key.split(".")[1], "") for key in KEYS}
    return {
        key: Input(os.path.abspath(path), contents.get(key, ""))
        for key, path in paths.items()
        if path
    }


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
        return {key: Input(**entry) for key, entry in stored.items() if key in KEYS}
    except (ValueError, TypeError, AttributeError) as error:
        raise InputError(
            f"{path} is no list of inputs: {error}, restore it or train in another --workdir."
        ) from None


def write_inputs(workdir: pathlib.Path, inputs: Mapping[str, Input]) -> None:
    """Writes ``inputs.json``; the old one stays until the new one is whole."""
    entries = {key: dataclasses.asdict(entry) for key, entry in inputs.items()}
    with whole_file(workdir / INPUTS_FILE) as partial:
        partial.write_text(json.dumps(entries, indent=2) + "\n")


def check_inputs(
    workdir: pathlib.Path, before: Mapping[str, Input], now: Mapping[str, Input]
) -> None:
    """Refuses to go on from other data than the run began with.

    Raises:
      InputError: names the first key whose content, or place where that is all that is known, is
        another one.
    """
    for key in KEYS:
        old, new = before.get(key), now.get(key)
        if old is None and new is None:
            continue
        if old is None or new is None:
            raise InputError(
                f"config.{key} is {new.path if new else ''!r} but {workdir} was made with "
                f"{old.path if old else ''!r}: give another --workdir, or the old value to go on "
                "there."
            )
        if not new.same(old):
            raise InputError(
                f"config.{key} is {new.path!r}, which is not what {old.path!r} was when {workdir} "
                "was made: give another --workdir, or the old one to go on there."
            )
