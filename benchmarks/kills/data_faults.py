"""What a run reads, and the processes that read it: gone, replaced, cut short, killed."""

from __future__ import annotations

import os
import shutil
import signal
from collections.abc import Callable

from benchmarks.kills.check import NOTICED_WITHIN, SCENARIO, Check, outlive
from benchmarks.kills.process import Start


def data_removed(check: Check) -> None:
    """The training file is removed while the run goes on, which keeps what it has open."""
    victim = check.victim()
    with victim.start() as start:
        victim.begun(start)
        victim.data.unlink()
        check.ended(start.wait())
    check.equal(victim)


def data_missing_at_restart(check: Check) -> None:
    """The run was killed, and its training file is gone when it is started again."""
    victim = check.victim()
    victim.kill_halfway()
    victim.data.unlink()
    with victim.start() as start:
        check.refused(start.wait(), str(victim.data))
    shutil.copyfile(victim.original, victim.data)
    check.finishes(victim)


def data_replaced(check: Check) -> None:
    """The run was killed, and other events have the file's name when it is started again."""
    victim = check.victim()
    victim.kill_halfway()
    shutil.copyfile(check.kills.place.files[SCENARIO.task][1], victim.data)
    with victim.start() as start:
        check.refused(start.wait(), "data.train")
    shutil.copyfile(victim.original, victim.data)
    check.finishes(victim)


def data_truncated(check: Check) -> None:
    """The training file is cut short while the run goes on: one line, unless all was read."""
    victim = check.victim()
    with victim.start() as start:
        victim.begun(start)
        os.truncate(victim.data, 4096)
        ending = start.wait(NOTICED_WITHIN)
    if ending.status == 0:  # what it had read is enough: every event was there before
        check.equal(victim)
    else:
        check.refused(ending, str(victim.data))
    with victim.start() as start:
        check.refused(start.wait(), str(victim.data))
    shutil.copyfile(victim.original, victim.data)
    check.finishes(victim)


def loader_killed(check: Check) -> None:
    """A process that prepares batches is killed, as one that needs too much memory is."""

    def kill(start: Start, workers: list[int]) -> None:
        os.kill(workers[-1], signal.SIGKILL)
        check.refused(start.wait(NOTICED_WITHIN), "data.workers")

    _with_loaders(check, kill)


def killed_with_loaders(check: Check) -> None:
    """The run is killed while it has processes that prepare batches: they end, too."""

    def kill(start: Start, _: list[int]) -> None:
        start.send(signal.SIGKILL)
        start.wait()

    if _with_loaders(check, kill):
        check.observed.append("no process is left")


def _with_loaders(check: Check, kill: Callable[[Start, list[int]], None]) -> bool:
    """Kills something of a run with two processes that prepare batches; whether all are gone."""
    victim = check.victim(data__workers=2)
    with victim.start() as start:
        victim.begun(start)
        workers = start.session()
        if not workers:
            check.problems.append("there was no process that prepares batches")
            return False
        kill(start, workers)
        left = outlive(start)
    if left:
        check.problems.append(f"{left} of its processes are left behind")
    check.finishes(victim)
    return not left
