"""``jaxsparse.load``: a trained network that takes events as they are and gives scores."""

from __future__ import annotations

import os
import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

import jax
import numpy as np
from scipy.special import softmax

from jaxsparse.data.batch import make_batch
from jaxsparse.data.buckets import BucketTable, grown_for
from jaxsparse.data.in_memory import EventsInMemory
from jaxsparse.data.pipeline import Pipeline
from jaxsparse.data.pixels import Pixels
from jaxsparse.data.trained_images import TrainedImages
from jaxsparse.deploy.images import Given, SortedView, views_of
from jaxsparse.deploy.odd_events import OddEvents, unseen_events
from jaxsparse.deploy.scores import Scores
from jaxsparse.deploy.usual_shapes import usual_shapes
from jaxsparse.detectors import class_set
from jaxsparse.errors import InputError
from jaxsparse.inference import Predictor
from jaxsparse.inference.grouping import (
    NOBODY,
    Kinds,
    SeenEvent,
    SeenView,
    classes_and_parents,
    grouping_by,
    grouping_of,
    of_real,
    told_particles,
)
from jaxsparse.inference.grouping.fragment_pairs import number_of_features
from jaxsparse.inference.joiner import Joiner
from jaxsparse.integers import positive
from jaxsparse.paths import user_path
from jaxsparse.training.chosen_joiner import OWN, chosen_joiner, read_joiner
from jaxsparse.training.head_arrays import class_names
from jaxsparse.training.trained import images_of, load_trained
from jaxsparse.training.trained_network import Trained

SCORED = ("event", "semantic")  # heads whose scores of classes are given
PIXEL_HEADS = ("semantic", "vertex")  # whose scores are of pixels
_DIVERGED = "the scores of {head} are no finite numbers: the network has diverged, take another"
WASTE = 4  # times as many sites as there are: on an accelerator a smaller program is made then


def load(
    place: str | os.PathLike[str],
    step: str | int = "best",
    joiner: str | os.PathLike[str] | None = OWN,
    operating_point: str = "",
) -> Model:
    """A trained network.

    Args:
      place: the name of one that comes with jaxsparse (``jaxsparse.pretrained.names()``), a file
        that ``jaxsparse export`` wrote, or a work directory of ``train.py``.
      step: of a work directory: ``"best"``, ``"latest"`` or a number.
      joiner: joins the fragments of a head ``edges``: a file, or the name of a network that has
        one; ``"own"``, the one that comes with a network called by its name; ``"none"`` or None, to
        go without.
      operating_point: name of other scores of pixels in the network's file, which fit another
        mixture of classes; particles that a head ``edges`` tells depend on them, too.
        ``sparsessnet_y`` has ``"planes"``, for whole planes with cosmic muons, and
        ``"as_trained"``.

    Raises:
      InputError: there is nothing of that name, or it cannot be read; a joiner for a network
        without the head ``edges`` or with other classes; no such operating point.

    >>> load("microboone_panoptic").grouping, load("microboone_panoptic", joiner="none").grouping
    ('joined', 'particles')
    """
    path = user_path(place, "model")
    chosen = chosen_joiner(joiner and user_path(joiner, "joiner"), path)
    trained = load_trained(path, step, operating_point=operating_point)
    own = read_joiner(chosen, trained, lambda line: warnings.warn(line, stacklevel=4))
    return Model(trained, joiner=own, images=images_of(path), operating_point=operating_point)


