"""Faults of the computer around a run, what the run says, and whether the next start mends it.

Every fault is a function that disturbs a tiny run and yields what is not as it should be. The same
command, once the fault is over, must end like an undisturbed run: nothing that was there is lost.
"""

from __future__ import annotations

import os
import shutil
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from benchmarks.kills.compare import differences, latest
from benchmarks.kills.mounts import empty, fill, obey_permissions, small_disk
from benchmarks.kills.process import Ending, Start
from benchmarks.kills.scenarios import Kills, Scenario

SCENARIO = Scenario("faults", "segmentation", {"train.steps": 60})
NOTICED_WITHIN = 60.0  # seconds from a fault to the line that names it


class Victim:
    """A run of ``SCENARIO`` in a folder of its own, with its own copy of the events.

    Args:
      kills: where the undisturbed run is made.
      folder: of the fault; emptied first.
      settings: config keys in place of the scenario's.
    """

    def __init__(self, kills: Kills, folder: Path, settings: dict[str, Any] | None = None):
        self.kills, self.folder = kills, folder
        self.reference = kills.reference(SCENARIO)
        for entry in folder.iterdir() if folder.exists() else ():
            shutil.rmtree(entry) if entry.is_dir() else entry.unlink()
        folder.mkdir(parents=True, exist_ok=True)
        self.workdir = folder / "run"
        self.data = folder / "train.h5"
        self.original = kills.place.files[SCENARIO.task][0]
        shutil.copyfile(self.original, self.data)
        settings = {"data.train": self.data} | SCENARIO.settings | (settings or {})
        self.command = kills.place.train(SCENARIO.task, self.workdir, settings)
        self.starts = 0

    def start(self, **options: Any) -> Start:
        """One start of the run's command."""
        self.starts += 1
        return Start(self.command, self.folder.parent / f"{self.folder.name}{self.starts}", **options)

    def begun(self, start: Start, lines: int = 2) -> bool:
        """Waits until the log has so many lines and there are two checkpoints."""
        log = self.workdir / "metrics.jsonl"
        return start.until(
            lambda: log.exists()
            and log.read_text().count("\n") >= lines
            and len(self.checkpoints()) >= 2
        )

    def checkpoints(self) -> list[Path]:
        """The folders of checkpoints, oldest first."""
        folder = self.workdir / "checkpoints"
        if not folder.is_dir():
            return []
        return sorted((p for p in folder.iterdir() if p.name.isdigit()), key=lambda p: int(p.name))

    def kill_halfway(self) -> None:
        """Starts the run and kills it once it has checkpoints."""
        with self.start() as start:
            self.begun(start, lines=4)
            start.send(signal.SIGKILL)
            start.wait()

    def finishes(self, **options: Any) -> Iterator[str]:
        """Starts once more, to the end, and compares."""
        with self.start(**options) as start:
            ending = start.wait()
        if ending.status != 0:
            yield f"the next start: {ending.describe()}"
            return
        for found in differences(self.workdir, self.reference):
            yield f"after the next start: {found}"


def _refused(ending: Ending, *words: str) -> Iterator[str]:
    """Whether it ended with one line that has one of ``words``, and status 2."""
    if not ending.one_line or not any(word in ending.errors for word in words):
        yield f"no line with {' or '.join(words)} and status 2, but {ending.describe()}"


def disk_full(kills: Kills, folder: Path, leave: int = 0) -> Iterator[str]:
    """The disk of the work directory fills up while the run goes on."""
    with small_disk(folder, 32) as disk:
        victim = Victim(kills, disk)
        with victim.start() as start:
            victim.begun(start)
            fill(disk, leave)
            ending = start.wait(NOTICED_WITHIN)
        yield from _refused(ending, "disk is full")
        with victim.start() as start:  # nothing has changed: as clear as before
            ending = start.wait(NOTICED_WITHIN)
        yield from _refused(ending, "disk is full")
        empty(disk)
        yield from victim.finishes()


def disk_nearly_full(kills: Kills, folder: Path) -> Iterator[str]:
    """As ``disk_full`` with room for a part of a checkpoint."""
    yield from disk_full(kills, folder, leave=30_000)


def disk_full_at_the_start(kills: Kills, folder: Path) -> Iterator[str]:
    """The disk is full before the first start."""
    with small_disk(folder, 32) as disk:
        victim = Victim(kills, disk)
        fill(disk)
        with victim.start() as start:
            ending = start.wait()
        yield from _refused(ending, "disk is full")
        empty(disk)
        yield from victim.finishes()


