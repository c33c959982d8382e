"""One start of a command in the background: Python itself, not a shell that would outlive it."""

from __future__ import annotations

import dataclasses
import os
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from benchmarks.kills.place import ROOT

POLL = 0.002  # seconds between two looks at a work directory
PATIENCE = 300.0  # seconds until a start counts as one that hangs
# What the caller's own JAX was told says nothing about a run's.
_NOT_INHERITED = ("XLA_FLAGS", "JAX_COMPILATION_CACHE_DIR")


@dataclasses.dataclass(frozen=True)
class Ending:
    """How a start ended.

    Attributes:
      status: exit status; ``-9`` after SIGKILL; None where it had to be ended because it hung.
      seconds: it took.
      output: standard output.
      errors: standard error.
    """

    status: int | None
    seconds: float
    output: str
    errors: str

    @property
    def one_line(self) -> bool:
        """Whether it ended with status 2 and one line that begins with ``error:``."""
        lines = self.errors.splitlines()
        return self.status == 2 and len(lines) == 1 and lines[0].startswith("error: ")

    def describe(self) -> str:
        """Status and the last line of what it said."""
        said = [line for line in (self.errors or self.output).splitlines() if line.strip()]
        status = "hung" if self.status is None else f"status {self.status}"
        return f"{status} after {self.seconds:.1f} s, {len(self.errors.splitlines())} lines of " \
            f"errors, the last {said[-1].strip()[:300] if said else ''!r}"  # fmt: skip


class Start:
    """A command that runs; ``with`` ends it and whatever it started.

    Args:
      command: program and arguments.
      log: file, without suffix, for what it says.
    """

    def __init__(self, command: list[str], log: Path):
        log.parent.mkdir(parents=True, exist_ok=True)
        self._output, self._errors = log.with_suffix(".out"), log.with_suffix(".err")
        variables = {k: v for k, v in os.environ.items() if k not in _NOT_INHERITED}
        variables["PYTHONUNBUFFERED"] = "1"
        self.began = time.monotonic()
        with self._output.open("w") as output, self._errors.open("w") as errors:
            self._process = subprocess.Popen(
                command, cwd=ROOT, stdout=output, stderr=errors, env=variables,
                start_new_session=True,
            )  # fmt: skip
        self.pid = self._process.pid

    def __enter__(self) -> Start:
        return self

    def __exit__(self, *exception: object) -> None:
        if self._process.poll() is None:
            self._process.kill()
            self._process.wait()
        self.end_session()

    @property
    def output(self) -> str:
        """Standard output so far."""
        return self._output.read_text(errors="replace")

    @property
    def running(self) -> bool:
        """Whether it has not ended yet."""
        return self._process.poll() is None

    @property
    def seconds(self) -> float:
        """Since it was started."""
        return time.monotonic() - self.began

    def send(self, number: signal.Signals) -> None:
        """Sends a signal to the program alone, not to its workers."""
        self._process.send_signal(number)

    def until(self, condition: Callable[[], Any], patience: float = PATIENCE) -> bool:
        """Waits for ``condition``; False where the program ends first, or patience does."""
        end = time.monotonic() + patience
        while time.monotonic() < end:
            if condition():
                return True
            if not self.running:
                return bool(condition())
            time.sleep(POLL)
        return False

    def wait(self, patience: float = PATIENCE) -> Ending:
        """Waits for the end; a program that is still there after ``patience`` seconds is ended."""
        status: int | None
        try:
            status = self._process.wait(patience)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
            status = None
        seconds = self.seconds
        errors = self._errors.read_text(errors="replace")
        return Ending(status, seconds, self.output, errors)

    def session(self) -> list[int]:
        """Processes of the program's session that are still there: its workers."""
        found = []
        for entry in Path("/proc").iterdir():
            if not entry.name.isdigit():
                continue
            try:
                # The name, in brackets, may hold anything: count from its end.
                fields = (entry / "stat").read_text().rsplit(")", 1)[1].split()
            except OSError:
                continue  # it ended meanwhile
            if fields[0] != "Z" and int(fields[3]) == self.pid and int(entry.name) != self.pid:
                found.append(int(entry.name))
        return found

    def end_session(self) -> None:
        """Ends the workers that a killed program left behind."""
        for pid in self.session():
            os.kill(pid, signal.SIGKILL)
