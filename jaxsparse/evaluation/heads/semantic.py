"""Scores of pixels: which metrics apply, what is stored and drawn."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from jaxsparse.data.batch import Batch
from jaxsparse.data.pixels import Pixels
from jaxsparse.data.progress import with_progress
from jaxsparse.data.schema import NO_CLASS, View
from jaxsparse.data.spread_out import spread_out
from jaxsparse.detectors import class_set
from jaxsparse.evaluation.data_set import DataSet, Portion
from jaxsparse.evaluation.heads.head import EvaluatedHead
from jaxsparse.evaluation.metrics.bootstrap import GroupedCounts
from jaxsparse.evaluation.metrics.calibration import Calibration
from jaxsparse.evaluation.metrics.confusion import Confusion
from jaxsparse.evaluation.metrics.efficiency import PixelEfficiency, directions_of
from jaxsparse.evaluation.metrics.event_accuracy import EventAccuracy
from jaxsparse.evaluation.metrics.instances import Instances
from jaxsparse.evaluation.metrics.loss import PixelLoss
from jaxsparse.evaluation.metrics.metric import Metric
from jaxsparse.evaluation.metrics.parts import parts_of_pixels
from jaxsparse.evaluation.metrics.pixel_roc import PixelRoc
from jaxsparse.evaluation.metrics.thresholds import Thresholds, parse_rules
from jaxsparse.evaluation.metrics.track_shower import TrackShower
from jaxsparse.evaluation.pixel_predictions import PixelPredictions
from jaxsparse.evaluation.scored import Scored
from jaxsparse.evaluation.studies.local_guess import LocalGuess


def pixel_metrics(
    classes: Sequence[str],
    rules: Sequence[tuple[str, int, float]] = (),
    seed: int = 0,
    *,
    track: Sequence[int] | None = None,
    directions: Mapping[str, np.ndarray] | None = None,
) -> list[Metric]:
    """What the scores and the truth of pixels say.

    Args:
      classes: class names.
      rules: of :func:`~jaxsparse.evaluation.metrics.thresholds.parse_rules`.
      seed: of the bootstrap draws.
      track: the classes that are tracks, ``None`` where there are none.
      directions: of :class:`~jaxsparse.evaluation.metrics.efficiency.PixelEfficiency`.
    """
    counts = functools.partial(GroupedCounts, seed)
    return [
        Confusion(classes, counts()),
        EventAccuracy(counts()),
        PixelLoss(counts()),
        TrackShower(track, counts()),
        *parts_of_pixels(classes, counts),
        PixelRoc(classes, counts()),
        Calibration(classes, "pixels"),
        Thresholds(classes, rules),
        PixelEfficiency(classes, directions or {}, counts),
        Instances(classes, counts()),
    ]


@dataclasses.dataclass(frozen=True)
class PixelPicture:
    """An image to be drawn.

    Attributes:
      number: of the event in its file.
      name: of the view.
      view: the pixels with their truth.
      weights: float32 ``[pixels]`` of the loss, ``None`` without truth.
      scores: float32 ``[pixels, classes]``.
      corner: where the window lies in the file's image.
    """

    number: int
    name: str
    view: View
    weights: np.ndarray | None
    scores: np.ndarray
    corner: tuple[int, ...]


class SemanticHead(EvaluatedHead):
    """Scores of every pixel; an event with all its views is a :class:`Scored`."""

    foreign: ClassVar[tuple[str, ...]] = ()

    def __init__(
        self, data_set: DataSet, other: DataSet | None, attributes: dict[str, Any], *, quiet: bool
    ):
        self.data_set, self.attributes, self.quiet = data_set, attributes, quiet
        self.classes = data_set.pixel_classes
        options, source = data_set.options, data_set.source
        self.class_set = class_set(self.classes, data_set.detector.pixel_classes)
        track = self.class_set.track_numbers or None
        shapes = {name: source.view_shapes[name] for name in data_set.views}
        directions = directions_of(data_set.detector, shapes)
        rules = parse_rules(options.rules(self.class_set), self.classes)
        self.metrics = [
            *pixel_metrics(self.classes, rules, options.seed, track=track, directions=directions),
            LocalGuess(data_set, other, track, GroupedCounts(options.seed), quiet=quiet),
        ]
        chosen = spread_out(len(data_set), options.pictures)
        self._pictured = set(data_set.numbers[chosen].tolist())
        self._pictures: list[PixelPicture] = []
        self._sites = np.zeros(2, np.int64)  # seen, with truth

    def writing(self, folder: Path) -> PixelPredictions:
        attributes = {**self.attributes, "view": self.data_set.views[0]}
        self._file = PixelPredictions(folder / "predictions.h5", self.classes, attributes)
        return self._file

    def scored(self, portion: Portion, batch: Batch, output: Any) -> Iterator[Scored]:
        for place, number in enumerate(portion.numbers.tolist()):
            particles, _ = self.data_set.source.read_particles(np.array([number]))
            images = []
            for view, (pixels, logits) in enumerate(zip(portion.images, output, strict=True)):
                own = pixels.events(np.array([place]))
                rows = slice(*pixels.bounds[place : place + 2])
                weights = batch.views[view].targets.get("weights")
                weights = None if weights is None else weights[rows]
                image = Scored.of_logits(
                    logits[rows], own.columns.get("labels", np.full(len(own), NO_CLASS)),
                    self.classes, weights, columns=own.columns, particles=particles,
                    group=self.data_set.group_of(number),
                )  # fmt: skip
                self._keep(number, view, own, weights, image.scores)
                images.append(image)
            event = Scored.join(images)
            self._sites += np.array([len(event), event.known.sum()])
            yield event

    def _keep(
        self, number: int, view: int, own: Pixels, weights: np.ndarray | None, scores: np.ndarray
    ) -> None:
        """Writes the scores of an image down, and remembers the image where it is to be drawn."""
        event_id = int(self.data_set.event_ids[number])
        self._file.append(number, event_id, view, own.columns["rows"], scores)
        if number in self._pictured:
            name = self.data_set.views[view]
            corner = tuple(self.data_set.pipeline.corners(np.array([number]))[view][0].tolist())
            (image,) = own.views()
            self._pictures.append(PixelPicture(number, name, image, weights, scores, corner))

    def facts(self) -> dict[str, Any]:
        seen, known = self._sites.tolist()
        if not known:
            return {"num_sites": seen, "num_sites_without_truth": None}
        return {"num_sites": known, "num_sites_without_truth": seen - known}

    def draw(self, folder: Path, metrics: dict[str, Any]) -> None:
        from jaxsparse.viz.canvas import whole
        from jaxsparse.viz.events import event_figure, zoom_window
        from jaxsparse.viz.picture import Picture
        from jaxsparse.viz.style import save

        several = len(self.data_set.views) > 1
        pictures = self._pictures
        for one in with_progress(pictures, len(pictures), "drawing", quiet=self.quiet):
            source, axes = self.data_set.source, self.data_set.source.axes[one.name]
            picture = Picture(
                one.view, one.scores, one.weights, self.classes, self._caption(one), axes,
                unit=source.value_units[one.name],
                across=self.data_set.detector.view(one.name, len(axes)).across,
                corner=one.corner, pixel=self.data_set.pipeline.coarsen,
                colours=self.class_set.colours,
            ).flat()  # fmt: skip
            view = picture.view
            name = f"event_{one.number:05d}{f'_{one.name}' if several else ''}"
            if self.data_set.cropped or len(axes) == 3:
                save(event_figure(picture), folder / f"pictures/{name}.png")
                continue
            full, zoom = whole(view.shape), zoom_window(view)
            save(event_figure(picture, window=full), folder / f"pictures/{name}.png")
            if zoom.size != full.size:
                path = folder / f"pictures/{name}_zoom.png"
                save(event_figure(picture, window=zoom), path)

    def _caption(self, one: PixelPicture) -> str:
        topology = self.data_set.topologies[one.number]
        parts = [f"event {one.number}", *([topology] if topology else [])]
        parts += [f"view {one.name}", f"{len(one.view):,} pixels"]
        truth = one.view.labels
        if truth is not None and (truth >= 0).any():
            right = (one.scores.argmax(1) == truth)[truth >= 0].mean()
            parts.append(f"accuracy {right:.3f}")
        return ",  ".join(parts)
