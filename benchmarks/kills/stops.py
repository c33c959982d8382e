"""SIGTERM and Ctrl-C: the run saves and exits 0 within half a minute, whatever it is doing."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from pathlib import Path

import numpy as np

from benchmarks.kills.check import Check, Victim, outlive
from benchmarks.kills.disturb import STOP_WITHIN
from benchmarks.kills.process import Start
from jaxsparse.data.copying import copy_events
from jaxsparse.data.event_file import EventFile

_VALIDATION_EVENTS = 8000


def stopped_in_set_up(check: Check) -> None:
    """SIGTERM while the event files are looked through."""
    victim = check.victim()
    with victim.start() as start:
        start.until(lambda: _has_open(start, victim.data))
        _stop(check, start)
    check.finishes(victim)


def stopped_before_the_first_step(check: Check) -> None:
    """SIGTERM when the work directory has been made, before the first step."""
    victim = check.victim()
    with victim.start() as start:
        start.until((victim.workdir / "config.json").exists)
        _stop(check, start)
    check.finishes(victim)


def stopped_in_a_step(check: Check) -> None:
    """SIGTERM between two checkpoints."""
    _stopped_at(check, lambda victim: (victim.workdir / "metrics.jsonl").stat().st_size > 300)


def stopped_in_a_save(check: Check) -> None:
    """SIGTERM while a checkpoint is written."""
    _stopped_at(
        check, lambda victim: any((victim.workdir / "checkpoints").glob("*orbax-checkpoint-tmp*"))
    )


def interrupted_in_a_step(check: Check) -> None:
    """Ctrl-C, which a terminal sends to every process: the loaders', too."""
    _stopped_at(
        check, lambda victim: victim.checkpoints(), workers=2, number=signal.SIGINT, group=True
    )


def stopped_with_loaders(check: Check) -> None:
    """SIGTERM to every process, as batch systems send it."""
    _stopped_at(check, lambda victim: victim.checkpoints(), workers=2, group=True)


def stopped_in_a_compilation(check: Check) -> None:
    """SIGTERM two seconds into the compilation of the published network."""
    train, validation = check.kills.place.files["segmentation"]
    victim = check.victim()
    command = [
        victim.command[0], "train.py", "--config=sparsessnet_y",
        f"--workdir={victim.workdir}", f"--config.data.train={train}",
        f"--config.data.validation={validation}", "--config.train.cache_dir=",
        "--config.train.batch_size=2", "--config.data.num_buckets=1",
    ]  # fmt: skip
    with Start(command, victim.logs / "published") as start:
        start.until(lambda: "compiling" in start.output)
        start.until(lambda: False, 2.0)
        _stop(check, start)


def stopped_in_a_validation(check: Check) -> None:
    """SIGTERM a second into a validation of 8,000 batches, which the next start makes."""
    place = check.kills.place
    _, validation = place.files["classification"]
    many = place.folder / "many.h5"
    if not many.exists():
        file = EventFile(validation)
        copy_events(file, np.arange(_VALIDATION_EVENTS) % len(file), many)
    victim = check.victim()
    settings = {
        "data.validation": many, "train.batch_size": 1, "train.steps": 6, "train.log_every": 6,
        "train.validate_every": 6, "train.checkpoint_every": 0,
    }  # fmt: skip
    command = place.train("classification", victim.workdir, settings)
    with Start(command, victim.logs / "validating") as start:
        start.until(lambda: "train: loss" in start.output)
        start.until(lambda: False, 1.0)
        _stop(check, start)
        if "validation: loss" in start.output:
            check.problems.append("the validation had ended before")
    with Start(command, victim.logs / "validated") as start:
        ending = start.wait()
    check.ended(ending)
    if "step 6/6 validation: loss" not in ending.output:
        check.problems.append("the next start has not made the validation")


def _stopped_at(
    check: Check, when: Callable[[Victim], object], *, workers: int = 0,
    number: signal.Signals = signal.SIGTERM, group: bool = False,
) -> None:  # fmt: skip
    """Stops a run at a moment, and lets it go on to its end."""
    victim = check.victim(data__workers=workers)
    with victim.start() as start:

        def now() -> bool:
            return (victim.workdir / "metrics.jsonl").exists() and bool(when(victim))

        start.until(now)
        _stop(check, start, number, group=group)
        if left := outlive(start):
            check.problems.append(f"{left} of its processes are left behind")
    check.finishes(victim)


def _stop(
    check: Check, start: Start, number: signal.Signals = signal.SIGTERM, *, group: bool = False
) -> None:
    """Sends the signal, and looks at how and when the program ends."""
    before = start.seconds
    if not start.running:
        check.problems.append("it had ended before the signal")
    elif group:
        os.killpg(start.pid, number)
    else:
        start.send(number)
    ending = start.wait(2 * STOP_WITHIN)
    seconds = ending.seconds - before
    check.ended(ending)
    if "stopped by" not in ending.output:
        check.problems.append(f"it does not say that it was stopped: {ending.describe()}")
    if seconds > STOP_WITHIN:
        check.problems.append(f"it took {seconds:.0f} s")
    check.observed.append(f"exit 0 after {seconds:.1f} s")


def _has_open(start: Start, path: Path) -> bool:
    """Whether the program has a file open, by Linux' table of its processes."""
    try:
        return any(entry.resolve() == path for entry in Path(f"/proc/{start.pid}/fd").iterdir())
    except OSError:
        return False
