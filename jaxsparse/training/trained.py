"""A trained network by what a user calls it: a name, a file, a work directory, a checkpoint."""

from __future__ import annotations

import os
from pathlib import Path

from jaxsparse import pretrained
from jaxsparse.errors import InputError
from jaxsparse.training.checkpoint import Trained, load_for_evaluation
from jaxsparse.training.checkpoint_folder import FOLDER
from jaxsparse.training.model_file import read_model
from jaxsparse.training.workdir import CONFIG_FILE


def load_trained(
    place: str | os.PathLike[str], step: str | int = "best", *, name: str = "model"
) -> Trained:
    """The network that is meant; what exists as a path wins over a name.

    Args:
      place: a name of :func:`jaxsparse.pretrained.names`, a file of
        :func:`~jaxsparse.training.model_file.write_model`, a work directory of ``train.py``, or
        one checkpoint in it, ``WORKDIR/checkpoints/N``.
      step: of a work directory: ``"best"``, ``"latest"`` or a number.
      name: of the flag or setting, for messages.

    Raises:
      InputError: there is nothing of that name, or it cannot be read.
    """
    path = Path(place)
    if (path / CONFIG_FILE).is_file():
        return load_for_evaluation(path, step)
    if _is_checkpoint(path):
        return load_for_evaluation(path.parents[1], path.name)
    if path.is_dir():
        raise InputError(
            f"{name} is {path}: {path / CONFIG_FILE} is missing, it must be a directory that "
            f"a training made, or WORKDIR/{FOLDER}/STEP"
        )
    if step != "best":
        raise InputError(
            f"checkpoint is {step!r} but {name} is {place}, which holds one: leave it out"
        )
    return read_model(model_file(place, name=name))[0]


def about(place: str | os.PathLike[str]) -> dict[str, str]:
    """What the file of a network says about it; nothing where it is a work directory.

    Raises:
      InputError: as :func:`load_trained`.
    """
    return {} if Path(place).is_dir() else read_model(model_file(place))[1]


def model_file(place: str | os.PathLike[str], *, name: str = "model") -> Path:
    """The file of a network, by its path or by its name.

    Raises:
      InputError: there is none.
    """
    path = Path(place)
    if path.is_file():
        if path.suffix == ".pyz":
            raise InputError(
                f"{name} is {place}, which runs by itself (python {path.name} --help): give a "
                "network's .safetensors or work directory here"
            )
        return path
    if not pretrained.may_be_name(str(place)):
        known = ", ".join(pretrained.names())
        names = f", or give a name, of {known}" if known else ""
        raise InputError(
            f"{name} is {place}: there is no such file or folder, check the path{names}"
        )
    return pretrained.path_of(str(place), name=name)


def _is_checkpoint(path: Path) -> bool:
    """Whether a path is ``WORKDIR/checkpoints/N``: told by what lies there, not by its name."""
    if len(path.parents) < 2 or not (path.parents[1] / CONFIG_FILE).is_file():
        return False
    return path.parent.resolve() == (path.parents[1] / FOLDER).resolve()
