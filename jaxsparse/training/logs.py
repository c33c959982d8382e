"""``metrics.jsonl``, one object a line, and a board that shows the same numbers.

Other programs read the file, so its keys are fixed: ``step``, ``split`` (``train`` or
``validation``), ``loss`` (of pixels summed over an event, or of the event), ``accuracy`` (pooled
over pixels, or the share of events), ``learning_rate``, ``events_per_second``,
``sites_per_second``, ``compilations``. ``loss`` and ``accuracy`` are those of the main head; those
of other heads stand below ``heads.NAME``. Training lines sum up the steps since the line before.
"""

from __future__ import annotations

import dataclasses
import json
import math
import os
import pathlib
from collections.abc import Iterator
from typing import Any

from jaxsparse.strict_json import plain
from jaxsparse.training.boards import Board
from jaxsparse.training.workdir import writing
from jaxsparse.whole_file import whole_file

METRICS_FILE = "metrics.jsonl"


@dataclasses.dataclass(frozen=True)
class Record:
    """One line of ``metrics.jsonl``; rates are NaN (``null``) where nothing was timed.

    Attributes:
      heads: loss and accuracy of the other heads, by name; left out where there is none.
    """

    step: int
    split: str
    loss: float
    accuracy: float
    learning_rate: float
    events_per_second: float
    sites_per_second: float
    compilations: int
    heads: dict[str, dict[str, float]] = dataclasses.field(default_factory=dict)

    def to_json(self) -> str:
        """The line, without its end; what JSON cannot hold becomes ``null``.

        >>> Record(1, "train", 0.5, float("nan"), 0.1, 2.0, 3.0, 1).to_json()[:58]
        '{"step": 1, "split": "train", "loss": 0.5, "accuracy": nul'
        """
        line = dataclasses.asdict(self)
        if not self.heads:
            del line["heads"]
        return json.dumps(plain(line), allow_nan=False)

    def numbers(self) -> Iterator[tuple[str, float]]:
        """Every finite floating-point number by its name, such as ``heads/semantic/loss``."""
        values = dataclasses.asdict(self)
        heads = values.pop("heads")
        values |= {f"heads/{head}/{key}": v for head in heads for key, v in heads[head].items()}
        for name, value in values.items():
            if isinstance(value, float) and math.isfinite(value):
                yield name, value


class MetricsLog:
    """Appends records to a work directory's log.

    Attributes:
      lines: how many the file has; a checkpoint remembers it.
    """

    def __init__(
        self,
        workdir: pathlib.Path,
        board: Board | None = None,
        *,
        resume_at: int = 0,
        lines: int | None = None,
    ):
        """Args:
        workdir: where ``metrics.jsonl`` lies.
        board: that gets the same numbers; the log closes it.
        resume_at: step that the run goes on from: later lines are dropped, for their steps are
          about to be repeated.
        lines: that there were at that step; None where it is not known.
        """
        self.path = workdir / METRICS_FILE
        kept = read_records(workdir)[:lines]
        kept = [record for record in kept if record["step"] <= resume_at and resume_at]
        with whole_file(self.path) as partial:
            partial.write_text("".join(json.dumps(record) + "\n" for record in kept))
        with writing(self.path):
            self._file = self.path.open("a")
        self.lines = len(kept)
        self._board = board

    def write(self, record: Record) -> None:
        """Appends one line and flushes it."""
        with writing(self.path):
            self._file.write(record.to_json() + "\n")
            self._file.flush()
        self.lines += 1
        if self._board is not None:
            numbers = {f"{record.split}/{name}": value for name, value in record.numbers()}
            self._board.add(record.step, numbers)

    def sync(self) -> None:
        """Has all lines on the disk: before a checkpoint that counts on them."""
        with writing(self.path):
            os.fsync(self._file.fileno())

    def close(self) -> None:
        """Closes the files."""
        self._file.close()
        if self._board is not None:
            self._board.close()


def read_records(workdir: str | pathlib.Path) -> list[dict[str, Any]]:
    """The lines of ``metrics.jsonl``, oldest first; none where there is no file.

    What is no record, such as a last line that a crash cut short, is left out.
    """
    path = pathlib.Path(workdir) / METRICS_FILE
    if not path.exists():
        return []
    records = []
    for line in path.read_text(errors="replace").splitlines():
        try:
            record = json.loads(line)
        except ValueError:
            continue
        if isinstance(record, dict) and isinstance(record.get("step"), int):
            records.append(record)
    return records
