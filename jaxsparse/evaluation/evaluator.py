"""Evaluates a checkpoint on a file: one pass over its events with a list of metrics."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Protocol

from jaxsparse.evaluation.event_head import EventHead
from jaxsparse.evaluation.metrics.metric import Metric, measure
from jaxsparse.evaluation.options import Options, Trained
from jaxsparse.evaluation.output import refuse_inputs, staged
from jaxsparse.evaluation.pixel_head import PixelHead
from jaxsparse.evaluation.report import page
from jaxsparse.evaluation.resources import device_peak_memory_mb, peak_memory_mb, versions
from jaxsparse.evaluation.scored import Scored
from jaxsparse.evaluation.text import dumps, plain
from jaxsparse.training.checkpoint import load_for_evaluation
from jaxsparse.training.objectives import main_head
from jaxsparse.training.parallel import enable_compilation_cache

__all__ = ["HEADS", "Head", "Options", "evaluate"]

DEFAULTS = Options()


class Head(Protocol):
    """What a network says of a data set, and what is asked of it.

    Attributes:
      classes: names of its classes.
      metrics: which figures apply, in the order of the report.
    """

    classes: tuple[str, ...]
    metrics: Sequence[Metric]

    def __len__(self) -> int:
        """Number of events."""

    def run(self, folder: Path) -> Iterator[Scored]:
        """Passes the events through the network, once; writes ``predictions.h5``."""

    def facts(self) -> dict[str, Any]:
        """What is to say of data, pixels, time and programs after the pass."""

    def draw(self, folder: Path, metrics: dict[str, Any]) -> None:
        """Pictures of some events."""


# head of the network -> (trained, data, workdir, options, quiet) -> Head
HEADS: dict[str, Any] = {"semantic": PixelHead, "event": EventHead}
TASKS = {"semantic": "segmentation", "event": "classification"}  # as metrics.json has them


def evaluate(
    workdir: str | os.PathLike[str],
    data: str | os.PathLike[str],
    out: str | os.PathLike[str],
    options: Options = DEFAULTS,
    *,
    quiet: bool = False,
) -> dict[str, Any]:
    """Evaluates a checkpoint on a file.

    Writes ``metrics.json``, ``predictions.h5``, ``report.md``, ``plots/`` and ``pictures/`` of the
    main head into ``out``, those of every other head into ``out/heads/NAME``. What was there of
    those names stays untouched if anything fails.

    Args:
      workdir: of the training; its configuration's ``main_head`` is what is scored first.
      data: an event file, with truth or without.
      out: folder for the results; made if it does not exist.
      options: see :class:`Options`.
      quiet: no progress bar.

    Returns:
      The content of ``metrics.json``: of the main head, those of others below ``heads.NAME``.

    Raises:
      InputError: bad options, files that cannot be read, do not fit the network, or lie where the
        results go.
    """
    trained = Trained(*load_for_evaluation(Path(workdir), step=options.checkpoint))
    options.check(trained.model.heads)
    refuse_inputs(out, {"data": data, "baseline_data": options.baseline_data})
    enable_compilation_cache(trained.config.train.cache_dir)
    main = main_head(trained.config)
    with staged(out) as folder:
        others = {}
        for name in trained.model.heads:
            if name != main:
                place = folder / "heads" / name
                place.mkdir(parents=True)
                others[name] = _evaluate_head(name, trained, data, workdir, place, options, quiet)
        metrics = _evaluate_head(main, trained, data, workdir, folder, options, quiet, others)
    return metrics


def _evaluate_head(
    name: str,
    trained: Trained,
    data: str | os.PathLike[str],
    workdir: str | os.PathLike[str],
    folder: Path,
    options: Options,
    quiet: bool,
    others: dict[str, Any] | None = None,
) -> dict[str, Any]:
    """The content of the ``metrics.json`` of one head, with what is known of ``others``."""
    head = HEADS[name](trained, data, Path(workdir), options, quiet)
    cost: dict[str, Any] = {}
    figures = measure(head.metrics, _costed(head.run(folder), cost))
    about = {
        "task": TASKS[name],
        "classes": list(head.classes),
        "num_events": len(head),
        **head.facts(),
        **cost,
        "checkpoint_step": trained.step,
        "data": str(data),
        "versions": versions(),
    }
    metrics = plain({**about, **figures, **({"heads": others} if others else {})})
    head.draw(folder, metrics)
    _draw_plots(folder, Path(workdir), metrics)
    (folder / "metrics.json").write_text(dumps(metrics), encoding="utf-8")
    (folder / "report.md").write_text(page(metrics, head.metrics), encoding="utf-8")
    return metrics


def _costed(portions: Iterator[Scored], cost: dict[str, Any]) -> Iterator[Scored]:
    """The portions of a pass; at its end ``cost`` says what it took, and nothing that follows."""
    start = time.perf_counter()
    yield from portions
    cost |= {
        "seconds_total": time.perf_counter() - start,
        "peak_memory_mb": peak_memory_mb(),
        "device_peak_memory_mb": device_peak_memory_mb(),
    }


def _draw_plots(folder: Path, workdir: Path, metrics: dict[str, Any]) -> None:
    """Those that have something to show."""
    from jaxsparse.viz import curves, figures
    from jaxsparse.viz.events import save

    for name, figure in figures.figures_of(metrics):
        save(figure, folder / f"plots/{name}.png")
    if (workdir / "metrics.jsonl").is_file():
        save(curves.training_figure(workdir / "metrics.jsonl"), folder / "plots/training.png")
