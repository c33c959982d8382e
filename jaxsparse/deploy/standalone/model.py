"""A model file: checked whole, then a function from images to scores."""

from __future__ import annotations

import io
import json
import os
import warnings
import zipfile
import zlib
from collections.abc import Iterable, Mapping, Sequence
from types import SimpleNamespace
from typing import Any, NamedTuple

import numpy as np

from jaxsparse.deploy.standalone.archive import Archive, no_model, open_archive
from jaxsparse.deploy.standalone.error import ModelError, one_line
from jaxsparse.deploy.standalone.images import Sites, Transform, sites_of
from jaxsparse.deploy.standalone.shapes import odd_shape
from jaxsparse.deploy.standalone.units import other_unit
from jaxsparse.inference.grouping import (
    NOBODY,
    Grouping,
    Kinds,
    PairNetwork,
    SeenEvent,
    SeenView,
    classes_and_parents,
    grouping_by,
    of_real,
    told_particles,
)

Image = tuple[Any, Any]  # coordinates and values


class Scores(NamedTuple):
    """What a network says of an event.

    Attributes:
      pixels: by name of the view, float32 ``[pixels, classes]`` in the order in which the pixels
        were given, NaN outside of the mask; empty where the network scores no pixels.
      event: float32 ``[classes]``, NaN where the network sees no pixel; None where it scores no
        events.
      instances: by name of the view, int32 ``[pixels]``, the particle of every pixel, -1 outside of
        the mask; empty where the network tells no particles.
      vertices: by name of the view, float32 ``[pixels]``, the probability that a pixel is the one
        nearest to the vertex, NaN outside of the mask; empty where it names no vertex.
      particles: ``[instances]`` with the fields ``instance`` (int32), the number, ``class`` (int8)
        and ``parent`` (int32), the number of the track that it belongs to, -1 for none. None where
        the network tells no particles, and of files that were written before readers told them.
    """

    pixels: dict[str, np.ndarray]
    event: np.ndarray | None
    instances: dict[str, np.ndarray]
    vertices: dict[str, np.ndarray]
    particles: np.ndarray | None = None

    @property
    def pixel_classes(self) -> dict[str, np.ndarray]:
        """By name of the view, int8 ``[pixels]``: class of the highest score, -1 outside."""
        return {name: highest(scores) for name, scores in self.pixels.items()}


def load(path: str | os.PathLike[str] | None = None, *, kernels: bool = True) -> Model:
    """A model file, checked before anything in it is used.

    Args:
      path: of the file; by default the one that this package lies in.
      kernels: whether to use the kernels for CPUs of a jaxsparse that is installed.

    Raises:
      ModelError: no such file, a damaged one, or one of a later format.
    """
    archive = open_archive(path)
    try:
        return Model(archive, kernels=kernels)
    except (zipfile.BadZipFile, zlib.error, LookupError, ValueError, TypeError) as error:
        if isinstance(error, ModelError):
            raise
        raise no_model(archive.path, error) from None


