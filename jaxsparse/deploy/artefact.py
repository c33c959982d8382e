"""A trained network as one file that runs with JAX, numpy and flatbuffers alone.

A zip file that Python runs (``python model.pyz``) and imports from. Members:

| member | what it is |
| --- | --- |
| ``__main__.py``, ``jaxsparse_model/`` | a copy of ``jaxsparse/deploy/standalone`` |
| ``jaxsparse_model/grouping/`` | a copy of ``jaxsparse/inference/grouping``: particles |
| ``manifest.json`` | format, versions, classes, views, transform, buckets, guarantee |
| ``weights.npz`` | parameters and running moments by path, arguments of every program |
| ``joiner.npz`` | arrays of a classifier that joins fragments, where there is one |
| ``programs/N`` | what ``export_program`` makes of the network for bucket N |

The file ends with the SHA-256 of all bytes before, as the zip file's comment. ``docs/export.md``.
"""

from __future__ import annotations

import dataclasses
import hashlib
import io
import json
import math
import os
import zipfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import jax
import numpy as np
from ml_collections import ConfigDict

import jaxsparse
from jaxsparse import models
from jaxsparse.data.batch import Batch, ViewBatch
from jaxsparse.data.trained_images import TrainedImages
from jaxsparse.deploy import standalone
from jaxsparse.deploy.model import Model
from jaxsparse.deploy.standalone.archive import CHECKSUM, FORMAT, FORMAT_WITHOUT_JOINER
from jaxsparse.deploy.standalone.model import nested
from jaxsparse.deploy.usual_shapes import usual_shapes
from jaxsparse.errors import InputError
from jaxsparse.inference import grouping
from jaxsparse.inference.forward import make_forward
from jaxsparse.inference.joiner import Joiner
from jaxsparse.models.network import Network
from jaxsparse.training.arrays import by_path
from jaxsparse.training.trained_network import Trained, portable
from jaxsparse.versions import versions
from jaxsparse.whole_file import whole_file

SITES = (2048, 8192, 32768, 65536)
MOST_SITES, LONGEST = 2**24, 2**20  # more than any detector has, and far from any overflow
TAPER = 5 / 8  # capacity of a level over that of the finer one, in all buckets but the last
PACKAGE = "jaxsparse_model"  # as which the copy of the reader is imported
PLATFORMS = ("cpu", "cuda", "tpu")
GUARANTEE = (
    "JAX runs a program that it exported in versions built up to 6 months after the one that wrote "
    "it, and up to 3 weeks before (https://docs.jax.dev/en/latest/export/export.html). Programs "
    "with kernels of jaxsparse are used only where these kernels are of the same version. Weights, "
    "classes and transform are npz and JSON, for which nothing expires."
)
# A zip file may have bytes before it. Where its end was cut off, Python takes it for a text and
# answers with the name of this encoding.
_HEAD = b"# coding: this-file-is-damaged-copy-it-again\n"
_RENAMED = {  # in the sources of the reader: there is no jaxsparse where it runs
    "jaxsparse.deploy.standalone": PACKAGE,
    "jaxsparse.inference.grouping": f"{PACKAGE}.grouping",
    "jaxsparse.errors import": f"{PACKAGE}.error import ModelError as",
}


