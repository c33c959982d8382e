"""``train.log``: what a person is told of a run, with the time, over all starts of it."""

from __future__ import annotations

import pathlib
from datetime import datetime

from jaxsparse.training.workdir import writing

LOG_FILE = "train.log"


class RunLog:
    """Appends lines to a work directory's log.

    Unlike ``metrics.jsonl`` it is never cut: steps that a killed run repeats are in it twice.
    """

    def __init__(self, workdir: pathlib.Path):
        self.path = workdir / LOG_FILE
        with writing(self.path):
            self._file = self.path.open("a", encoding="utf-8")

    def write(self, text: str) -> None:
        """Appends a line and flushes it."""
        with writing(self.path):
            self._file.write(f"{datetime.now():%Y-%m-%d %H:%M:%S} {text}\n")
            self._file.flush()

    def close(self) -> None:
        """Closes the file."""
        self._file.close()
