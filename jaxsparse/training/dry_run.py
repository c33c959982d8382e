"""A training up to its first steps, in a folder that goes away: what it will be and cost."""

from __future__ import annotations

import pathlib
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing
from typing import Any

import jax
import numpy as np
from ml_collections import ConfigDict

from jaxsparse.peak_memory import device_peak_memory_mb, peak_memory_mb
from jaxsparse.training.display import duration
from jaxsparse.training.loop import Run
from jaxsparse.training.programs import most_programs
from jaxsparse.training.signals import Stopped, stop_signals

WORKDIR = "work directory"
MEASURED = 2  # steps beside the one that compiles


def dry_run(config: ConfigDict) -> str:
    """Opens the files, draws up the buckets, takes three steps with one batch, and prints it all.

    Nothing is kept but compiled programs in ``train.cache_dir``.

    Args:
      config: of a training.

    Returns:
      Name of the signal that ended it, ``""`` for none. A compilation may still go on then, which
      keeps Python from ending, or crashes it: leave by ``os._exit``.

    Raises:
      InputError: whatever the training would be refused for.
    """
    with (
        stop_signals() as stop,
        tempfile.TemporaryDirectory(prefix="jaxsparse_") as folder,
        ExitStack() as resources,
    ):
        run = Run(config, pathlib.Path(folder), stop, resources)
        run.display.banner(run.facts | {WORKDIR: "none: a dry run"})
        try:
            with closing(iter(run.loader)) as batches:
                for name, fact in _measured(run, next(batches)):
                    run.display.say(f"{name:>{len(WORKDIR)}}  {fact}")
        except Stopped:
            run.display.say(f"stopped by {stop.caught}: nothing is kept")
    return stop.caught


def _measured(run: Run, batch: Any) -> Iterator[tuple[str, str]]:
    """What a batch looks like and what its steps cost, by name."""
    for name, view in zip(run.loader.pipeline.views, batch.views, strict=True):
        shapes = ("x".join(map(str, array.shape)) for array in (view.coords, view.features))
        coords, features = shapes
        yield f"view {name}", f"coords int32 {coords}, features float32 {features}"
    run.display.say("compiling the first step, seconds to minutes")
    seconds = [_step(run, batch) for _ in range(1 + MEASURED)]
    first, step = seconds[0], min(seconds[1:])
    yield "first step", f"{first:.1f} s, compilation included"
    yield "next steps", f"{step:.3g} s each, {run.config.train.batch_size / step:.3g} events/s"
    averages = run.moments is not None
    programs = most_programs(run.loader, run.validation, averages=averages)
    compiling = duration(programs * max(first - step, 0.0))
    yield (
        "compiling",
        f"about {compiling}, if {programs} programs at most take as long as the first",
    )
    length = duration(step * run.plan.steps)
    yield (
        "whole run",
        f"{length} for {run.plan.steps} such steps; compiling and validations not counted",
    )
    peaks = {"this process": peak_memory_mb(), "a device": device_peak_memory_mb()}
    said = (f"{peak:,.0f} MB of {what}" for what, peak in peaks.items() if peak is not None)
    yield "memory", f"at its peak {', '.join(said) or 'unknown'}"


def _step(run: Run, batch: Any) -> float:
    """Seconds of a step."""
    before = time.perf_counter()
    run.state, sums = run.train_step(run.state, batch, np.float32(run.optimizer.rate(0, 0.0)))
    jax.block_until_ready(sums)
    return time.perf_counter() - before