class Model:
    """A trained network, for images up to the shape that it was exported for.

    Attributes:
      manifest: all that the file says of itself.
      views: names of the images that it takes.
      dim: their axes.
      classes: names of the classes: ``"semantic"`` of pixels, ``"event"`` of events.
      transform: from values to features.
      computed_by: which program made the last scores, in words.
    """

    def __init__(self, archive: Archive, *, kernels: bool):
        self.manifest = manifest = archive.manifest
        self._archive, self._path, self._kernels = archive.members, archive.path, kernels
        self._shapes = {view["name"]: tuple(view["shape"]) for view in manifest["views"]}
        self.views = tuple(self._shapes)
        self.dim = len(self._shapes[self.views[0]])
        self.classes = {head: tuple(names) for head, names in manifest["classes"].items()}
        self.transform = Transform(**manifest["transform"])
        self._buckets = [np.array(views) for views in manifest["buckets"]]
        with np.load(
            io.BytesIO(archive.members.read("weights.npz")), allow_pickle=False
        ) as weights:
            self._weights: Any = nested(weights)
        self._group = _grouping(archive)
        kinds = manifest.get("kinds")
        self._kinds = Kinds(**kinds) if kinds else None
        self._programs: dict[int, tuple[Any, str]] = {}
        self.computed_by = ""

    def __call__(self, event: Image | Mapping[str, Image]) -> Scores:
        """The scores of one event.

        Args:
          event: by name of the view its pixels, ``(coords, values)``: whole numbers
            ``[pixels, dim]``, every pixel once and in any order, and numbers ``[pixels]`` in the
            unit of the training. Of the only view, its pixels alone.

        Raises:
          ModelError: other views, arrays that are no image, an image that is larger or fuller than
            the model can take, programs that cannot run here.

        Values that look like those of another unit give a warning, and so do images of another
        shape than those of the training, and an event without a pixel that the network sees.
        """
        sites = self._sites(event)
        if lines := self._odd(sites):
            warnings.warn("; ".join(lines), stacklevel=2)
        number = self._bucket(sites)
        program, self.computed_by = self._compiled(number)
        capacities = self._buckets[number][:, 0].tolist()
        outputs = program(self._weights, tuple(map(Sites.padded, sites, capacities)))
        return self._scores(sites, {name: _on_host(said) for name, said in outputs.items()})

    def _odd(self, sites: Sequence[Sites]) -> list[str]:
        """What to say of an event that is not like those of the training."""
        transform, trained, said = self.transform, self.manifest.get("images") or {}, []
        values = np.concatenate([image.values for image in sites])
        if not any(len(image.coords) for image in sites):
            said.append(
                f"no pixel has a value between {transform.low:g} and {transform.high:g}, which the "
                "network looks at: all scores are NaN"
            )
        if line := other_unit(values, transform.mean, transform.std, trained.get("upper_value")):
            said.append(line)
        for name, image in zip(self.views, sites, strict=True):
            if not trained:
                continue
            whole = not trained.get("windows", False)
            if line := odd_shape(image.reach, trained["shapes"][name], trained=whole):
                said.append(f"view {name}: {line}")
        return said

    def compile_all(self) -> None:
        """Compiles all programs now, which else happens when an image first needs one."""
        for number in range(len(self._buckets)):
            self._compiled(number)

    def _sites(self, event: Image | Mapping[str, Image]) -> list[Sites]:
        images = event if isinstance(event, Mapping) else dict.fromkeys(self.views[:1], event)
        if set(images) != set(self.views):
            raise ModelError(
                f"an event has the views {', '.join(images)} but the model takes "
                f"{', '.join(self.views)}: give {{view: (coords, values), ...}} of these"
            )
        for name, image in images.items():
            if not isinstance(image, tuple | list) or len(image) != 2:
                raise ModelError(
                    f"view {name}: give its pixels as (coords, values), of a dense image "
                    "(numpy.argwhere(image > 0), image[image > 0])"
                )
        return [
            sites_of(name, shape, *images[name], self.transform)
            for name, shape in self._shapes.items()
        ]

    def _scores(self, sites: Sequence[Sites], outputs: Mapping[str, Any]) -> Scores:
        rows = [slice(0, len(image.coords)) for image in sites]
        named, likely, numbers, particles = [], [], [], None
        if "semantic" in outputs:
            named = [
                softmax(said[own]) for said, own in zip(outputs["semantic"], rows, strict=True)
            ]
        if "vertex" in outputs:
            likely = [
                softmax(said[own, 0]) for said, own in zip(outputs["vertex"], rows, strict=True)
            ]
        if self._group:
            kinds = self._kinds or Kinds()
            views = [
                SeenView(image.coords, of_real(scores, kinds.ghost), image.charge)
                for image, scores in zip(sites, named, strict=True)
            ]
            seen = SeenEvent.of(views, outputs, 0, rows)
            numbers = self._group(seen)
            if self._kinds:
                told = classes_and_parents(seen, numbers, kinds)
                real = [np.isin(np.arange(len(one.coords)), one.rows) for one in sites]
                particles = told_particles(numbers, *told, real)
        of_pixels = Sites.of_pixels
        return Scores(
            dict(zip(self.views, map(of_pixels, sites, named), strict=False)),
            _of_event(sites, outputs["event"]) if "event" in outputs else None,
            {
                name: image.of_pixels(of_view, NOBODY)
                for name, image, of_view in zip(self.views, sites, numbers, strict=False)
            },
            dict(zip(self.views, map(of_pixels, sites, likely), strict=False)),
            particles,
        )

    def _bucket(self, sites: Iterable[Sites]) -> int:
        """The number of the smallest program that holds every level: nothing is ever dropped."""
        levels = self._buckets[0].shape[1]
        counts = np.array([image.level_counts(levels) for image in sites])
        for number, capacities in enumerate(self._buckets):
            if (counts <= capacities).all():
                return number
        raise ModelError(
            f"the image has {counts[:, 0].tolist()} sites within the mask but the model holds "
            f"{self._buckets[-1][:, 0].tolist()}: export it with a larger --sites"
        )

    def _compiled(self, number: int) -> tuple[Any, str]:
        if number not in self._programs:
            data = self._archive.read(f"programs/{number}")
            try:
                import jax

                call, words = (self._kernels and _with_kernels(data)) or _portable(data)
                self._weights = jax.device_put(self._weights)
                program = jax.jit(call).lower(self._weights, self._taken(number)).compile()
            except ImportError as error:
                raise ModelError(f"{one_line(error)}: pip install jax flatbuffers") from None
            except Exception as error:  # programs of a later JAX, or for other platforms
                wrote = self.manifest["versions"]["jax"]
                raise ModelError(
                    f"{self._path} has programs that JAX {jax.__version__} cannot run here "
                    f"({one_line(error)}): install JAX {wrote}, which wrote them, or export anew"
                ) from error
            self._programs[number] = program, words
        return self._programs[number]

    def _taken(self, number: int) -> Any:
        """Types and shapes of the images that a program takes."""
        from jax import ShapeDtypeStruct as Array

        capacities = self._buckets[number][:, 0].tolist()
        return tuple(
            (
                Array((capacity, 1 + len(shape)), np.int32),
                Array((capacity, 1), np.float32),
                Array((), np.int32),
            )
            for shape, capacity in zip(self._shapes.values(), capacities, strict=True)
        )


