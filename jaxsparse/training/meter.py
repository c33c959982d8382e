"""Adds up the sums of steps and times them, compilation and pauses left out."""

from __future__ import annotations

import time
from typing import Any

import numpy as np

from jaxsparse.training.metrics import Sums


class Meter:
    """Sums of the steps since :meth:`restart`, and how many events and sites a second they took.

    >>> from jaxsparse.training.metrics import HeadSums
    >>> head = HeadSums(np.float64(3.0), np.eye(2, dtype=int), np.int64(2))
    >>> meter = Meter()
    >>> meter.add(Sums({"event": head}, np.int64(2), np.int64(10)))
    >>> meter.steps, meter.sums.heads["event"].loss_per_event, meter.sums.heads["event"].accuracy
    (1, 1.5, 1.0)
    >>> other = Meter()
    >>> other.resume(meter.window())
    >>> other.window() == meter.window()
    True
    """

    def __init__(self) -> None:
        self.restart()

    def restart(self) -> None:
        """Forgets all sums; the clock starts now."""
        self.steps = 0
        self._sums: Sums | None = None
        self._started = time.perf_counter()
        self._excluded = 0.0
        self._events = self._sites = self._timed = 0

    def exclude(self, seconds: float) -> None:
        """Takes time (of a compilation, of a validation) off the rates."""
        self._excluded += seconds

    def add(self, sums: Sums, *, timed: bool = True) -> None:
        """Adds what one step counted; ``timed=False`` where its time is excluded."""
        self.steps += 1
        self._sums = sums if self._sums is None else self._sums + sums
        if timed:
            self._timed += 1
            self._events += int(sums.events)
            self._sites += int(sums.sites)

    def window(self) -> dict[str, Any]:
        """The sums so far as JSON, for :meth:`resume`; exact."""
        return {} if self._sums is None else {"steps": self.steps, **self._sums.to_json()}

    def resume(self, window: dict[str, Any]) -> None:
        """Begins with the sums of another process's :meth:`window`; rates are of this one alone."""
        self.restart()
        if window:
            self.steps, self._sums = window["steps"], Sums.from_json(window)

    @property
    def sums(self) -> Sums:
        """The total; nothing has no head, no pixel and no event."""
        return Sums({}, np.int64(0), np.int64(0)) if self._sums is None else self._sums

    @property
    def events_per_second(self) -> float:
        """NaN while nothing was timed."""
        return self._events / self._seconds if self._events else float("nan")

    @property
    def sites_per_second(self) -> float:
        """NaN while nothing was timed."""
        return self._sites / self._seconds if self._events else float("nan")

    @property
    def seconds_per_step(self) -> float:
        """NaN while nothing was timed."""
        return self._seconds / self._timed if self._timed else float("nan")

    @property
    def _seconds(self) -> float:
        return max(time.perf_counter() - self._started - self._excluded, 1e-9)