class Model:
    """A trained network with its transforms and classes: ``model(event)`` gives :class:`Scores`.

    Whole images go through, as in ``eval.py --whole_plane``: the mask, the features and, where the
    training had them, coarser pixels and a halo. A program is compiled for the first event and
    where one is much larger than those before.

    Args:
      trained: of :func:`~jaxsparse.training.trained.load_trained`.
      warn: takes lines about events that are odd, by kind: values of other units, images of other
        shapes, events without a pixel in range; by default they become a warning of Python.
      joiner: joins the fragments of a head ``edges``.
      images: of the training, to compare with; None where they are not known.
      operating_point: that ``trained`` is at; empty: that of the network's last layer.

    Attributes:
      views: names of the views that it sees.
      dim: axes of their images.
      classes: names of the classes, by head: ``"semantic"`` for pixels, ``"event"``.
      tells_particles, tells_vertices: whether it has a head for them.
      grouping: name of what makes particles of what the heads say; ``""`` for none.
      kinds: which classes of pixels are tracks, and which these set off.
      config: of its training.
      operating_point: as it was given.
      sees_the_border: whether scores depend on where an image ends, as with a halo, coordinates
        among the inputs, or the dense vocabulary: then images need their shape.
    """

    def __init__(
        self,
        trained: Trained,
        warn: Callable[[Mapping[str, str]], None] | None = None,
        joiner: Joiner | None = None,
        images: TrainedImages | None = None,
        operating_point: str = "",
    ):
        self.config, self.operating_point = trained.config, operating_point
        self.views = tuple(map(str, self.config.data.views))
        if further := tuple(map(str, self.config.data.further)):
            raise InputError(
                f"the network sees the further values {', '.join(further)} of pixels, which events "
                "at hand do not have: evaluate it on a file, jaxsparse eval"
            )
        if gathered := tuple(map(str, self.config.data.gathered)):
            raise InputError(
                f"the network sees values of linked pixels of {', '.join(gathered)}, which events "
                "at hand do not have: evaluate it on a file, jaxsparse eval"
            )
        if trained.network.lifts:
            raise InputError(
                "the network reads candidates and the pixels that show them, which events at hand "
                "do not have: evaluate it on a file of jaxsparse candidates, jaxsparse eval"
            )
        self.classes = {
            name: class_names(self.config, name)
            or tuple(f"class {number}" for number in range(head.num_classes))
            for name, head in trained.network.heads.items()
            if name in SCORED
        }
        self.grouping = grouping_of("", trained.network.heads, joiner=joiner is not None)
        if joiner is not None:
            joiner.require(number_of_features(len(self.classes["semantic"])))
        self._group = grouping_by(self.grouping, joiner) if self.grouping else None
        self.kinds = Kinds.of(class_set(self.classes.get("semantic", ())))
        self.tells_particles = self._group is not None
        self.tells_vertices = "vertex" in trained.network.heads
        model = self.config.model
        self.sees_the_border = bool(
            self.config.data.halo
            or model.vocabulary == "dense"
            or model.get("coordinate_inputs", False)
        )
        self._levels, self.dim = trained.network.levels, int(self.config.model.dim)
        self._data = self.config.data.copy_and_resolve_references()
        self._data.crop = self._data.classes = self._data.capacities = ()
        self._data.max_sites, self._data.bad_events = 0, "error"
        self._predictor = Predictor(trained.network, trained.variables)
        self._rooms: list[tuple[int, ...]] = []
        self._odd = OddEvents(
            self.config.data, self.dim, images, names_events="event" in self.classes
        )
        self._warn = warn or _warn
        usual = dict(zip(self.views, usual_shapes(self.views, self.dim), strict=False))
        self._usual = usual or (images.shapes if images else {})

    def __repr__(self) -> str:
        model = self.config.model
        heads = "; ".join(f"{head}: {', '.join(names)}" for head, names in self.classes.items())
        at = f", at {self.operating_point}" if self.operating_point else ""
        return f"<jaxsparse.Model {model.name}{at}, views {', '.join(self.views)}, {heads}>"

    def __call__(self, event: Given) -> Scores:
        """Scores of one event.

        Args:
          event: an :class:`~jaxsparse.data.schema.Event`, as every reader gives it; or of each
            view, by name, ``(coords, values)`` or ``(coords, values, shape)``, in any order of the
            pixels; or that of the only view. The shape may be left out unless the network
            :attr:`sees_the_border`.

        Raises:
          InputError: a view is missing, or its pixels break a rule.
        """
        return self._scores([self._views_of(event)])[0]

    def of_events(self, events: Iterable[Given], batch_size: int = 1) -> Iterator[Scores]:
        """Scores of many events, one after the other.

        Args:
          events: as of a call.
          batch_size: events that go through the network at once.

        Raises:
          InputError: a ``batch_size`` that is no number from 1 on, at once; as a call; images of
            several shapes at once, for a network that :attr:`sees_the_border`.
        """
        return self._in_batches(events, positive("batch_size", batch_size))

    def _in_batches(self, events: Iterable[Given], size: int) -> Iterator[Scores]:
        """The scores of many events; a last batch of fewer is filled up, so no program is made."""
        waiting: list[dict[str, SortedView]] = []
        some = False
        for event in events:
            waiting.append(self._views_of(event))
            if len(waiting) == size:
                yield from self._scores(waiting)
                waiting, some = [], True
        if waiting:
            more = waiting[-1:] * (size - len(waiting)) if some else []
            yield from self._scores(waiting + more)[: len(waiting)]

    def _views_of(self, event: Given) -> dict[str, SortedView]:
        return views_of(
            event, self.views, self.dim, needs_shape=self.sees_the_border, usual=self._usual
        )

    def _scores(self, events: Sequence[dict[str, SortedView]]) -> list[Scores]:
        pipeline = self._pipeline(events)
        images = pipeline.pixels(np.arange(len(events)))
        if said := self._odd.lines(events, images):
            self._warn(said)
        unseen = unseen_events(images)
        finished = pipeline.finished(images)
        batch = make_batch(finished, levels=self._levels, buckets=self._bucket(finished))
        outputs = self._predictor(batch)
        _require_finite(outputs, images)
        return [
            self._scores_of(event, place, images, outputs, seen=not unseen[place])
            for place, event in enumerate(events)
        ]

    def _scores_of(
        self,
        event: dict[str, SortedView],
        place: int,
        images: Sequence[Pixels],
        outputs: Mapping[str, Any],
        *,
        seen: bool,
    ) -> Scores:
        """Those of one event of a batch.

        Args:
          event: as it was given.
          place: of the event in the batch.
          images: that the network saw, of every view and all events.
          outputs: of the heads.
          seen: whether the network saw any pixel of the event.
        """
        rows = [slice(*image.bounds[place : place + 2]) for image in images]
        own = [image.events(np.array([place])) for image in images]

        def of_views(head: str) -> list[np.ndarray]:
            return [each[of_event] for each, of_event in zip(outputs[head], rows, strict=True)]

        def as_given(of_pixels: Sequence[np.ndarray], outside: float) -> dict[str, np.ndarray]:
            """By view what is said of the pixels that were seen, for all that were given."""
            return {
                name: _in_given_order(each, image, name, event, outside)
                for name, each, image in zip(self.views, of_pixels, own, strict=True)
            }

        said: dict[str, Any] = {"pixels": {}, "event": None}
        if "semantic" in outputs:
            classes = [softmax(logits, axis=1) for logits in of_views("semantic")]
            said["pixels"] = as_given(classes, np.nan)
            if self._group:
                numbers, said["particles"] = self._particles(own, classes, outputs, place, rows)
                said["instances"] = as_given(numbers, NOBODY)
        if "vertex" in outputs:
            nearest = [_of_image(logits[:, 0]) for logits in of_views("vertex")]
            said["vertices"] = as_given(nearest, np.nan)
        if "event" in outputs:
            whole = softmax(outputs["event"][place : place + 1], axis=1)[0]
            said["event"] = whole if seen else np.full_like(whole, np.nan)
        return Scores(**said)

    def _particles(
        self,
        images: Sequence[Pixels],
        classes: Sequence[np.ndarray],
        outputs: Mapping[str, Any],
        place: int,
        rows: Sequence[slice],
    ) -> tuple[list[np.ndarray], np.ndarray]:
        """Of every view the particle of each pixel that was seen, and the table of particles.

        Args:
          images: of the event.
          classes: scores of their pixels.
          outputs: of the heads, for the whole batch.
          place: of the event in the batch.
          rows: its pixels there.
        """
        assert self._group is not None
        views = tuple(
            SeenView(image.coords, of_real(scores, self.kinds.ghost), image.values)
            for image, scores in zip(images, classes, strict=True)
        )
        seen = SeenEvent.of(views, outputs, place, rows)
        numbers = self._group(seen)
        told = classes_and_parents(seen, numbers, self.kinds)
        given = [  # not those of a halo
            np.isin(np.arange(len(image)), image.links[name].owner)
            for name, image in zip(self.views, images, strict=True)
        ]
        return numbers, told_particles(numbers, *told, given)

    def _pipeline(self, events: Sequence[dict[str, SortedView]]) -> Pipeline:
        """That of the training, which links its pixels to the rows of the views."""
        shapes = {
            name: self._shape([event[name].view.shape for event in events], name)
            for name in self.views
        }
        source = EventsInMemory(
            [{name: each.view for name, each in event.items()} for event in events], shapes
        )
        return Pipeline(source, self._data, levels=self._levels, augment=False, links=self.views)

    def _shape(self, shapes: Sequence[tuple[int, ...]], name: str) -> tuple[int, ...]:
        """One shape for images of a view: as a rule it only bounds their pixels."""
        if self.sees_the_border and len(set(shapes)) > 1:
            raise InputError(
                f"view {name} has images of {' and '.join(map(str, sorted(set(shapes))))} but the "
                "network sees where an image ends: give events of one shape at once"
            )
        return tuple(np.max(shapes, axis=0).tolist())

    def _bucket(self, images: Sequence[Pixels]) -> BucketTable:
        """Room for these images: of a program that there is, or of a new and larger one."""
        counts = np.concatenate([pixels.level_counts(self._levels).sum(0) for pixels in images])
        on_cpu = jax.default_backend() == "cpu"  # the work follows the sites there
        for room in self._rooms:
            fits = (counts <= np.array(room)).all()
            if fits and (on_cpu or room[0] <= WASTE * max(int(counts[0]), 64)):
                return BucketTable((room,))
        self._rooms = sorted({*self._rooms, grown_for(counts, views=len(images))})
        return self._bucket(images)


