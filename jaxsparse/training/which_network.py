"""What a user calls a network by: a name, a file, a work directory, a checkpoint. Loads nothing."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

from jaxsparse import pretrained
from jaxsparse.errors import InputError
from jaxsparse.training.checkpoint_folder import FOLDER

CONFIG_FILE = "config.json"  # of a work directory
_CHECKSUM = 64  # digits at the end of a .pyz


def find_network(
    place: str | os.PathLike[str], step: str | int = "best", *, name: str = "model"
) -> tuple[Path, str | int]:
    """Where the network is that is meant; what exists as a path wins over a name.

    Programs ask before they load what a network needs, which takes seconds.

    Args:
      place: a name of :func:`jaxsparse.pretrained.names`, a file of
        :func:`~jaxsparse.training.model_file.write_model`, a work directory of ``train.py``, or
        one checkpoint in it, ``WORKDIR/checkpoints/N``.
      step: of a work directory: ``"best"``, ``"latest"`` or a number.
      name: of the flag or setting, for messages.

    Returns:
      A work directory and the step in it, or a file and ``step``.

    Raises:
      InputError: there is nothing of that name.

    >>> find_network("sparsessnet_y")[0].name
    'sparsessnet_y.safetensors'
    """
    path = Path(place)
    if (path / CONFIG_FILE).is_file():
        return path, step
    if _is_checkpoint(path):
        return path.parents[1], path.name
    if path.is_dir():
        raise InputError(
            f"{name} is {path}: {path / CONFIG_FILE} is missing, it must be a directory that "
            f"a training made, or WORKDIR/{FOLDER}/STEP"
        )
    if step != "best":
        raise InputError(
            f"checkpoint is {step!r} but {name} is {place}, which holds one: leave it out"
        )
    return file_of_network(place, name=name), step


def file_of_network(place: str | os.PathLike[str], *, name: str = "model") -> Path:
    """The file of a network, by its path or by its name.

    Raises:
      InputError: there is none.
    """
    path = Path(place)
    if path.is_file():
        if path.suffix == ".pyz":
            if not _is_whole(path):
                raise InputError(
                    f"{name} is {place}, which is damaged or no file of jaxsparse export: its "
                    "checksum is another one, copy it again"
                )
            raise InputError(
                f"{name} is {place}, which is whole and runs by itself (python {path.name} "
                "--help): give a network's .safetensors or work directory here"
            )
        return path
    if not pretrained.may_be_name(str(place)):
        known = ", ".join(pretrained.names())
        names = f", or give a name, of {known}" if known else ""
        raise InputError(
            f"{name} is {place}: there is no such file or folder, check the path{names}"
        )
    return pretrained.path_of(str(place), name=name)


def _is_whole(path: Path) -> bool:
    """Whether a model file ends with the checksum of its other bytes."""
    data = path.read_bytes()
    return hashlib.sha256(data[:-_CHECKSUM]).hexdigest().encode() == data[-_CHECKSUM:]


def stored_config(workdir: str | os.PathLike[str]) -> Path:
    """The file of the config that a work directory was made with.

    Raises:
      InputError: there is none.
    """
    path = Path(workdir) / CONFIG_FILE
    if not path.is_file():
        raise InputError(
            f"{path} is missing: --workdir must be a directory that a training made, check it."
        )
    return path


def _is_checkpoint(path: Path) -> bool:
    """Whether a path is ``WORKDIR/checkpoints/N``: told by what lies there, not by its name."""
    if len(path.parents) < 2 or not (path.parents[1] / CONFIG_FILE).is_file():
        return False
    return path.parent.resolve() == (path.parents[1] / FOLDER).resolve()
