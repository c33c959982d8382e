"""One row of the table: a run that is disturbed, what it said, and what was not as it should be."""

from __future__ import annotations

import shutil
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from benchmarks.kills.compare import differences
from benchmarks.kills.disturb import Kills
from benchmarks.kills.process import Ending, Start
from benchmarks.kills.scenarios import Scenario

SCENARIO = Scenario("undisturbed", "for the checks", "segmentation", {"train.steps": 60})
NOTICED_WITHIN = 60.0  # seconds from a fault to the line that names it


class Check:
    """What a row needs and what it finds.

    Args:
      kills: where undisturbed runs are made.
      name: of the row.

    Attributes:
      problems: what was not as it should be, one line each.
      observed: what happened, for the table.
    """

    def __init__(self, kills: Kills, name: str):
        self.kills, self.name = kills, name
        self.folder = kills.place.folder / "checks" / name
        self.problems: list[str] = []
        self.observed: list[str] = []

    def victim(self, folder: Path | None = None, **settings: Any) -> Victim:
        """A new run, in ``folder`` or the row's own, with ``group__key`` settings of its config."""
        keys = {key.replace("__", "."): value for key, value in settings.items()}
        return Victim(self.kills, folder or self.folder, self.folder, keys)

    def refused(self, ending: Ending, *words: str) -> None:
        """A start must have ended with one line that has one of ``words``, and status 2."""
        if ending.one_line and any(word in ending.errors for word in words):
            self.observed.append("one line, status 2")
        else:
            self.problems.append(
                f"no line with {' or '.join(words)} and status 2, but {ending.describe()}"
            )

    def ended(self, ending: Ending) -> None:
        """A start must have ended by itself, with status 0 and no errors."""
        if ending.status != 0 or ending.errors:
            self.problems.append(ending.describe())

    def equal(self, victim: Victim) -> None:
        """The run must be as an undisturbed one."""
        found = differences(victim.workdir, victim.reference)
        self.problems += found
        if not found:
            self.observed.append("ends as if undisturbed")

    def finishes(self, victim: Victim, *, obedient: bool = False) -> None:
        """The same command once more must end the run as if it had not been disturbed."""
        with victim.start(obedient=obedient) as start:
            ending = start.wait()
        if ending.status != 0:
            self.problems.append(f"the next start: {ending.describe()}")
        else:
            self.equal(victim)


class Victim:
    """A run of ``SCENARIO`` in a folder of its own, with its own copy of the events.

    Args:
      kills: where the undisturbed run is made.
      folder: of the run; emptied first.
      logs: folder for what the starts say.
      settings: config keys in place of the scenario's; they must not change the result.
    """

    def __init__(self, kills: Kills, folder: Path, logs: Path, settings: dict[str, Any]):
        self.reference = kills.reference(SCENARIO)
        folder.mkdir(parents=True, exist_ok=True)
        for entry in folder.iterdir():
            shutil.rmtree(entry) if entry.is_dir() else entry.unlink()
        self.folder, self.logs = folder, logs.with_name(f"{logs.name}_starts")
        self.workdir, self.data = folder / "run", folder / "train.h5"
        self.original = kills.place.files[SCENARIO.task][0]
        shutil.copyfile(self.original, self.data)
        settings = {"data.train": self.data} | SCENARIO.settings | settings
        self.command = kills.place.train(SCENARIO.task, self.workdir, settings)
        self.starts = 0

    def start(self, *, obedient: bool = False) -> Start:
        """One start of the run's command, by :mod:`benchmarks.kills.obedient` if so."""
        self.starts += 1
        through = [sys.executable, "-m", "benchmarks.kills.obedient"] if obedient else []
        return Start([*through, *self.command], self.logs / f"{self.starts}")

    def begun(self, start: Start, lines: int = 2) -> bool:
        """Waits until the log has so many lines and there are two checkpoints."""
        log = self.workdir / "metrics.jsonl"

        def enough() -> bool:
            written = log.read_text().count("\n") if log.exists() else 0
            return written >= lines and len(self.checkpoints()) >= 2

        return start.until(enough)

    def checkpoints(self) -> list[Path]:
        """The folders of checkpoints, oldest first."""
        folder = self.workdir / "checkpoints"
        found = [path for path in folder.iterdir()] if folder.is_dir() else []
        return sorted((p for p in found if p.name.isdigit()), key=lambda path: int(path.name))

    def kill_halfway(self) -> None:
        """Starts the run and kills it once it has checkpoints."""
        with self.start() as start:
            self.begun(start, lines=4)
            start.send(signal.SIGKILL)
            start.wait()


CheckFunction = Callable[[Check], None]


def outlive(start: Start, patience: float = 10.0) -> int:
    """How many processes of a start that has ended are still there ``patience`` seconds later."""
    end = time.monotonic() + patience
    while (left := start.session()) and time.monotonic() < end:
        time.sleep(0.1)
    return len(left)
