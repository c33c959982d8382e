"""The place that a run writes to: full, not writable, or in use."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from benchmarks.kills.check import NOTICED_WITHIN, Check, Victim
from benchmarks.kills.process import Start
from benchmarks.kills.small_disk import empty, fill, small_disk

_SIZE = 32  # megabytes; a run needs one or two
_PART_OF_A_CHECKPOINT = 30_000  # bytes


def disk_full(check: Check, leave: int = 0) -> None:
    """The disk of the work directory fills up while the run goes on."""
    with small_disk(check.folder, _SIZE) as disk:
        victim = check.victim(disk)
        with victim.start() as start:
            victim.begun(start)
            fill(disk, leave)
            check.refused(start.wait(NOTICED_WITHIN), "disk is full")
        with victim.start() as start:  # nothing has changed: as clear as before
            check.refused(start.wait(NOTICED_WITHIN), "disk is full")
        empty(disk)
        check.finishes(victim)


def disk_nearly_full(check: Check) -> None:
    """As before, with room for a part of a checkpoint."""
    disk_full(check, leave=_PART_OF_A_CHECKPOINT)


def disk_full_at_the_start(check: Check) -> None:
    """The disk is full before the first start."""
    with small_disk(check.folder, _SIZE) as disk:
        victim = check.victim(disk)
        fill(disk)
        with victim.start() as start:
            check.refused(start.wait(), "disk is full")
        empty(disk)
        check.finishes(victim)


def no_permission(check: Check) -> None:
    """The work directory becomes read-only while the run goes on."""
    victim = check.victim()
    with victim.start(obedient=True) as start:
        victim.begun(start)
        with _read_only(victim.workdir):
            check.refused(start.wait(NOTICED_WITHIN), "Permission denied")
            _refused_at_the_start(check, victim)
    check.finishes(victim, obedient=True)


def no_permission_at_the_start(check: Check) -> None:
    """The work directory is to be made in a folder that is read-only."""
    victim = check.victim()
    with _read_only(victim.folder):
        _refused_at_the_start(check, victim)
    check.finishes(victim, obedient=True)


def two_at_once(check: Check) -> None:
    """The same command is given while it runs: the second is refused, the first goes on."""
    victim = check.victim()
    with victim.start() as first:
        victim.begun(first)
        with victim.start() as second:
            ending = second.wait()
        first_was_there = first.running
        check.refused(ending, str(victim.workdir))
        check.ended(first.wait())
    if not first_was_there:
        check.problems.append("the first had ended before the second could be refused")
    check.equal(victim)


def output_closed(check: Check) -> None:
    """Whatever read standard output is gone (``train.py | head``)."""
    victim = check.victim()
    piped = ["bash", "-c", 'set -o pipefail; "$@" | head -3 > /dev/null', "-", *victim.command]
    with Start(piped, victim.logs / "piped") as start:
        ending = start.wait()
    if "Traceback" in ending.errors:
        check.problems.append(ending.describe())
    check.observed.append(f"status {ending.status}")
    check.finishes(victim)


def _refused_at_the_start(check: Check, victim: Victim) -> None:
    with victim.start(obedient=True) as start:
        check.refused(start.wait(), "Permission denied")


@contextmanager
def _read_only(folder: Path) -> Iterator[None]:
    _allow(folder, False)
    try:
        yield
    finally:
        _allow(folder, True)


def _allow(folder: Path, writing: bool) -> None:
    for path in [folder, *filter(Path.is_dir, folder.rglob("*"))]:
        path.chmod(0o755 if writing else 0o555)
