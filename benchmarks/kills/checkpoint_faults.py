"""What a run has written: damaged between two starts, by a disk or by a user."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path

from benchmarks.kills.check import SCENARIO, Check


def checkpoint_cut_short(check: Check) -> None:
    """The largest file of the newest checkpoint has lost its second half."""
    _damaged(check, _cut_largest)


def checkpoint_bit_flipped(check: Check) -> None:
    """One bit in the middle of every file of arrays of the newest checkpoint is another."""

    def flip(newest: Path) -> None:
        for path in (newest / "state").rglob("d/*"):
            content = bytearray(path.read_bytes())
            content[len(content) // 2] ^= 1
            path.write_bytes(content)

    _damaged(check, flip)


def checkpoint_file_lost(check: Check) -> None:
    """The list of the arrays of the newest checkpoint is gone."""
    _damaged(check, lambda newest: (newest / "state" / "_METADATA").unlink())


def checkpoint_progress_damaged(check: Check) -> None:
    """The progress in the newest checkpoint is no JSON."""

    def damage(newest: Path) -> None:
        (newest / "progress" / "metadata").write_text("{")

    _damaged(check, damage)


def checkpoint_emptied(check: Check) -> None:
    """The folder of the newest checkpoint is empty."""

    def emptied(newest: Path) -> None:
        shutil.rmtree(newest)
        newest.mkdir()

    _damaged(check, emptied)


def all_checkpoints_damaged(check: Check) -> None:
    """No checkpoint can be read: nothing begins anew without a word."""
    victim = check.victim()
    victim.kill_halfway()
    for checkpoint in victim.checkpoints():
        _cut_largest(checkpoint)
    before = [path.name for path in victim.checkpoints()]
    with victim.start() as start:
        check.refused(start.wait(), "checkpoint")
    if before != [path.name for path in victim.checkpoints()]:
        check.problems.append("the damaged checkpoints are not where they were")


def log_cut_short(check: Check) -> None:
    """The last line of the log has no end."""
    victim = check.victim()
    victim.kill_halfway()
    log = victim.workdir / "metrics.jsonl"
    log.write_bytes(log.read_bytes()[:-40])
    check.finishes(victim)


def programs_cut_short(check: Check) -> None:
    """Every compiled program in the cache has lost its second half."""
    programs = check.folder.with_name("damaged_programs")
    shutil.rmtree(programs, ignore_errors=True)
    check.kills.reference(SCENARIO)  # compiles them
    shutil.copytree(check.kills.place.cache, programs)
    for path in filter(Path.is_file, programs.rglob("*")):
        os.truncate(path, path.stat().st_size // 2)
    check.finishes(check.victim(train__cache_dir=programs))


def _damaged(check: Check, damage: Callable[[Path], None]) -> None:
    """The run goes on from the checkpoint before, says so, and keeps the damaged one aside."""
    victim = check.victim()
    victim.kill_halfway()
    newest = victim.checkpoints()[-1]
    damage(newest)
    with victim.start() as start:
        ending = start.wait()
    if ending.status != 0:
        check.problems.append(ending.describe())
        return
    if f"checkpoint {newest.name}" in ending.output:
        check.observed.append("goes on from the one before and says so")
    else:
        check.problems.append(f"nothing was said of checkpoint {newest.name}")
    damaged = victim.workdir / "damaged"
    if (damaged / newest.name).is_dir():
        shutil.rmtree(damaged)  # an undisturbed run has none
    elif newest.is_dir():
        check.problems.append(f"the damaged checkpoint is not in {damaged}")
    check.equal(victim)


def _cut_largest(checkpoint: Path) -> None:
    files = [path for path in (checkpoint / "state").rglob("*") if path.is_file()]
    largest = max(files, key=lambda path: path.stat().st_size)
    os.truncate(largest, largest.stat().st_size // 2)
