"""A trained network as one file: weights, config and classes, with a checksum.

safetensors, with one entry of metadata, ``jaxsparse``: JSON with ``format``, ``versions``,
``config``, ``step``, ``about``, ``images``, ``operating_points`` and ``sha256``. Kernels of the
backbone are bfloat16, which networks whose ``model.dtype`` that is lose nothing by. The rest is
float32: heads, whose last layers compute so whatever the ``model.dtype``, scales, biases and
running moments. They are few.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import jax
import ml_dtypes
import numpy as np
import safetensors
import safetensors.numpy
from ml_collections import ConfigDict

from jaxsparse import models
from jaxsparse.data.trained_images import TrainedImages
from jaxsparse.errors import InputError, one_line, reason
from jaxsparse.settings import SETTINGS
from jaxsparse.training.arrays import by_path, first_difference, placed, sha256_of, shapes_of
from jaxsparse.training.rescaling import Rescaling
from jaxsparse.training.trained_network import Trained, portable
from jaxsparse.training.workdir import INPUTS, config_of
from jaxsparse.versions import versions
from jaxsparse.whole_file import whole_file

FORMAT = 1
_ENTRY = "jaxsparse"  # of the metadata
_HEADS = "params/heads/"  # paths of their parameters begin so
_DTYPES = {"BF16": ml_dtypes.bfloat16, "F32": np.float32}


def write_model(
    path: str | os.PathLike[str],
    trained: Trained,
    about: Mapping[str, str] | None = None,
    images: TrainedImages | None = None,
    points: Mapping[str, Rescaling] | None = None,
) -> None:
    """Writes a trained network to a file.

    Where its training data lay, and how it was split, is not written.

    Args:
      path: of the file to be.
      trained: the network.
      about: what else to say of it, by name: sample, recipe, commit, licence.
      images: what those of the training were like; None where that is not known.
      points: operating points of its classes of pixels, by name, beside the one that it has.

    Raises:
      InputError: the file cannot be written.
    """
    arrays = {name: _stored(name, array) for name, array in by_path(trained.variables).items()}
    facts = {
        "format": FORMAT,
        "versions": versions(["jax"]),
        "step": int(trained.step),
        "config": json.loads(_public(trained.config).to_json()),
        "about": dict(about or {}),
        **({"images": images.plain()} if images else {}),
    }
    if points:
        facts["operating_points"] = {name: point.plain() for name, point in points.items()}
    facts["sha256"] = _checksum(facts, arrays)
    with whole_file(path, "out") as partial:
        partial.write_bytes(safetensors.numpy.save(arrays, {_ENTRY: json.dumps(facts)}))


def read_model(path: str | os.PathLike[str]) -> tuple[Trained, dict[str, str]]:
    """A trained network, float32, and what its file says about it.

    Raises:
      InputError: no such file, a damaged one, one of a later format, or of another network than
        its config describes.
    """
    facts, arrays = _read(Path(path))
    try:
        config = portable(config_of(facts["config"]))
        network = models.build(config.model)
        template = jax.eval_shape(models.initializer(config.model), jax.random.PRNGKey(0))
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise InputError(
            f"{path} has no config that this version reads: {one_line(error)}"
        ) from None
    if difference := first_difference(shapes_of(arrays), shapes_of(by_path(template))):
        raise InputError(f"{path} has other arrays than its network: {difference}, copy it again")
    variables = placed(template, {name: one.astype(np.float32) for name, one in arrays.items()})
    return Trained(config, network, variables, facts["step"]), facts["about"]


def read_images(path: str | os.PathLike[str]) -> TrainedImages | None:
    """What a file says of the images of the training; None if nothing.

    Raises:
      InputError: as :func:`read_model`.
    """
    facts, _ = _read(Path(path))
    try:
        return TrainedImages.of(facts["images"]) if "images" in facts else None
    except (ValueError, TypeError, KeyError) as error:
        raise InputError(
            f"{path} has images that this version does not read: {one_line(error)}"
        ) from None


def read_points(path: str | os.PathLike[str]) -> dict[str, Rescaling]:
    """The operating points that a file has beside that of its arrays, by name.

    Raises:
      InputError: as :func:`read_model`.
    """
    facts, _ = _read(Path(path))
    if "operating_points" not in facts:
        return {}
    try:
        classes = facts["config"]["model"]["heads"]["semantic"]["num_classes"]
        points = facts["operating_points"].items()
        return {str(name): Rescaling.of(point, classes) for name, point in points}
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise InputError(
            f"{path} has operating points that this version does not read: {one_line(error)}"
        ) from None


def fingerprint_of(trained: Trained) -> str:
    """64 hexadecimal digits of a network's arrays: the same in a work directory and in its file."""
    arrays = by_path(trained.variables)
    return sha256_of("", {name: _stored(name, array) for name, array in arrays.items()})


def _stored(name: str, array: Any) -> np.ndarray:
    """Kernels of the backbone rounded to bfloat16."""
    single = np.ascontiguousarray(array, np.float32)
    rounded = single.ndim > 1 and not name.startswith(_HEADS)
    return single.astype(ml_dtypes.bfloat16) if rounded else single


def _public(config: ConfigDict) -> ConfigDict:
    """A config without the places and the partition of its training data."""
    config = config.copy_and_resolve_references()
    for key in INPUTS:
        group, name = key.split(".")
        config[group][name] = ""
    config.data.split = ()
    config.train.cache_dir = SETTINGS["train"]["cache_dir"].default
    return config


def _read(path: Path) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    try:
        data = path.read_bytes()
    except OSError as error:
        raise InputError(f"{path} cannot be read ({reason(error)}): check the path") from None
    try:
        tensors = safetensors.deserialize(data)  # checks the layout
        header = json.loads(data[8 : 8 + int.from_bytes(data[:8], "little")])
        facts = json.loads(header["__metadata__"][_ENTRY])
        newer = int(facts["format"]) > FORMAT
    except (safetensors.SafetensorError, ValueError, KeyError, TypeError) as error:
        raise InputError(
            f"{path} is no network that jaxsparse wrote, or damaged ({one_line(error)}): copy it "
            "again, or write it with jaxsparse export"
        ) from None
    if newer:
        raise InputError(
            f"{path} has format {facts['format']} but this version of jaxsparse reads {FORMAT}: "
            "install a newer one"
        )
    try:
        arrays = {
            name: np.frombuffer(tensor["data"], _DTYPES[tensor["dtype"]]).reshape(tensor["shape"])
            for name, tensor in tensors
        }
        whole = facts.pop("sha256") == _checksum(facts, arrays)
    except (ValueError, KeyError, TypeError, AttributeError):
        whole = False
    if not whole:
        raise InputError(f"{path} is damaged: its checksum is another one, copy it again")
    return facts, arrays


def _checksum(facts: Mapping[str, Any], arrays: Mapping[str, np.ndarray]) -> str:
    return sha256_of(json.dumps(facts, sort_keys=True), arrays)
