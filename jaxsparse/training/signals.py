"""SIGTERM and Ctrl-C as something a loop can look at between two steps."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

Made = TypeVar("Made")

_LOOK_EVERY = 0.05  # seconds


class Stopped(BaseException):
    """A signal ended what could not wait; like KeyboardInterrupt no ``Exception``."""


class StopSignals:
    """What signals have come; see :func:`stop_signals`.

    Attributes:
      caught: name of the first, ``""`` before it.
      abandoned: whether :meth:`unless_stopped` left work behind that still goes on.
    """

    def __init__(self) -> None:
        self.caught = ""
        self.abandoned = False
        self._at_once = False

    def check(self) -> None:
        """Raises :class:`Stopped` where a signal has come."""
        if self.caught:
            raise Stopped(self.caught)

    @contextmanager
    def at_once(self) -> Iterator[None]:
        """In here a signal raises :class:`Stopped`: for work that leaves nothing to save."""
        self._at_once = True
        try:
            yield
        finally:
            self._at_once = False

    def unless_stopped(self, make: Callable[[], Made]) -> Made:
        """``make()`` in a thread of its own, for a compilation of minutes cannot be interrupted.

        Raises:
          Stopped: a signal came first. The thread goes on; its result is lost.
        """
        if threading.current_thread() is not threading.main_thread():
            return make()
        results: list[Made] = []
        errors: list[BaseException] = []

        def work() -> None:
            try:
                results.append(make())
            except BaseException as error:
                errors.append(error)

        thread = threading.Thread(target=work, name="compilation", daemon=True)
        thread.start()
        while thread.is_alive():
            thread.join(_LOOK_EVERY)
            if self.caught and thread.is_alive():
                self.abandoned = True
                raise Stopped(self.caught)
        if errors:
            raise errors[0]
        return results[0]

    def _handle(self, number: int, frame: Any) -> None:
        if self.caught and number == signal.SIGINT:
            raise KeyboardInterrupt
        self.caught = self.caught or signal.Signals(number).name
        if self._at_once:
            raise Stopped(self.caught)


@contextmanager
def stop_signals() -> Iterator[StopSignals]:
    """Collects SIGTERM and Ctrl-C instead of dying; a second Ctrl-C interrupts at once."""
    signals = StopSignals()
    if threading.current_thread() is not threading.main_thread():
        yield signals  # only the main thread may set handlers
        return
    before: dict[int, Callable[..., Any] | int | None] = {
        number: signal.signal(number, signals._handle) for number in (signal.SIGTERM, signal.SIGINT)
    }
    try:
        yield signals
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