def write_artefact(
    path: str | os.PathLike[str],
    trained: Trained,
    about: Mapping[str, str] | None = None,
    images: TrainedImages | None = None,
    *,
    joiner: Joiner | None = None,
    shapes: Sequence[Sequence[int]] = (),
    sites: Sequence[int] = SITES,
) -> dict[str, Any]:
    """Writes a trained network as a model file, and returns its manifest.

    Args:
      path: of the file to be.
      trained: the network.
      about: what else to say of it, by name.
      images: what those of the training were like; None where that is not known.
      joiner: joins the fragments of a head ``edges``.
      shapes: the largest images, one shape a view, or one for all; by default those of the detector
        that has these views, of several detectors the largest, if those of the training fit into
        them, else the latter.
      sites: for how many sites of a view to write programs.

    Raises:
      InputError: no shape is given or known, or one that the network cannot have; numbers of sites
        that are none; a joiner for a network without the head ``edges`` or of another number of
        classes; the file cannot be written.
    """
    config = portable(trained.config)
    network, model = models.build(config.model), Model(trained, joiner=joiner)
    views = dict(zip(config.data.views, image_shapes(config, shapes, images), strict=True))
    seen = [_coarse(shape, config.data.coarsen) for shape in views.values()]
    buckets = bucket_capacities(seen, network.levels, sites)
    weights = {name: np.asarray(array) for name, array in by_path(trained.variables).items()}
    manifest = {
        "format": FORMAT if joiner else FORMAT_WITHOUT_JOINER,
        "versions": versions(["jax"]),
        "guarantee": GUARANTEE,
        "about": dict(about or {}),
        "network": config.model.name,
        "step": int(trained.step),
        "views": [{"name": name, "shape": shape} for name, shape in views.items()],
        "classes": model.classes,
        "grouping": model.grouping,
        "kinds": model.kinds._asdict(),
        "joiner": joiner.sha256 if joiner else "",
        "transform": {
            key: config.data[key] for key in ("low", "high", "coarsen", "halo", "mean", "std")
        },
        "images": images.plain() if images else None,
        "outside_of_mask": "NaN",
        "sees_the_border": model.sees_the_border,
        "platforms": PLATFORMS,
        "buckets": buckets,
    }
    members = {**_reader(), "manifest.json": json.dumps(manifest, indent=2).encode()}
    members["weights.npz"] = _npz(weights)
    if joiner:
        members["joiner.npz"] = _npz(joiner.arrays)
    with whole_file(path, "out") as partial:  # which sees at once whether it can be written
        for number, capacities in enumerate(buckets):
            function = _scoring(network, seen, capacities)
            taken = _taken(seen, capacities)
            members[f"programs/{number}"] = jaxsparse.export_program(
                function, nested(weights), taken, platforms=PLATFORMS
            )
        partial.write_bytes(packed(members))
    return manifest


def bucket_capacities(
    shapes: Sequence[Sequence[int]], levels: int, sites: Sequence[int] = SITES
) -> list[list[list[int]]]:
    """Capacities of every bucket, view and level, smallest bucket first.

    Images of tracks have half as many sites from level to level, or fewer: so small buckets expect
    5/8. The last holds every image of so many sites, however they lie.

    Args:
      shapes: of the images, one a view.
      levels: of the network.
      sites: of the finest level, one a bucket.

    Raises:
      InputError: no numbers, or one that is not positive.

    >>> bucket_capacities([(64, 64)], 3, sites=(1000, 4000))
    [[[1000, 625, 256]], [[4000, 1024, 256]]]
    """
    if not sites or min(sites) < 1 or max(sites) > MOST_SITES:
        raise InputError(f"sites is {list(sites)}: must be numbers from 1 to {MOST_SITES}")
    most = max(map(math.prod, shapes))  # cells of the largest image
    sizes = sorted({min(number, most) for number in sites})
    return [
        [
            [
                min(
                    math.ceil(size * (1 if size == sizes[-1] else TAPER) ** level),
                    math.prod(_coarse(shape, 2**level)),
                )
                for level in range(levels)
            ]
            for shape in shapes
        ]
        for size in sizes
    ]


