"""Streams events through a checkpoint and writes their scores, metrics and pictures."""

from __future__ import annotations

import dataclasses
import itertools
import math
import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from jaxsparse import models
from jaxsparse.data.batch import Batch
from jaxsparse.data.loader import Loader
from jaxsparse.data.nova import NOVA_AXES
from jaxsparse.evaluation.classification import report
from jaxsparse.evaluation.classification.baseline import baseline_scores
from jaxsparse.evaluation.classification.events import Events
from jaxsparse.evaluation.classification.extremes import surest_events
from jaxsparse.evaluation.classification.metrics import TRUTH_KEYS, cross_entropies, event_metrics
from jaxsparse.evaluation.classification.pions import read_pions
from jaxsparse.evaluation.classification.predictions import write_predictions
from jaxsparse.evaluation.classification.predictor import ClassPredictor
from jaxsparse.evaluation.classification.results import EventResults
from jaxsparse.evaluation.options import Options, Trained
from jaxsparse.evaluation.progress import progress, spaced
from jaxsparse.evaluation.resources import device_peak_memory_mb, peak_memory_mb, versions
from jaxsparse.evaluation.scores import softmax
from jaxsparse.evaluation.text import plain
from jaxsparse.evaluation.thresholds import parse_rules
from jaxsparse.training.inputs import read_inputs

TINY = float(np.finfo(np.float32).tiny)  # a score that has a logarithm
GALLERY = 4  # events of each class, right and wrong


def evaluate_events(
    trained: Trained,
    data: str | os.PathLike[str],
    workdir: Path,
    folder: Path,
    options: Options,
    quiet: bool,
) -> tuple[dict[str, Any], str]:
    """Evaluates a network that classifies whole events.

    See :func:`jaxsparse.evaluation.evaluator.evaluate`. Writes ``predictions.h5``, ``plots/`` and
    ``pictures/`` into ``folder``.

    Returns:
      The content of ``metrics.json`` and of ``report.md``.
    """
    config = trained.config
    trained_on = read_inputs(workdir, config).get("data.train")
    events = Events(
        data, config, trained_on=trained_on, part=options.part, num_events=options.num_events
    )
    if events.remark and not quiet:
        print(events.remark)
    rules = parse_rules(options.rules(events.classes), events.classes)
    other = Events(options.baseline_data, config, part="all") if options.baseline_data else None

    start = time.perf_counter()
    passed = pass_events(trained, events, quiet=quiet)
    predictor, logits = passed.predictor, passed.logits
    results = EventResults(
        softmax(logits), events.truth, events.classes, events.energy, events.topology
    )
    cost = {
        "seconds_per_event": float(np.median(predictor.seconds or [math.nan])),
        "seconds_total": time.perf_counter() - start,
        "batch_size": passed.batch_size,
        "peak_memory_mb": peak_memory_mb(),
        "device_peak_memory_mb": device_peak_memory_mb(),
        "compilations": predictor.compilations,
        "capacities": predictor.capacities,
    }
    about = {"data": str(data), "part": events.part, "views": list(events.views)}
    keys = {name: column[events.numbers] for name, column in events.source.event_keys.items()}
    step = {"checkpoint_step": trained.step}
    write_predictions(folder / "predictions.h5", results, events.numbers, {**about, **step}, keys)

    about["part_remark"] = events.remark
    metrics: dict[str, Any] = {
        "task": config.task,
        "classes": list(events.classes),
        "num_events": len(events),
        "num_events_without_truth": int((~results.known).sum()),
        "num_sites": passed.num_sites,
        **dict.fromkeys(TRUTH_KEYS),
    }
    if results.known.any():
        forest, note = baseline_scores(events, other, seed=options.seed)
        metrics |= event_metrics(
            results, losses=cross_entropies(logits, results.truth), rules=rules, forest=forest,
            forest_note=note, pions=read_pions(events.source, events.numbers), seed=options.seed,
        )  # fmt: skip
    metrics = plain({**metrics, **cost, **step, **about, "versions": versions()})
    _draw(folder, workdir, metrics, events, results, options, quiet)
    return metrics, report.page(metrics)


@dataclasses.dataclass(frozen=True)
class Passed:
    """What a pass of events through a network leaves.

    Attributes:
      logits: float32 ``[events, classes]``.
      num_sites: pixels of all views.
      batch_size: events at once.
      predictor: with its times and compilations.
    """

    logits: np.ndarray
    num_sites: int
    batch_size: int
    predictor: ClassPredictor


