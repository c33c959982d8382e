"""Scores of pixels: which metrics apply, what is stored and drawn."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from jaxsparse.data.batch import Batch
from jaxsparse.data.pixels import Pixels
from jaxsparse.data.schema import NO_CLASS
from jaxsparse.detectors import ClassSet, class_set
from jaxsparse.evaluation.data_set import DataSet, Portion
from jaxsparse.evaluation.grouped import Grouped
from jaxsparse.evaluation.heads.head import EvaluatedHead
from jaxsparse.evaluation.metrics.bootstrap import Counts, GroupedCounts
from jaxsparse.evaluation.metrics.calibration import Calibration
from jaxsparse.evaluation.metrics.clusters import Clusters
from jaxsparse.evaluation.metrics.confusion import Confusion
from jaxsparse.evaluation.metrics.efficiency import PixelEfficiency, directions_of
from jaxsparse.evaluation.metrics.event_accuracy import EventAccuracy
from jaxsparse.evaluation.metrics.found import Found
from jaxsparse.evaluation.metrics.grouping_mean import MEANS, GroupingMean
from jaxsparse.evaluation.metrics.instances import Instances
from jaxsparse.evaluation.metrics.loss import PixelLoss
from jaxsparse.evaluation.metrics.metric import Metric
from jaxsparse.evaluation.metrics.noise import Noise
from jaxsparse.evaluation.metrics.panoptic_quality import PanopticQuality
from jaxsparse.evaluation.metrics.parents import Parents
from jaxsparse.evaluation.metrics.parts import parts_of_pixels
from jaxsparse.evaluation.metrics.pixel_roc import PixelRoc
from jaxsparse.evaluation.metrics.rand_index import RandIndex
from jaxsparse.evaluation.metrics.thresholds import Thresholds, parse_rules
from jaxsparse.evaluation.metrics.track_shower import TrackShower
from jaxsparse.evaluation.metrics.view_agreement import ViewAgreement
from jaxsparse.evaluation.pixel_pictures import PixelPictures
from jaxsparse.evaluation.pixel_predictions import PixelPredictions
from jaxsparse.evaluation.scored import Scored
from jaxsparse.evaluation.studies.pixel_guess import PixelGuess
from jaxsparse.inference.joiner import Joiner

if TYPE_CHECKING:  # matplotlib is loaded when something is drawn
    from jaxsparse.viz.picture import Picture


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


def instance_metrics(
    kinds: ClassSet, least: int, counts: Callable[[], Counts] = GroupedCounts, *,
    several_views: bool = False,
) -> list[Metric]:  # fmt: skip
    """What true and predicted instances of pixels say.

    Args:
      kinds: the classes.
      least: pixels of the smallest instance that counts.
      counts: makes the tables.
      several_views: whether views can agree.
    """
    classes = kinds.names
    set_off = kinds.along_tracks + kinds.at_track_ends
    return [
        RandIndex(counts()),
        Clusters(classes, least, counts),
        PanopticQuality(classes, least, counts),
        *(GroupingMean(name, counts()) for name in MEANS),
        Found(classes, least, counts),
        Noise(counts()),
        *([Parents(kinds, least, counts())] if set_off else []),
        *([ViewAgreement(least, counts())] if several_views else []),
    ]


@dataclasses.dataclass(frozen=True)
class ScoredImage:
    """One view of one event.

    Attributes:
      pixels: with all that the file knows of them.
      weights: float32 ``[pixels]`` of the loss, ``None`` without truth.
      scored: what the network says.
    """

    pixels: Pixels
    weights: np.ndarray | None
    scored: Scored


class SemanticHead(EvaluatedHead):
    """Scores of every pixel, and instances where there is a grouping.

    An event with all its views is a :class:`Scored`.

    Args:
      data_set, other, attributes, quiet: of every head.
      joiner: that joins fragments of a head ``edges``; without one nothing joins them.
    """

    foreign: ClassVar[tuple[str, ...]] = ()

    def __init__(
        self,
        data_set: DataSet,
        other: DataSet | None,
        attributes: dict[str, Any],
        *,
        quiet: bool,
        joiner: Joiner | None = None,
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
            PixelGuess(data_set, other, track, lambda: GroupedCounts(options.seed), quiet=quiet),
        ]
        self.grouped = Grouped.of(options, data_set.heads, self.class_set, joiner)
        if self.grouped:
            self.metrics += instance_metrics(
                self.class_set, data_set.detector.smallest_instance,
                functools.partial(GroupedCounts, options.seed),
                several_views=len(data_set.views) > 1,
            )  # fmt: skip
        self._pictures = PixelPictures(data_set, self.class_set)
        self._sites = np.zeros(2, np.int64)  # seen, with truth

    def writing(self, folder: Path) -> PixelPredictions:
        attributes = {**self.attributes, "view": self.data_set.views[0]}
        if self.grouped:
            attributes["grouping"] = self.grouped.name
        self._file = PixelPredictions(
            folder / "predictions.h5", self.classes, attributes, instances=self.grouped is not None
        )
        return self._file

    def scored(
        self, portion: Portion, batch: Batch, outputs: Mapping[str, Any]
    ) -> Iterator[Scored]:
        for place, number in enumerate(portion.numbers.tolist()):
            rows = [slice(*pixels.bounds[place : place + 2]) for pixels in portion.images]
            images = self._images(portion, batch, outputs["semantic"], place, rows)
            if self.grouped:
                columns = self.grouped(
                    [image.scored for image in images],
                    [image.pixels.coords for image in images],
                    outputs,
                    place,
                    rows,
                )
                images = [
                    dataclasses.replace(image, scored=image.scored.with_columns(own))
                    for image, own in zip(images, columns, strict=True)
                ]
            for view, image in enumerate(images):
                self._keep(number, view, image)
            event = Scored.join([image.scored for image in images])
            if self.grouped:
                self._file.append_particles(number, event.columns)
            self._sites += np.array([len(event), event.known.sum()])
            yield event

    def _images(
        self, portion: Portion, batch: Batch, output: Any, place: int, rows: Sequence[slice]
    ) -> list[ScoredImage]:
        """The views of the event at a place of the portion."""
        number = int(portion.numbers[place])
        particles, _ = self.data_set.source.read_particles(np.array([number]))
        images = []
        for view, (pixels, logits, own) in enumerate(
            zip(portion.images, output, rows, strict=True)
        ):
            image = pixels.events(np.array([place]))
            weights = batch.views[view].targets.get("weights")
            weights = None if weights is None else weights[own]
            scored = Scored.of_logits(
                logits[own], image.columns.get("labels", np.full(len(image), NO_CLASS)),
                self.classes, weights,
                columns={
                    **image.columns,
                    "values": image.values,
                    "view": np.full(len(image), view, np.int32),
                },
                particles=particles, group=self.data_set.group_of(number),
            )  # fmt: skip
            images.append(ScoredImage(image, weights, scored))
        return images

    def _keep(self, number: int, view: int, image: ScoredImage) -> None:
        """Writes what is said of an image down, and remembers the image if it is to be drawn."""
        event_id = int(self.data_set.event_ids[number])
        scores, columns = image.scored.scores, image.scored.columns
        instance, parent = map(columns.get, ("predicted_instance", "predicted_parent"))
        self._file.append(number, event_id, view, image.pixels.columns["rows"], scores, instance)
        self._pictures.keep(number, view, image.pixels, image.weights, scores, instance, parent)

    def facts(self) -> dict[str, Any]:
        seen, known = self._sites.tolist()
        facts = {"grouped_by": self.grouped.facts()} if self.grouped else {}
        if not known:
            return {**facts, "num_sites": seen, "num_sites_without_truth": None}
        return {**facts, "num_sites": known, "num_sites_without_truth": seen - known}

    def images(self, number: int) -> dict[str, Picture]:
        return self._pictures.images(number)

    def draw(self, folder: Path, metrics: dict[str, Any]) -> None:
        self._pictures.draw(folder, quiet=self.quiet)