def _warn(lines: Mapping[str, str]) -> None:
    # At the line of the user: _warn, _scores, then the call or _in_batches, then theirs.
    warnings.warn("; ".join(lines.values()), stacklevel=4)


def _require_finite(outputs: Mapping[str, Any], images: Sequence[Pixels]) -> None:
    """Scores that are no numbers mean that a pixel was not seen, so none may come of what was."""
    for head in PIXEL_HEADS:
        for logits, image in zip(outputs.get(head, ()), images, strict=False):
            if not np.isfinite(logits[: len(image)]).all():
                raise InputError(_DIVERGED.format(head=head))
    if "event" in outputs and not np.isfinite(outputs["event"]).all():
        raise InputError(_DIVERGED.format(head="event"))


def _of_image(logits: np.ndarray) -> np.ndarray:
    """Softmax over the pixels of an image, which may have none."""
    return np.asarray(softmax(logits) if len(logits) else logits)


def _in_given_order(
    seen: np.ndarray, image: Pixels, name: str, event: dict[str, SortedView], outside: float
) -> np.ndarray:
    """What is said of the pixels that the network saw, for every pixel that was given."""
    own, order = image.links[name], event[name].order
    found = np.full((len(order), *seen.shape[1:]), outside, seen.dtype)
    found[order[own.rows]] = seen[own.owner]
    return found