def image_shapes(
    config: ConfigDict, shapes: Sequence[Sequence[int]], images: TrainedImages | None = None
) -> list[tuple[int, ...]]:
    """The largest images, one shape a view.

    Args:
      config: of the network.
      shapes: one a view, or one for all; none: those of the detector that has the views, of several
        detectors the largest, or else of the training.
      images: of the training.

    Raises:
      InputError: no detector is known that has them, or a shape has other axes.
    """
    views, dim = tuple(config.data.views), config.model.dim
    shapes = shapes or _default_shapes(views, dim, images)
    given = [tuple(map(int, shape)) for shape in shapes] * (len(views) if len(shapes) == 1 else 1)
    fits = all(len(shape) == dim and 1 <= min(shape) <= max(shape) <= LONGEST for shape in given)
    if len(given) != len(views) or not fits:
        raise InputError(
            f"shape is {', '.join(map(str, given)) or 'not given'}: the views {', '.join(views)} "
            f"need one of {dim} lengths each, or one for all, such as --shape=1024,4096"
        )
    return given


def _default_shapes(
    views: Sequence[str], dim: int, images: TrainedImages | None
) -> Sequence[Sequence[int]]:
    usual = usual_shapes(views, dim)
    if images is None:
        return usual
    trained = [images.shapes[view] for view in views]
    fits = usual and (np.array(trained) <= np.array(usual)).all()
    return usual if fits else trained


def packed(members: Mapping[str, bytes]) -> bytes:
    """A model file of these members: the same ones give the same bytes."""
    file = io.BytesIO()
    file.write(_HEAD)
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in members.items():
            archive.writestr(zipfile.ZipInfo(name), data, zipfile.ZIP_DEFLATED)
        archive.comment = b"0" * CHECKSUM
    data = file.getvalue()[:-CHECKSUM]
    return data + hashlib.sha256(data).hexdigest().encode()


def _coarse(shape: Sequence[int], factor: int) -> tuple[int, ...]:
    return tuple(-(-side // factor) for side in shape)


def _scoring(
    network: Network, shapes: Sequence[tuple[int, ...]], capacities: Sequence[Sequence[int]]
) -> Callable[..., Any]:
    """The network on one event, as the reader calls it: of plain arrays, to plain arrays."""
    forward = make_forward(network)

    def scoring(variables: dict[str, Any], images: Any) -> dict[str, Any]:
        views = tuple(
            ViewBatch(coords, features, number, {}, shape, 1, tuple(levels))
            for (coords, features, number), shape, levels in zip(
                images, shapes, capacities, strict=True
            )
        )
        one = np.zeros(1, np.int32)
        outputs = forward({"batch_stats": {}, **variables}, Batch(views, one, one, one[0]))[0]
        return {name: _plain(output) for name, output in outputs.items()}

    return scoring


def _plain(output: Any) -> Any:
    """What a head says, as a program can return it to a reader that knows no types of ours."""
    if not dataclasses.is_dataclass(output):
        return output
    return {field.name: getattr(output, field.name) for field in dataclasses.fields(output)}


def _taken(shapes: Sequence[tuple[int, ...]], capacities: Sequence[Sequence[int]]) -> Any:
    """Types and shapes of the images that a program takes."""
    array = jax.ShapeDtypeStruct
    return tuple(
        (
            array((levels[0], 1 + len(shape)), np.int32),
            array((levels[0], 1), np.float32),
            array((), np.int32),
        )
        for shape, levels in zip(shapes, capacities, strict=True)
    )


def _reader() -> dict[str, bytes]:
    """The sources of the reader, under the names that they have in the file."""
    members = {}
    for package, within in ((standalone, PACKAGE), (grouping, f"{PACKAGE}/grouping")):
        for path in sorted(Path(*package.__path__).glob("*.py")):
            source = path.read_text(encoding="utf-8")
            for ours, theirs in _RENAMED.items():
                source = source.replace(ours, theirs)
            name = path.name if path.name == "__main__.py" else f"{within}/{path.name}"
            members[name] = source.encode()
    return members


def _npz(arrays: Mapping[str, np.ndarray]) -> bytes:
    file = io.BytesIO()
    np.savez(file, **arrays)  # type: ignore[arg-type]
    return file.getvalue()
