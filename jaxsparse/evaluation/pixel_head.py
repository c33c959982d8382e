"""A network that labels pixels: its pass over images, the metrics that apply, its pictures."""

from __future__ import annotations

import dataclasses
import functools
import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from jaxsparse import models
from jaxsparse.data.spread_out import spread_out
from jaxsparse.evaluation.images import Image, Images
from jaxsparse.evaluation.metrics.bootstrap import GroupedCounts
from jaxsparse.evaluation.metrics.calibration import Calibration
from jaxsparse.evaluation.metrics.confusion import Confusion
from jaxsparse.evaluation.metrics.efficiency import PixelEfficiency
from jaxsparse.evaluation.metrics.event_accuracy import EventAccuracy
from jaxsparse.evaluation.metrics.instances import Instances
from jaxsparse.evaluation.metrics.loss import PixelLoss
from jaxsparse.evaluation.metrics.metric import Metric
from jaxsparse.evaluation.metrics.parts import parts_of_pixels
from jaxsparse.evaluation.metrics.pixel_numbers import PixelNumbers
from jaxsparse.evaluation.metrics.thresholds import Thresholds, parse_rules
from jaxsparse.evaluation.metrics.track_shower import TrackShower
from jaxsparse.evaluation.options import Options, Trained
from jaxsparse.evaluation.pixel_predictions import PixelPredictions
from jaxsparse.evaluation.pixel_predictor import Predictor
from jaxsparse.evaluation.progress import progress
from jaxsparse.evaluation.scored import Scored
from jaxsparse.evaluation.studies.local_guess import LocalGuess
from jaxsparse.ops.coordinates import count_levels


def pixel_metrics(
    classes: Sequence[str],
    rules: Sequence[tuple[str, int, float]] = (),
    seed: int = 0,
    *,
    track: Sequence[int] | None = None,
    wires: np.ndarray | None = None,
) -> list[Metric]:
    """What the scores and the truth of pixels say.

    Args:
      classes: class names.
      rules: of :func:`~jaxsparse.evaluation.metrics.thresholds.parse_rules`.
      seed: of the bootstrap draws.
      track: the classes that are tracks, ``None`` where there are none.
      wires: unit vector along the wires, ``None`` where there are none.
    """
    counts = functools.partial(GroupedCounts, seed)
    return [
        PixelNumbers(),
        Confusion(classes, counts()),
        EventAccuracy(counts()),
        PixelLoss(counts()),
        TrackShower(track, counts()),
        *parts_of_pixels(classes, counts),
        Calibration(classes, "pixels"),
        Thresholds(classes, rules),
        PixelEfficiency(classes, wires, counts),
        Instances(classes, counts()),
    ]


class PixelHead:
    """See :class:`jaxsparse.evaluation.evaluator.Head`; a portion of the pass is one event."""

    def __init__(
        self,
        trained: Trained,
        data: str | os.PathLike[str],
        workdir: Path,
        options: Options,
        quiet: bool,
    ):
        self.trained, self.data, self.quiet = trained, str(data), quiet
        self.images = self._open(data, options)
        self.classes = self.images.classes
        self.pictured = set(spread_out(len(self.images), options.pictures).tolist())
        self.kept: list[tuple[Image, np.ndarray]] = []
        self.num_sites = 0
        other = None
        if options.baseline_data:
            other = self._open(options.baseline_data, dataclasses.replace(options, num_events=0))
        track, wires = self.images.track, self.images.wires()
        rules = parse_rules(options.rules(self.classes), self.classes)
        self.metrics = [
            *pixel_metrics(self.classes, rules, options.seed, track=track, wires=wires),
            LocalGuess(self.images, other, track, GroupedCounts(options.seed), quiet=quiet),
        ]

    def _open(self, data: str | os.PathLike[str], options: Options) -> Images:
        return Images(
            data, self.trained.config, view=options.view, whole_plane=options.whole_plane,
            num_events=options.num_events, value_scale=options.value_scale, seed=options.seed,
            group_size=options.bootstrap_group,
        )  # fmt: skip

    def __len__(self) -> int:
        return len(self.images)

    def run(self, folder: Path) -> Iterator[Scored]:
        # A first pass for the sizes: the capacities are made for exactly these images.
        predictor = self.predictor = Predictor(self.trained, self._sizes())
        attributes = {
            "data": self.data,
            "view": self.images.view_name,
            "checkpoint_step": self.trained.step,
        }
        with PixelPredictions(folder / "predictions.h5", self.classes, attributes) as writer:
            for number in progress(range(len(self.images)), "evaluating", self.quiet):
                image = self.images[number]
                scored = image.scored(predictor.logits(image), self.classes)
                writer.append(image, scored.scores)
                self.num_sites += len(scored)
                if number in self.pictured:
                    self.kept.append((image, scored.scores))
                yield scored

    def _sizes(self) -> np.ndarray:
        """Sites per level of every image, int64 ``[events, levels]``."""
        levels = models.geometry_of(self.trained.config.model)["levels"]
        counts = np.zeros((len(self.images), levels), np.int64)
        for number in progress(range(len(self.images)), "surveying", self.quiet):
            view = self.images[number].view
            rows = np.concatenate([np.zeros((len(view), 1), np.int32), view.coords], axis=1)
            counts[number] = count_levels(rows, levels)
        return counts

    def facts(self) -> dict[str, Any]:
        return {
            "num_sites": self.num_sites,
            "view": self.images.view_name,
            "views": [self.images.view_name],
            "image_shape": list(self.images.shape),
            "whole_plane": not self.images.crop,
            "seconds_per_event": float(np.median(self.predictor.seconds or [np.nan])),
            "batch_size": 1,
            "compilations": self.predictor.compilations,
            "capacities": [list(bucket) for bucket in self.predictor.buckets.capacities],
        }

    def draw(self, folder: Path, metrics: dict[str, Any]) -> None:
        from jaxsparse.viz import events
        from jaxsparse.viz.canvas import whole

        images = self.images
        for image, scores in progress(self.kept, "drawing", self.quiet):
            picture = events.Picture(
                image.view, scores, image.weights, self.classes, self._caption(image, scores),
                unit=images.unit,
            )  # fmt: skip
            name = f"event_{image.number:05d}"
            if images.crop or len(images.shape) == 3:
                events.save(events.event_figure(picture), folder / "pictures" / f"{name}.png")
                continue
            full, zoom = whole(image.view.shape), events.zoom_window(image.view)
            events.save(events.event_figure(picture, window=full), folder / f"pictures/{name}.png")
            if zoom.size != full.size:
                path = folder / f"pictures/{name}_zoom.png"
                events.save(events.event_figure(picture, window=zoom), path)

    def _caption(self, image: Image, scores: np.ndarray) -> str:
        parts = [f"event {image.number}"]
        if image.topology:
            parts.append(image.topology)
        parts += [f"view {self.images.view_name}", f"{len(image.view):,} pixels"]
        truth = image.view.labels
        if truth is not None and (truth >= 0).any():
            right = (scores.argmax(1) == truth)[truth >= 0].mean()
            parts.append(f"accuracy {right:.3f}")
        return ",  ".join(parts)
