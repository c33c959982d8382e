"""A trained network by what a user calls it: a name, a file, a work directory, a checkpoint."""

from __future__ import annotations

import os
from pathlib import Path

from jaxsparse.data.trained_images import TrainedImages
from jaxsparse.training import model_file, workdir
from jaxsparse.training.checkpoint import load_for_evaluation
from jaxsparse.training.trained_network import Trained
from jaxsparse.training.which_network import file_of_network, find_network


def load_trained(
    place: str | os.PathLike[str], step: str | int = "best", *, name: str = "model"
) -> Trained:
    """The network that is meant.

    Args:
      place: as :func:`~jaxsparse.training.which_network.find_network` takes it.
      step: of a work directory: ``"best"``, ``"latest"`` or a number.
      name: of the flag or setting, for messages.

    Raises:
      InputError: there is nothing of that name, or it cannot be read.
    """
    path, step = find_network(place, step, name=name)
    return load_for_evaluation(path, step) if path.is_dir() else model_file.read_model(path)[0]


def about(place: str | os.PathLike[str]) -> dict[str, str]:
    """What the file of a network says about it; nothing where it is a work directory.

    Raises:
      InputError: as :func:`load_trained`.
    """
    return {} if Path(place).is_dir() else model_file.read_model(file_of_network(place))[1]


def images_of(place: str | os.PathLike[str]) -> TrainedImages | None:
    """What the images of its training were like; None where nobody wrote it down.

    Raises:
      InputError: as :func:`load_trained`.
    """
    path, _ = find_network(place)
    return workdir.read_images(path) if path.is_dir() else model_file.read_images(path)
