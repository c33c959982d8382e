"""Streams a file of events through a checkpoint and writes scores, metrics and pictures."""

from __future__ import annotations

import dataclasses
import os
import time
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from jaxsparse import models
from jaxsparse.errors import InputError
from jaxsparse.evaluation import report
from jaxsparse.evaluation.images import Image, Images
from jaxsparse.evaluation.local_guess import CrossFit, LocalGuess, fit_on_file
from jaxsparse.evaluation.output import staged
from jaxsparse.evaluation.predictions import PredictionWriter
from jaxsparse.evaluation.predictor import Predictor
from jaxsparse.evaluation.resources import device_peak_memory_mb, peak_memory_mb, versions
from jaxsparse.evaluation.scores import softmax
from jaxsparse.evaluation.tables import RESAMPLED, event_tables
from jaxsparse.evaluation.tallies import Tallies
from jaxsparse.evaluation.thresholds import parse_rules
from jaxsparse.ops.coordinates import count_levels
from jaxsparse.training.checkpoint import load_for_evaluation
from jaxsparse.training.parallel import enable_compilation_cache


@dataclasses.dataclass(frozen=True)
class Options:
    """What to evaluate, beside which checkpoint on which file.

    Attributes:
      view: name of the view; the configuration's if empty.
      whole_plane: no crop.
      checkpoint: ``"best"``, ``"latest"`` or a step.
      num_events: only the first so many events; 0 for all.
      pictures: how many events to draw, evenly spaced in the file.
      thresholds: rules such as ``"delta>0.5"``.
      bootstrap_group: so many consecutive ``event_id`` are one event of the simulation and are
        drawn together; 0 takes ``placements`` from the file's attributes, else 1.
      baseline_data: file to fit the local baseline on; half of the events if empty.
      value_scale: multiplies the values of the file.
      seed: of the crop windows.
    """

    view: str = ""
    whole_plane: bool = False
    checkpoint: str | int = "best"
    num_events: int = 0
    pictures: int = 8
    thresholds: Sequence[str] = ("delta>0.5", "MIP>0.5")
    bootstrap_group: int = 0
    baseline_data: str = ""
    value_scale: float = 1.0
    seed: int = 0


def evaluate(
    workdir: str | os.PathLike[str],
    data: str | os.PathLike[str],
    out: str | os.PathLike[str],
    options: Options = Options(),
    *,
    quiet: bool = False,
) -> dict[str, Any]:
    """Evaluates a checkpoint on a file.

    Writes ``metrics.json``, ``predictions.h5``, ``report.md``, ``plots/`` and ``pictures/`` into
    ``out``; files of those names that were there stay untouched if anything fails.

    Args:
      workdir: of the training.
      data: an event file, with truth or without.
      out: folder for the results; made if it does not exist.
      options: see :class:`Options`.
      quiet: no progress bar.

    Returns:
      The content of ``metrics.json``.

    Raises:
      InputError: bad options, files that cannot be read or do not fit the network.
    """
    _check(options)
    config, model, variables, step = load_for_evaluation(Path(workdir), step=options.checkpoint)
    enable_compilation_cache(config.train.cache_dir)
    images = _images(data, config, options)
    rules = parse_rules(_known_rules(options.thresholds, images), images.classes)
    groups = _Groups(options, images)
    with staged(out) as folder:
        # First pass: how large the images are, and what the local baseline needs.
        counts, local = _survey(images, config, options, groups, quiet)
        # Second pass: the network.
        predictor = Predictor(model, variables, config, counts)
        chosen = _spaced(len(images), options.pictures)
        kept: list[tuple[Image, np.ndarray]] = []
        tallies = Tallies(RESAMPLED)
        num_sites = 0
        wires = images.wires()
        attributes = {"data": str(data), "view": images.view_name, "checkpoint_step": step}
        start = time.perf_counter()
        with PredictionWriter(folder / "predictions.h5", images.classes, attributes) as writer:
            for number in _progress(range(len(images)), "evaluating", quiet):
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
        metrics = report.plain(metrics)
        (folder / "metrics.json").write_text(report.dumps(metrics))
        (folder / "report.md").write_text(report.page(metrics))
        _draw(folder, Path(workdir), metrics, kept, images, quiet)
    return metrics


class _Groups:
    """Which events are drawn together by the bootstrap."""

    def __init__(self, options: Options, images: Images):
        placements = images.source.attributes.get("placements", 1)
        self.size = options.bootstrap_group or (placements if isinstance(placements, int) else 1)

    def of(self, image: Image) -> int:
        return image.event_id // max(self.size, 1)


def _check(options: Options) -> None:
    for name, least in (("num_events", 0), ("pictures", 0), ("bootstrap_group", 0)):
        if getattr(options, name) < least:
            raise InputError(
                f"--{name}={getattr(options, name)}: it must not be negative, leave it out."
            )
    if not 0 < options.value_scale < float("inf"):
        raise InputError(f"--value_scale={options.value_scale}: it must be positive, leave it out.")


def _images(data: str | os.PathLike[str], config: Any, options: Options) -> Images:
    return Images(
        data, config, view=options.view, whole_plane=options.whole_plane,
        num_events=options.num_events, value_scale=options.value_scale, seed=options.seed,
    )  # fmt: skip


def _known_rules(rules: Sequence[str], images: Images) -> Sequence[str]:
    """The rules, without the default ones whose class this network does not have."""
    if tuple(rules) != Options.thresholds:
        return rules
    return [rule for rule in rules if rule.partition(">")[0] in images.classes]


def _survey(
    images: Images, config: Any, options: Options, groups: _Groups, quiet: bool
) -> tuple[np.ndarray, LocalGuess | None]:
    """Sites per level of every image, int64 ``[events, levels]``, and the fitted baseline."""
    levels = models.geometry_of(config.model)["levels"]
    counts = np.zeros((len(images), levels), np.int64)
    cross = None
    if images.has_truth and not options.baseline_data:
        cross = CrossFit(len(images), len(images.classes))
    for number in _progress(range(len(images)), "surveying", quiet):
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


def _spaced(length: int, wanted: int) -> set[int]:
    """Numbers of events to draw: the first, the last and evenly between.

    >>> sorted(_spaced(10, 4)), sorted(_spaced(2, 8)), _spaced(5, 0)
    ([0, 3, 6, 9], [0, 1], set())
    """
    return set(np.linspace(0, length - 1, min(wanted, length)).round().astype(int).tolist())


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

    for image, scores in _progress(kept, "drawing", quiet):
        picture = events.Picture(
            image.view, scores, image.weights, images.classes, _caption(image, scores, images),
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


def _progress(items: Iterable[Any], text: str, quiet: bool) -> Iterable[Any]:
    if quiet:
        return items
    return _bar(list(items), text)


def _bar(items: list[Any], text: str) -> Iterable[Any]:
    columns = (TextColumn(f"{text:>10}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns) as progress:
        yield from progress.track(items)
