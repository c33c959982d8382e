"""What a person sees of a run: a banner at the start, a bar with the rates, lines in between."""

from __future__ import annotations

import math
import os
import sys
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

from jaxsparse.training.logs import Record
from jaxsparse.training.run_log import RunLog
from jaxsparse.versions import versions

PACKAGES = ("jax", "jaxlib", "flax", "optax", "numpy")  # that shape a result


def duration(seconds: float) -> str:
    """A time for people.

    >>> duration(42.0), duration(3725.0), duration(float("inf"))
    ('0:42', '1:02:05', 'unknown')
    """
    if not math.isfinite(seconds):
        return "unknown"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


def rate(value: float) -> str:
    """A rate for people; a dash before anything but compilation has happened.

    >>> rate(12345.6), rate(float("nan"))
    ('12,300', '-')
    """
    return f"{float(f'{value:.3g}'):,g}" if math.isfinite(value) else "-"


class _Console(Console):
    """Falls silent where nobody reads any more (``train.py | head``): a run must go on."""

    def on_broken_pipe(self) -> None:
        self.quiet = True
        # What is still in the buffer of stdout would raise again at the end of the program.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


class Display:
    """Progress bar on a terminal, one line a record elsewhere."""

    def __init__(
        self,
        total: int,
        start: int,
        console: Console | None = None,
        steps_per_epoch: float | None = None,
        log: RunLog | None = None,
    ):
        """Args:
        total: steps of the run.
        start: steps done already.
        console: standard output by default.
        steps_per_epoch: to say where an epoch stands; None for runs that are counted in steps.
        log: gets every line, those too that a terminal shows as a bar.
        """
        self.console = console or _Console(highlight=False, soft_wrap=True)
        self._bar: Progress | None = None
        self._total, self._start = total, start
        self._steps_per_epoch = steps_per_epoch
        self._log = log
        self._eta = math.inf

    def banner(self, facts: dict[str, Any]) -> None:
        """Prints what the run is made of, one fact a line."""
        facts = {"versions": ", ".join(f"{k} {v}" for k, v in versions(PACKAGES).items())} | facts
        width = max(map(len, facts))
        for name, fact in facts.items():
            self.say(f"{name:>{width}}  {fact}")

    def __enter__(self) -> Display:
        if self.console.is_terminal:
            self._bar = Progress(
                TextColumn("step"),
                MofNCompleteColumn(),
                BarColumn(bar_width=None),
                TextColumn("{task.fields[numbers]}"),
                console=self.console,
                refresh_per_second=4,
            )
            self._task = self._bar.add_task(
                "train", total=self._total, completed=self._start, numbers="compiling"
            )
            self._bar.start()
        elif self._start < self._total:
            self.say("compiling the first step, seconds to minutes")
        return self

    def __exit__(self, *exception: object) -> None:
        if self._bar is not None:
            self._bar.stop()

    def advance(
        self,
        step: int,
        *,
        loss: float,
        accuracy: float,
        learning_rate: float,
        events_per_second: float,
        sites_per_second: float,
        seconds_left: float,
    ) -> None:
        """Moves the bar to ``step`` with the numbers beside it."""
        self._eta = seconds_left
        if self._bar is not None:
            numbers = (
                f"loss {loss:.4g} acc {accuracy:.4f} lr {learning_rate:.2g} "
                f"{rate(events_per_second)} events/s {rate(sites_per_second)} sites/s "
                f"left {duration(seconds_left)}"
            )
            self._bar.update(self._task, completed=step, numbers=numbers)

    def record(self, record: Record) -> None:
        """Prints a record: every validation, and without a terminal the training lines too."""
        text = (
            f"{self._place(record.step)} {record.split}: loss {record.loss:.4g} "
            f"accuracy {record.accuracy:.4f} lr {record.learning_rate:.3g}"
        )
        for name, head in record.heads.items():
            text += f" {name} loss {head['loss']:.4g} accuracy {head['accuracy']:.4f}"
        if record.split == "train":
            text += (
                f" {rate(record.events_per_second)} events/s"
                f" {rate(record.sites_per_second)} sites/s left {duration(self._eta)}"
                " without compiling"
            )
        self.say(text, shown=record.split != "train" or self._bar is None)

    def _place(self, step: int) -> str:
        epoch = f" epoch {step / self._steps_per_epoch:.2f}" if self._steps_per_epoch else ""
        return f"step {step}/{self._total}{epoch}"

    def say(self, text: str, *, shown: bool = True) -> None:
        """Prints a line above the bar, if it shall be shown, and logs it."""
        if self._log is not None:
            self._log.write(text)
        if shown:
            self.console.print(text, markup=False)
