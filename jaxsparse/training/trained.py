"""A trained network by what a user calls it: a name, a file, a work directory, a checkpoint."""

from __future__ import annotations

import os
from pathlib import Path

from jaxsparse.data.trained_images import TrainedImages
from jaxsparse.errors import InputError
from jaxsparse.training import model_file, workdir
from jaxsparse.training.checkpoint import load_for_evaluation
from jaxsparse.training.rescaling import Rescaling, rescaled
from jaxsparse.training.trained_network import Trained
from jaxsparse.training.which_network import file_of_network, find_network


def load_trained(
    place: str | os.PathLike[str],
    step: str | int = "best",
    *,
    operating_point: str = "",
    name: str = "model",
) -> Trained:
    """The network that is meant.

    Args:
      place: as :func:`~jaxsparse.training.which_network.find_network` takes it.
      step: of a work directory: ``"best"``, ``"latest"`` or a number.
      operating_point: one of :func:`points_of`; empty: that which the network has as it is.
      name: of the flag or setting, for messages.

    Raises:
      InputError: there is nothing of that name, or it cannot be read; no such operating point.
    """
    path, step = find_network(place, step, name=name)
    if not operating_point:
        return load_for_evaluation(path, step) if path.is_dir() else model_file.read_model(path)[0]
    if operating_point not in (points := points_of(path)):
        has = f"{', '.join(points)}, choose one or leave it out" if points else "none, leave it out"
        raise InputError(f"operating_point is {operating_point!r}: {place} has {has}")
    return rescaled(model_file.read_model(path)[0], points[operating_point])


def about(place: str | os.PathLike[str]) -> dict[str, str]:
    """What the file of a network says about it; nothing where it is a work directory.

    Raises:
      InputError: as :func:`load_trained`.
    """
    return {} if Path(place).is_dir() else model_file.read_model(file_of_network(place))[1]


def points_of(place: str | os.PathLike[str]) -> dict[str, Rescaling]:
    """The operating points of a network by name; a work directory has none.

    Raises:
      InputError: as :func:`load_trained`.

    >>> sorted(points_of("sparsessnet_y"))
    ['as_trained', 'planes']
    """
    path, _ = find_network(place)
    return {} if path.is_dir() else model_file.read_points(path)


def images_of(place: str | os.PathLike[str]) -> TrainedImages | None:
    """What the images of its training were like; None where nobody wrote it down.

    Raises:
      InputError: as :func:`load_trained`.
    """
    path, _ = find_network(place)
    return workdir.read_images(path) if path.is_dir() else model_file.read_images(path)