def no_permission(kills: Kills, folder: Path) -> Iterator[str]:
    """The work directory becomes read-only while the run goes on."""
    victim = Victim(kills, folder)
    try:
        with victim.start(limits=obey_permissions) as start:
            victim.begun(start)
            _allow(victim.workdir, False)
            ending = start.wait(NOTICED_WITHIN)
        yield from _refused(ending, "Permission denied")
        with victim.start(limits=obey_permissions) as start:
            ending = start.wait()
        yield from _refused(ending, "Permission denied")
    finally:
        _allow(victim.workdir, True)
    yield from victim.finishes(limits=obey_permissions)


def no_permission_at_the_start(kills: Kills, folder: Path) -> Iterator[str]:
    """The work directory is to be made where nothing may be written."""
    victim = Victim(kills, folder)
    try:
        _allow(folder, False)
        with victim.start(limits=obey_permissions) as start:
            ending = start.wait()
        yield from _refused(ending, "Permission denied")
    finally:
        _allow(folder, True)
    yield from victim.finishes()


def data_removed(kills: Kills, folder: Path) -> Iterator[str]:
    """The training file is removed while the run goes on: it keeps what it has open."""
    victim = Victim(kills, folder)
    with victim.start() as start:
        victim.begun(start)
        victim.data.unlink()
        ending = start.wait()
    if ending.status != 0:
        yield ending.describe()
    for found in differences(victim.workdir, victim.reference):
        yield found


def data_missing_at_restart(kills: Kills, folder: Path) -> Iterator[str]:
    """The run was killed, and its training file is gone when it is started again."""
    victim = Victim(kills, folder)
    victim.kill_halfway()
    victim.data.unlink()
    with victim.start() as start:
        ending = start.wait()
    yield from _refused(ending, str(victim.data))
    shutil.copyfile(victim.original, victim.data)
    yield from victim.finishes()


def data_replaced(kills: Kills, folder: Path) -> Iterator[str]:
    """The run was killed, and other events stand under the name when it is started again."""
    victim = Victim(kills, folder)
    victim.kill_halfway()
    shutil.copyfile(kills.place.files[SCENARIO.task][1], victim.data)
    with victim.start() as start:
        ending = start.wait()
    yield from _refused(ending, "data.train")
    shutil.copyfile(victim.original, victim.data)
    yield from victim.finishes()


def data_truncated(kills: Kills, folder: Path) -> Iterator[str]:
    """Half of the training file is cut off while the run goes on."""
    victim = Victim(kills, folder)
    with victim.start() as start:
        victim.begun(start)
        os.truncate(victim.data, 4096)
        ending = start.wait(NOTICED_WITHIN)
    yield from _refused(ending, str(victim.data))
    with victim.start() as start:
        ending = start.wait()
    yield from _refused(ending, str(victim.data))
    shutil.copyfile(victim.original, victim.data)
    yield from victim.finishes()


def loader_killed(kills: Kills, folder: Path) -> Iterator[str]:
    """A process that prepares batches is killed, as one that needs too much memory is."""
    victim = Victim(kills, folder, {"data.workers": 2, "train.steps": 60})
    with victim.start() as start:
        victim.begun(start)
        workers = start.session()
        for pid in workers[-1:]:
            os.kill(pid, signal.SIGKILL)
        ending = start.wait(NOTICED_WITHIN)
        left = _outlive(start)
    if not workers:
        yield "there was no process to kill"
    yield from _refused(ending, "data.workers")
    if left:
        yield f"{len(left)} of its processes are left behind"
    yield from victim.finishes()


def killed_with_loaders(kills: Kills, folder: Path) -> Iterator[str]:
    """The run is killed while it has processes that prepare batches: they end, too."""
    victim = Victim(kills, folder, {"data.workers": 2})
    with victim.start() as start:
        victim.begun(start)
        start.send(signal.SIGKILL)
        start.wait()
        left = _outlive(start)
    if left:
        yield f"{len(left)} of its processes are left behind"
    yield from victim.finishes()


def checkpoint_cut_short(kills: Kills, folder: Path) -> Iterator[str]:
    """The largest file of the newest checkpoint has lost its second half."""
    yield from _damaged(kills, folder, _cut_largest)


def checkpoint_file_lost(kills: Kills, folder: Path) -> Iterator[str]:
    """The description of the arrays of the newest checkpoint is gone."""
    yield from _damaged(kills, folder, lambda newest: (newest / "state" / "_METADATA").unlink())


def checkpoint_progress_damaged(kills: Kills, folder: Path) -> Iterator[str]:
    """The progress in the newest checkpoint is no JSON."""
    yield from _damaged(kills, folder, lambda c: (c / "progress" / "metadata").write_text("{"))


