"""What came out of each step, on disk before the next one begins."""

from __future__ import annotations

import json
import os
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from jaxsparse.errors import one_line
from jaxsparse.strict_json import plain
from jaxsparse.whole_file import whole_file

STEPS, REPORT = "steps.jsonl", "report.md"
LONGEST_ERROR = 400  # characters: XLA's may hold a whole program

Record = dict[str, Any]


class Skipped(Exception):
    """A step that cannot be taken, and why; not a failure."""


class Journal:
    """Takes steps one after the other within a deadline.

    Every step is a line of ``steps.jsonl``: ``step``, ``kind``, ``status`` (``done``, ``failed``,
    ``skipped`` or ``cut off``), ``at_s`` since the start, ``seconds``, then what it measured, or
    ``why``. ``report.md`` is made anew after each.
    """

    def __init__(self, folder: Path, deadline: float, page: Callable[[list[Record]], str]):
        """Starts the clock.

        Args:
          folder: gets both files; it must be there.
          deadline: seconds from now until the process is ended, whatever it does.
          page: makes the report of all records.
        """
        self.records: list[Record] = []
        self._folder, self._page = folder, page
        self._start, self._deadline = time.perf_counter(), deadline
        self._took: dict[str, float] = {}
        self._writing = threading.Lock()
        self._now: tuple[str, str, float] | None = None
        self._alarm = threading.Timer(deadline, self._cut_off)
        self._alarm.daemon = True
        self._alarm.start()

    def close(self) -> None:
        """Stops the clock."""
        self._alarm.cancel()

    @property
    def seconds(self) -> float:
        """Since the start."""
        return time.perf_counter() - self._start

    def take(
        self, step: str, measure: Callable[[], Record], *, kind: str = "", needs: float = 0
    ) -> None:
        """Takes a step, if the time is enough, and writes what came of it.

        Args:
          step: its name.
          measure: what it measures; an exception is written down and the next step goes on.
          kind: steps of one kind take about as long: the longest so far replaces ``needs``.
          needs: seconds that it is expected to take.
        """
        needs = self._took.get(kind, needs)
        left = self._deadline - self.seconds
        if left < needs:
            why = f"needs about {needs:.0f} s, {left:.0f} s are left"
            return self._write(step, kind, self.seconds, {"status": "skipped", "why": why})
        begin = self.seconds
        self._now = step, kind, begin
        try:
            found = {"status": "done", **measure()}
        except Skipped as reason:
            found = {"status": "skipped", "why": str(reason)}
        except Exception as error:  # the other steps are worth having
            words = one_line(error)[:LONGEST_ERROR]
            found = {"status": "failed", "why": f"{type(error).__name__}: {words}"}
        if kind and found["status"] == "done":
            self._took[kind] = max(self._took.get(kind, 0), self.seconds - begin)
        return self._write(step, kind, begin, found)

    def _write(self, step: str, kind: str, begin: float, found: Record) -> None:
        with self._writing:
            self._now = None
            self._record(step, kind, begin, found)

    def _record(self, step: str, kind: str, begin: float, found: Record) -> None:
        times = {"at_s": round(begin, 1), "seconds": round(self.seconds - begin, 1)}
        record = {"step": step, "kind": kind, "status": found["status"], **times, **found}
        self.records.append(record)
        with open(self._folder / STEPS, "a") as file:
            file.write(json.dumps(plain(record), allow_nan=False) + "\n")
            file.flush()
            os.fsync(file.fileno())
        why = f" ({found['why']})" if "why" in found else ""
        print(f"{self.seconds:5.0f} s  {step}: {found['status']}{why}", flush=True)
        try:
            text = self._page(self.records)
        except Exception as error:  # what was measured is safe, and the next steps are worth more
            text = f"The report failed ({type(error).__name__}: {error}), see {STEPS}.\n"
        with whole_file(self._folder / REPORT) as partial:
            partial.write_text(text)

    def _cut_off(self) -> None:
        """The deadline came; in the middle of a step too, for a compilation hears nothing."""
        with self._writing:
            if self._now is not None:
                found = {"status": "cut off", "why": "the deadline came"}
                self._record(*self._now, found)
            os._exit(1)