def pass_events(trained: Trained, events: Events, *, draws: int = 0, quiet: bool = True) -> Passed:
    """The logits of every event, in their order, as many at a time as training took.

    Args:
      trained: the network.
      events: to pass.
      draws: passes over the events mirrored and moved as training may, each another draw: the
        logits are logarithms of the mean of their scores. 0 for one pass of the events as they are.
      quiet: no progress bar.
    """
    batch_size = _batch_size(trained.config, len(events))
    predictor = ClassPredictor(trained)
    logits = np.zeros((max(draws, 1), len(events), len(events.classes)), np.float32)
    num_sites, num_batches = 0, -(-len(events) // batch_size)
    passes = [
        _batches(events, trained.config, batch_size, draw if draws else None)
        for draw in range(max(draws, 1))
    ]
    predictions = predictor(itertools.chain(*passes))
    for number in progress(range(len(passes) * num_batches), "evaluating", quiet):
        made = next(predictions)
        rows = np.searchsorted(events.numbers, made.events)
        logits[number // num_batches, rows] = made.logits
        num_sites += made.sites if number < num_batches else 0
    mean = np.log(np.maximum(softmax(logits).mean(axis=0), TINY)) if draws else logits[0]
    return Passed(mean, num_sites, batch_size, predictor)


def _batch_size(config: Any, num_events: int) -> int:
    """What training puts through the network at once, not more than there are events."""
    training = -(-config.train.batch_size // config.train.accumulate)
    return max(min(training, num_events), 1)


def _batches(
    events: Events, config: Any, batch_size: int, draw: int | None = None
) -> Iterator[Batch]:
    """The events in their order, in batches of one device; with a ``draw`` mirrored and moved."""
    if not len(events):
        return
    data = config.data.copy_and_resolve_references()
    # One program where few batches come; threads, for a worker process costs seconds to start.
    data.num_buckets, data.workers = min(2, data.num_buckets), 0
    data.classes = events.classes
    data.fluctuation = data.drop = (
        0.0  # what a draw changes is where the event lies, not what it is
    )
    levels = models.geometry_of(config.model)["levels"]
    loader = Loader(
        events.source, data, batch_size=batch_size, levels=levels, shuffle=False,
        events=events.numbers, augment=draw is not None, seed=draw or 0,
    )  # fmt: skip
    for batch in loader:
        yield batch.device(0)


def _draw(
    folder: Path,
    workdir: Path,
    metrics: dict[str, Any],
    events: Events,
    results: EventResults,
    options: Options,
    quiet: bool,
) -> None:
    """Pictures of some events, galleries, plots of the figures, training curves."""
    # After the memory was measured: drawing is not part of an evaluation's cost.
    from jaxsparse.viz import curves, event_plots
    from jaxsparse.viz.event_views import gallery_figure, views_figure
    from jaxsparse.viz.events import save

    wanted = sorted(spaced(len(events), options.pictures))
    for row in progress(wanted, "drawing", quiet):
        figure = views_figure(_picture(events, results, row))
        save(figure, folder / f"pictures/event_{events.numbers[row]:06d}.png")
    if metrics["accuracy"] is not None:
        for label, name in enumerate(events.classes if options.pictures else ()):
            right, wrong = surest_events(results, label, GALLERY)
            rows = {
                f"true {name}, called so": [_picture(events, results, row) for row in right],
                f"true {name}, called another": [_picture(events, results, row) for row in wrong],
            }
            if right or wrong:
                figure = gallery_figure(rows, f"The surest events of {name}")
                save(figure, folder / f"pictures/surest_{_file_name(name)}.png")
        for key, plot in event_plots.FIGURES.items():
            save(plot(metrics), folder / f"plots/{key}.png")
    if (workdir / "metrics.jsonl").is_file():
        save(curves.training_figure(workdir / "metrics.jsonl"), folder / "plots/training.png")


def _picture(events: Events, results: EventResults, row: int) -> Any:
    from jaxsparse.viz.event_views import EventPicture

    number = int(events.numbers[row])
    views = {name: events.source.read_view(number, name) for name in events.views}
    axes = events.source.axes[events.views[0]]
    return EventPicture(
        views=views,
        classes=events.classes,
        truth=int(results.truth[row]),
        scores=results.scores[row],
        energy=float(results.energy[row]),
        details=results.topology[row],
        name=f"event {number}",
        pixel_classes=tuple(events.source.class_names),
        axes=axes,
        across=0 if axes == NOVA_AXES else 1,  # the beam goes from left to right
        unit=events.source.value_units[events.views[0]],
    )


def _file_name(name: str) -> str:
    return "".join(letter if letter.isalnum() else "_" for letter in name)
