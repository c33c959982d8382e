"""Moments to end a run at: by the clock, at a line of the log, at an operation on a file."""

from __future__ import annotations

import dataclasses
import signal
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from benchmarks.kills.doomed import KILLED_BEFORE, KINDS
from benchmarks.kills.process import PATIENCE, Ending, Start

# The numbers of operations that a run makes within about four saves, deletions included.
_WITHIN_FOUR_SAVES = {"open": 40, "mkdir": 20, "rename": 24, "remove": 120, "any": 220, "save": 200}
_LINES = 6  # of the log
_ITEMS = ("state/_METADATA", "progress/metadata", "config/metadata")


@dataclasses.dataclass(frozen=True)
class Moment:
    """When a start is ended, and by which signal.

    Attributes:
      kind: ``time``, ``log``, or a kind of operation of :mod:`benchmarks.kills.doomed`.
      amount: seconds since the start; lines of the log; operations on files of the work directory.
      signal: SIGKILL or SIGTERM; operations end by SIGKILL only.
    """

    kind: str
    amount: float
    signal: signal.Signals = signal.SIGKILL


@dataclasses.dataclass(frozen=True)
class Met:
    """A start that met its moment, or ended before.

    Attributes:
      ending: of the start.
      moment: that it was to meet.
      struck: whether it did.
      place: where it stood then, for people.
      unfinished: checkpoint folders that are not whole at that moment.
    """

    ending: Ending
    moment: Moment
    struck: bool
    place: str
    unfinished: tuple[str, ...]


def draw(
    random: np.random.Generator, duration: float, signals: tuple[signal.Signals, ...]
) -> Moment:
    """A moment: two in five by the clock, within ``duration`` seconds; one in ten at the log."""
    chosen = signals[random.integers(len(signals))]
    which = random.random()
    if which < 0.4 or (chosen == signal.SIGTERM and which < 0.8):
        return Moment("time", float(random.uniform(0, duration)), chosen)
    if which < 0.5 or chosen == signal.SIGTERM:
        return Moment("log", int(random.integers(1, _LINES + 1)), chosen)
    kind = list(KINDS)[random.integers(len(KINDS))]
    return Moment(kind, int(random.integers(1, _WITHIN_FOUR_SAVES[kind] + 1)))


def meet(moment: Moment, command: list[str], workdir: Path, log: Path) -> Met:
    """Starts ``command`` and ends it at ``moment``, or lets it come to its end before.

    Args:
      moment: see :class:`Moment`.
      command: that trains in ``workdir``.
      workdir: of the run.
      log: file, without suffix, for what the command says.
    """
    if moment.kind in KINDS:
        doomed = [sys.executable, "-m", "benchmarks.kills.doomed", str(workdir), moment.kind]
        command = [*doomed, str(int(moment.amount)), *command[1:]]
        with Start(command, log) as start:
            ending = start.wait()
        struck = ending.status == -signal.SIGKILL
        place = ending.output.splitlines()[-1].removeprefix(KILLED_BEFORE) if struck else "the end"
        return Met(ending, moment, struck, f"before {place}", unfinished(workdir))

    with Start(command, log) as start:
        if moment.kind == "log":
            lines = _changes(workdir / "metrics.jsonl")
            struck = start.until(lambda: next(lines) >= moment.amount) and start.running
            place = f"after line {int(moment.amount)} of this start"
        else:
            struck = not start.until(lambda: False, moment.amount) and start.running
            place = f"after {moment.amount:.2f} s"
        if struck:
            start.send(moment.signal)
            sent = start.seconds
        ending = start.wait(PATIENCE)
        if struck:
            ending = dataclasses.replace(ending, seconds=ending.seconds - sent)
            # It may have come to its end between the look and the signal.
            struck = moment.signal == signal.SIGTERM or ending.status == -signal.SIGKILL
    return Met(ending, moment, struck, place, unfinished(workdir))


def unfinished(workdir: Path) -> tuple[str, ...]:
    """Names below ``checkpoints`` that are not, or no longer, whole checkpoints."""
    folder = workdir / "checkpoints"
    if not folder.is_dir():
        return ()
    return tuple(
        sorted(
            entry.name
            for entry in folder.iterdir()
            if not entry.name.isdigit() or not all((entry / item).exists() for item in _ITEMS)
        )
    )


def _changes(path: Path) -> Iterator[int]:
    """How often the size of a file has changed since the first look, again and again."""
    size, changes = _size(path), 0
    while True:
        if (now := _size(path)) != size:
            size, changes = now, changes + 1
        yield changes


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return 0