def _grouping(archive: Archive) -> Grouping | None:
    """What makes particles of what the heads say; files of format 1 know no joiner."""
    name, joiner = archive.manifest.get("grouping"), None
    if archive.manifest.get("joiner"):
        data = io.BytesIO(archive.members.read("joiner.npz"))
        with np.load(data, allow_pickle=False) as arrays:
            joiner = PairNetwork(dict(arrays))
    return grouping_by(name, joiner) if name else None


def highest(scores: np.ndarray) -> np.ndarray:
    """Of every row of ``[pixels, classes]`` the class of the highest score, -1 where it is NaN.

    >>> highest(np.array([[0.2, 0.8], [np.nan, np.nan]])).tolist()
    [1, -1]
    """
    outside = np.isnan(scores[:, 0])
    return np.where(outside, -1, np.nan_to_num(scores, nan=-1.0).argmax(axis=1)).astype(np.int8)


def nested(arrays: Mapping[str, Any]) -> dict[str, Any]:
    """Arrays by path as a tree.

    >>> nested({"params/stem/weights": 1, "params/stem/bias": 2})
    {'params': {'stem': {'weights': 1, 'bias': 2}}}
    """
    tree: dict[str, Any] = {}
    for path in arrays:
        *folders, name = path.split("/")
        place = tree
        for folder in folders:
            place = place.setdefault(folder, {})
        place[name] = arrays[path]
    return tree


def softmax(logits: np.ndarray) -> np.ndarray:
    """Scores that add up to 1 over the last axis.

    Raises:
      ModelError: something is no finite number.
    """
    if not np.isfinite(logits).all():
        raise ModelError("the scores are no finite numbers: the network has diverged, take another")
    if not logits.size:
        return logits
    powers = np.exp(logits - logits.max(axis=-1, keepdims=True))
    return powers / powers.sum(axis=-1, keepdims=True)


def _of_event(sites: Sequence[Sites], logits: np.ndarray) -> np.ndarray:
    """Scores of the event; without a pixel there is nothing to score it by."""
    scores = softmax(logits)[0]
    return scores if any(len(image.coords) for image in sites) else np.full_like(scores, np.nan)


def _on_host(said: Any) -> Any:
    """What a head says, with arrays of numpy; parts by name become attributes."""
    if isinstance(said, Mapping):
        return SimpleNamespace(**{name: _on_host(part) for name, part in said.items()})
    return tuple(map(_on_host, said)) if isinstance(said, tuple | list) else np.asarray(said)


def _with_kernels(data: bytes) -> tuple[Any, str] | None:
    """The program that calls kernels of the jaxsparse that is installed, if that has them."""
    try:
        import jaxsparse

        loaded = jaxsparse.load_program(data)
    except Exception:  # none, another version, a broken one: the portable program serves
        return None
    words = f"kernels of jaxsparse {jaxsparse.__version__}"
    return (loaded.call, words) if loaded.kernels else None


def _portable(data: bytes) -> tuple[Any, str]:
    """The program that needs JAX alone: the last of those that ``export_program`` wrote."""
    from jax import export

    header = json.loads(data.split(b"\n", 2)[1])
    exported = export.deserialize(bytearray(data[-header["programs"][-1]["bytes"] :]))
    here = export.default_export_platform()
    if here not in exported.platforms:
        raise ValueError(f"they are for {', '.join(exported.platforms)}, not for {here}")
    return exported.call, f"the portable program on {here}"
