"""Evaluates a checkpoint on a file: the part that is the same for every task."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from jaxsparse.errors import InputError
from jaxsparse.evaluation.classification.evaluator import evaluate_events
from jaxsparse.evaluation.options import Options, Trained
from jaxsparse.evaluation.output import refuse_inputs, staged
from jaxsparse.evaluation.segmentation.evaluator import evaluate_pixels
from jaxsparse.evaluation.text import dumps
from jaxsparse.training.checkpoint import load_for_evaluation
from jaxsparse.training.parallel import enable_compilation_cache

__all__ = ["TASKS", "Options", "evaluate"]

DEFAULTS = Options()
# config.task -> (trained, data, workdir, folder, options, quiet) -> (metrics, page to read)
TASKS = {"segmentation": evaluate_pixels, "classification": evaluate_events}


def evaluate(
    workdir: str | os.PathLike[str],
    data: str | os.PathLike[str],
    out: str | os.PathLike[str],
    options: Options = DEFAULTS,
    *,
    quiet: bool = False,
) -> dict[str, Any]:
    """Evaluates a checkpoint on a file.

    Writes ``metrics.json``, ``predictions.h5``, ``report.md``, ``plots/`` and ``pictures/`` into
    ``out``; files of those names that were there stay untouched if anything fails.

    Args:
      workdir: of the training; its configuration's ``task`` says what is scored.
      data: an event file, with truth or without.
      out: folder for the results; made if it does not exist.
      options: see :class:`Options`.
      quiet: no progress bar.

    Returns:
      The content of ``metrics.json``.

    Raises:
      InputError: bad options, files that cannot be read, do not fit the network, or lie where the
        results go.
    """
    trained = Trained(*load_for_evaluation(Path(workdir), step=options.checkpoint))
    task = str(trained.config.task)
    if task not in TASKS:
        raise InputError(f"task {task!r} of {workdir} is unknown: it must be one of {list(TASKS)}.")
    options.check(task)
    refuse_inputs(out, {"data": data, "baseline_data": options.baseline_data})
    enable_compilation_cache(trained.config.train.cache_dir)
    with staged(out) as folder:
        metrics, page = TASKS[task](trained, data, Path(workdir), folder, options, quiet)
        (folder / "metrics.json").write_text(dumps(metrics), encoding="utf-8")
        (folder / "report.md").write_text(page, encoding="utf-8")
    return metrics
