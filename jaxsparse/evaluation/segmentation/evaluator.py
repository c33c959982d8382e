"""Streams images through a checkpoint and writes scores of pixels, metrics and pictures."""

from __future__ import annotations

import dataclasses
import os
import time
from pathlib import Path
from typing import Any

import numpy as np

from jaxsparse import models
from jaxsparse.evaluation.options import Options, Trained
from jaxsparse.evaluation.progress import progress, spaced
from jaxsparse.evaluation.resources import device_peak_memory_mb, peak_memory_mb, versions
from jaxsparse.evaluation.scores import softmax
from jaxsparse.evaluation.segmentation import report
from jaxsparse.evaluation.segmentation.images import Image, Images
from jaxsparse.evaluation.segmentation.local_guess import CrossFit, LocalGuess, fit_on_file
from jaxsparse.evaluation.segmentation.predictions import PixelPredictions
from jaxsparse.evaluation.segmentation.predictor import Predictor
from jaxsparse.evaluation.segmentation.tables import RESAMPLED, event_tables
from jaxsparse.evaluation.segmentation.tallies import Tallies
from jaxsparse.evaluation.text import plain
from jaxsparse.evaluation.thresholds import parse_rules
from jaxsparse.ops.coordinates import count_levels


def evaluate_pixels(
    trained: Trained,
    data: str | os.PathLike[str],
    workdir: Path,
    folder: Path,
    options: Options,
    quiet: bool,
) -> tuple[dict[str, Any], str]:
    """Evaluates a network that labels pixels; see :func:`jaxsparse.evaluation.evaluator.evaluate`.

    Writes ``predictions.h5``, ``plots/`` and ``pictures/`` into ``folder``.

    Returns:
      The content of ``metrics.json`` and of ``report.md``.
    """
    config, step = trained.config, trained.step
    images = _images(data, config, options)
    rules = parse_rules(options.rules(images.classes), images.classes)
    groups = _Groups(options, images)
    # First pass: how large the images are, and what the local baseline needs.
    counts, local = _survey(images, config, options, groups, quiet)
    # Second pass: the network.
    predictor = Predictor(trained.model, trained.variables, config, counts)
    chosen = spaced(len(images), options.pictures)
    kept: list[tuple[Image, np.ndarray]] = []
    tallies = Tallies(RESAMPLED)
    num_sites = 0
    wires = images.wires()
    attributes = {"data": str(data), "view": images.view_name, "checkpoint_step": step}
    start = time.perf_counter()
    with PixelPredictions(folder / "predictions.h5", images.classes, attributes) as writer:
        for number in progress(range(len(images)), "evaluating", quiet):
            image = images[number]
            logits = predictor.logits(image)
            scores = softmax(logits)
            writer.append(image, scores)
            num_sites += len(scores)
            if images.has_truth:
                group = groups.of(image)
                guess = local.predict(image, group) if local else scores.argmax(1)
                tables = event_tables(image, logits, local=guess, rules=rules, wires=wires)
                tallies.add(tables, group)
            if number in chosen:
                kept.append((image, scores))
    metrics: dict[str, Any] = {
        "task": config.task,
        "classes": list(images.classes),
        "num_events": len(images),
        "num_sites": num_sites,
        **dict.fromkeys(report.TRUTH_KEYS),
    }
    if tallies.num_events:
        fitted_on = local.fitted_on if local else "nothing: no labelled pixel"
        metrics |= report.truth_metrics(tallies, images.classes, rules, fitted_on)
    metrics |= {
        "seconds_per_event": float(np.median(predictor.seconds or [np.nan])),
        "seconds_total": time.perf_counter() - start,
        "peak_memory_mb": peak_memory_mb(),
        "device_peak_memory_mb": device_peak_memory_mb(),
        "compilations": predictor.compilations,
        "capacities": [list(bucket) for bucket in predictor.buckets.capacities],
        "checkpoint_step": step,
        "data": str(data),
        "view": images.view_name,
        "image_shape": list(images.shape),
        "whole_plane": not images.crop,
        "versions": versions(),
    }
    metrics = plain(metrics)
    _draw(folder, workdir, metrics, kept, images, quiet)
    return metrics, report.page(metrics)


class _Groups:
    """Which events are drawn together by the bootstrap."""

    def __init__(self, options: Options, images: Images):
        placements = images.source.attributes.get("placements", 1)
        self.size = options.bootstrap_group or (placements if isinstance(placements, int) else 1)

    def of(self, image: Image) -> int:
        return image.event_id // max(self.size, 1)


def _images(data: str | os.PathLike[str], config: Any, options: Options) -> Images:
    return Images(
        data, config, view=options.view, whole_plane=options.whole_plane,
        num_events=options.num_events, value_scale=options.value_scale, seed=options.seed,
    )  # fmt: skip


def _survey(
    images: Images, config: Any, options: Options, groups: _Groups, quiet: bool
) -> tuple[np.ndarray, LocalGuess | None]:
    """Sites per level of every image, int64 ``[events, levels]``, and the fitted baseline."""
    levels = models.geometry_of(config.model)["levels"]
    counts = np.zeros((len(images), levels), np.int64)
    cross = None
    if images.has_truth and not options.baseline_data:
        cross = CrossFit(len(images), len(images.classes))
    for number in progress(range(len(images)), "surveying", quiet):
        image = images[number]
        rows = np.concatenate([np.zeros((len(image.view), 1), np.int32), image.view.coords], axis=1)
        counts[number] = count_levels(rows, levels)
        if cross:
            cross.add(image, groups.of(image))
    if cross:
        return counts, cross.finish()
    if not images.has_truth:
        return counts, None
    other = dataclasses.replace(options, num_events=0)
    return counts, fit_on_file(_images(options.baseline_data, config, other))


def _draw(
    folder: Path,
    workdir: Path,
    metrics: dict[str, Any],
    kept: list[tuple[Image, np.ndarray]],
    images: Images,
    quiet: bool,
) -> None:
    """Pictures of the kept events, plots of the scores, training curves."""
    # After the memory was measured: drawing is not part of an evaluation's cost.
    from jaxsparse.viz import curves, events, plots
    from jaxsparse.viz.canvas import whole

    for image, scores in progress(kept, "drawing", quiet):
        picture = events.Picture(
            image.view, scores, image.weights, images.classes, _caption(image, scores, images),
            axes=images.axes, unit=images.unit,
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
    if metrics["accuracy"] is not None:
        for name, plot in plots.FIGURES.items():
            events.save(plot(metrics), folder / f"plots/{name}.png")
    if (workdir / "metrics.jsonl").is_file():
        figure = curves.training_figure(workdir / "metrics.jsonl")
        events.save(figure, folder / "plots/training.png")


def _caption(image: Image, scores: np.ndarray, images: Images) -> str:
    parts = [f"event {image.number}"]
    if image.topology:
        parts.append(image.topology)
    parts += [f"view {images.view_name}", f"{len(image.view):,} pixels"]
    truth = image.view.labels
    if truth is not None and (truth >= 0).any():
        right = (scores.argmax(1) == truth)[truth >= 0].mean()
        parts.append(f"accuracy {right:.3f}")
    return ",  ".join(parts)