def checkpoint_emptied(kills: Kills, folder: Path) -> Iterator[str]:
    """The folder of the newest checkpoint is empty."""

    def emptied(newest: Path) -> None:
        shutil.rmtree(newest)
        newest.mkdir()

    yield from _damaged(kills, folder, emptied)


def all_checkpoints_damaged(kills: Kills, folder: Path) -> Iterator[str]:
    """No checkpoint can be read: a run that begins anew without a word would be lost work."""
    victim = Victim(kills, folder)
    victim.kill_halfway()
    for checkpoint in victim.checkpoints():
        _cut_largest(checkpoint)
    with victim.start() as start:
        ending = start.wait()
    yield from _refused(ending, "checkpoint")


def log_cut_short(kills: Kills, folder: Path) -> Iterator[str]:
    """The last line of the log has no end."""
    victim = Victim(kills, folder)
    victim.kill_halfway()
    log = victim.workdir / "metrics.jsonl"
    log.write_bytes(log.read_bytes()[:-40])
    yield from victim.finishes()


def programs_cut_short(kills: Kills, folder: Path) -> Iterator[str]:
    """Every compiled program in the cache has lost its second half."""
    programs = folder.parent / "damaged_programs"
    shutil.rmtree(programs, ignore_errors=True)
    shutil.copytree(kills.place.cache, programs)
    for path in filter(Path.is_file, programs.rglob("*")):
        os.truncate(path, path.stat().st_size // 2)
    yield from Victim(kills, folder, {"train.cache_dir": programs}).finishes()


def two_at_once(kills: Kills, folder: Path) -> Iterator[str]:
    """The same command is given while it runs: the second is refused, the first goes on."""
    victim = Victim(kills, folder)
    with victim.start() as first:
        victim.begun(first)
        with victim.start() as second:
            ending = second.wait()
        yield from _refused(ending, str(victim.workdir))
        ending = first.wait()
    if ending.status != 0:
        yield f"the first: {ending.describe()}"
    for found in differences(victim.workdir, victim.reference):
        yield f"the first: {found}"


def output_closed(kills: Kills, folder: Path) -> Iterator[str]:
    """Whatever read standard output is gone (``train.py | head``)."""
    victim = Victim(kills, folder)
    piped = ["bash", "-c", 'set -o pipefail; "$@" | head -3 > /dev/null', "-", *victim.command]
    victim.starts += 1
    with Start(piped, folder.parent / f"{folder.name}{victim.starts}") as start:
        ending = start.wait()
    if "Traceback" in ending.errors:
        yield ending.describe()
    yield from victim.finishes()


FAULTS: dict[str, Callable[[Kills, Path], Iterator[str]]] = {
    fault.__name__: fault
    for fault in (
        disk_full, disk_nearly_full, disk_full_at_the_start, no_permission,
        no_permission_at_the_start, data_removed, data_missing_at_restart, data_replaced,
        data_truncated, loader_killed, killed_with_loaders, checkpoint_cut_short,
        checkpoint_file_lost, checkpoint_progress_damaged, checkpoint_emptied,
        all_checkpoints_damaged, log_cut_short, programs_cut_short, two_at_once, output_closed,
    )
}  # fmt: skip


def _damaged(kills: Kills, folder: Path, damage: Callable[[Path], None]) -> Iterator[str]:
    """The run goes on from the checkpoint before, says so, and keeps the damaged one aside."""
    victim = Victim(kills, folder)
    victim.kill_halfway()
    newest = victim.checkpoints()[-1]
    damage(newest)
    with victim.start() as start:
        ending = start.wait()
    said = ending.output + ending.errors
    if ending.status != 0:
        yield ending.describe()
    elif f"checkpoint {newest.name}" not in said:
        yield f"nothing was said of checkpoint {newest.name}"
    for found in differences(victim.workdir, victim.reference):
        yield found


def _cut_largest(checkpoint: Path) -> None:
    files = [path for path in (checkpoint / "state").rglob("*") if path.is_file()]
    largest = max(files, key=lambda path: path.stat().st_size)
    os.truncate(largest, largest.stat().st_size // 2)


def _allow(folder: Path, writing: bool) -> None:
    for path in [folder, *filter(Path.is_dir, folder.rglob("*"))]:
        path.chmod(0o755 if writing else 0o555)


def _outlive(start: Start, patience: float = 10.0) -> list[int]:
    """Processes of a start that has ended which are still there ``patience`` seconds later."""
    end = time.monotonic() + patience
    while (left := start.session()) and time.monotonic() < end:
        time.sleep(0.1)
    return left
