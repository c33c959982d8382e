"""Many processes, one ordered stream of results, bounded memory."""

from __future__ import annotations

import collections
import multiprocessing
import os
import signal
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from typing import TypeVar

from jaxsparse.errors import InputError

Item = TypeVar("Item")
Result = TypeVar("Result")

AHEAD = 4  # finished or running results a worker may be ahead of whoever consumes them


def all_cores() -> int:
    """Cores this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def ordered_map(
    function: Callable[[Item], Result], items: Iterable[Item], *, workers: int = 0
) -> Iterator[Result]:
    """Like ``map`` over worker processes: results in the order of the items.

    Processes are spawned, not forked, so that they hold nothing of this one; they import what
    ``function`` needs and must not need more. At most ``4 * workers`` results exist at once. What
    a worker raises is raised here; leaving the generator ends the workers.

    Args:
      function: importable by name, picklable.
      items: read as workers come free.
      workers: processes; 0 for all cores, 1 runs everything in this process.

    Raises:
      InputError: a worker process was killed.

    >>> list(ordered_map(abs, [-1, 2, -3], workers=1))
    [1, 2, 3]
    """
    workers = workers or all_cores()
    if workers == 1:
        yield from map(function, items)
        return
    executor = ProcessPoolExecutor(
        workers, multiprocessing.get_context("spawn"), initializer=_leave_interrupts_alone
    )
    pending: collections.deque[Future[Result]] = collections.deque()
    try:
        for item in items:
            pending.append(executor.submit(function, item))
            if len(pending) >= AHEAD * workers:
                yield pending.popleft().result()
        while pending:
            yield pending.popleft().result()
    except BrokenProcessPool:
        raise InputError(
            f"One of {workers} worker processes died, most likely for lack of memory: use fewer."
        ) from None
    finally:
        executor.shutdown(wait=True, cancel_futures=True)


def _leave_interrupts_alone() -> None:
    """Ctrl-C reaches every process of the terminal; this one ends when the main process says so."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
