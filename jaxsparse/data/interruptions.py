"""Ctrl-C that waits until a library that must not be interrupted has returned."""

from __future__ import annotations

import contextlib
import signal
import threading
from collections.abc import Iterator
from types import FrameType


@contextlib.contextmanager
def interruptions_wait() -> Iterator[None]:
    """Signals that come in this block are handled at its end, whatever their handlers do.

    Python runs handlers between any two steps of its own, also of a function that a library calls.
    A library in C whose call back raises is left in the middle of what it did. Only the main thread
    handles signals; in others nothing needs to be done.

    >>> handler = signal.signal(signal.SIGINT, signal.default_int_handler)  # ignored in background
    >>> try:
    ...     with interruptions_wait():
    ...         signal.raise_signal(signal.SIGINT)
    ...         print("goes on")
    ... except KeyboardInterrupt:
    ...     print("interrupted")
    goes on
    interrupted
    >>> _ = signal.signal(signal.SIGINT, handler)
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    waiting: list[tuple[int, FrameType | None]] = []
    handlers = {
        number: handler
        for number in (signal.SIGINT, signal.SIGTERM)
        if callable(handler := signal.getsignal(number))
    }
    for number in handlers:
        signal.signal(number, lambda number, frame: waiting.append((number, frame)))
    try:
        yield
    finally:
        for number, handler in handlers.items():
            signal.signal(number, handler)
        for came, frame in waiting:
            handlers[signal.Signals(came)](came, frame)
