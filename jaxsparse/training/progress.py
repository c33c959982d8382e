"""What a run remembers beside its arrays, how much of its time is spent, and how it ended."""

from __future__ import annotations

import dataclasses
import math
import os
import time
from typing import Any

from jaxsparse.training.display import duration


@dataclasses.dataclass
class Progress:
    """What a run remembers beside its arrays; stored in every checkpoint.

    Attributes:
      batch: number of the next batch: the position in the data.
      seconds: time spent so far, over all starts.
      best_loss: smallest score of a validation: its loss, or the share of wrong answers where
        ``optimizer.plateau_metric`` is accuracy; infinite before the first.
      bad_validations: validations since then.
      validated: step of the last validation, -1 before the first; without validation events the one
        at which an average last got its moments.
      validation_due: whether a signal came before the validation of this step.
      learning_rate: of the last step, NaN before the first.
      window: sums of the steps since the last training line of the log.
      log_lines: of ``metrics.jsonl``; None in checkpoints of earlier versions.
      computed_by: what computed the last step, :meth:`Network.computed_by` of its device; "" in
        checkpoints of earlier versions.
    """

    batch: int = 0
    seconds: float = 0.0
    best_loss: float = math.inf
    bad_validations: int = 0
    validated: int = -1
    validation_due: bool = False
    learning_rate: float = math.nan
    window: dict[str, Any] = dataclasses.field(default_factory=dict)
    log_lines: int | None = None
    computed_by: str = ""


class Clock:
    """Time spent on a run, over all its starts, and what is left of it.

    >>> clock = Clock(before=30.0, minutes=1.0)
    >>> clock.is_up, clock.left(steps=10, seconds_per_step=1.0)
    (False, 10.0)
    """

    def __init__(self, before: float, minutes: float):
        """Args:
        before: seconds of earlier starts.
        minutes: that the run may take; 0 is no limit.
        """
        self._before, self._limit = before, 60 * minutes
        self._started = time.monotonic()
        self._pace = math.inf  # seconds a step

    @property
    def seconds(self) -> float:
        """Time spent."""
        return self._before + time.monotonic() - self._started

    @property
    def is_up(self) -> bool:
        """Whether the limit is reached."""
        return 0 < self._limit <= self.seconds

    def left(self, steps: int, seconds_per_step: float) -> float:
        """Seconds that so many steps take at the latest pace that is known, within the limit."""
        if seconds_per_step > 0:
            self._pace = seconds_per_step
        by_steps = self._pace * steps
        return min(by_steps, max(0.0, self._limit - self.seconds)) if self._limit else by_steps


@dataclasses.dataclass(frozen=True)
class Result:
    """How a run ended.

    Attributes:
      step: that it reached.
      reason: why it stopped.
      stopped: whether a signal stopped it: the same command goes on.
      best_score: the smallest of a validation, as ``best_loss`` of :class:`Progress`.
      abandoned: whether the signal came into a compilation or the set-up, parts of which may still
        go on in threads: they cannot be ended but with the process.
    """

    step: int
    reason: str
    best_score: float
    stopped: bool = False
    abandoned: bool = False

    def lines(
        self, metric: str, seconds: float, checkpoints: Any, workdir: os.PathLike[str]
    ) -> list[str]:
        """What to tell of it, and what to type next.

        Args:
          metric: that validations are compared by, ``"loss"`` or ``"accuracy"``.
          seconds: that the run took, over all starts.
          checkpoints: with ``steps``, that are kept, and ``best_step``.
          workdir: where they are.
        """
        best = "no validation"
        if math.isfinite(self.best_score):
            value = 1.0 - self.best_score if metric == "accuracy" else self.best_score
            best = f"best validation {metric} {value:.4g} at step {checkpoints.best_step}"
        following = f"next: jaxsparse eval --workdir={workdir} --data=TEST.h5 --out=OUT"
        return [
            f"{self.reason} at step {self.step} after {duration(seconds)}; {best}; checkpoints "
            f"{checkpoints.steps} in {workdir}",
            "the same command goes on" if self.stopped else following,
        ]
