"""Many processes, one ordered stream of results, bounded memory."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing
from typing import TypeVar

from jaxsparse.data.worker_processes import WorkerProcesses

Item = TypeVar("Item")
Result = TypeVar("Result")


def all_cores() -> int:
    """Cores this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def ordered_map(
    function: Callable[[Item], Result], items: Iterable[Item], *, workers: int = 0
) -> Iterator[Result]:
    """Like ``map`` over worker processes: results in the order of the items.

    At most ``4 * workers`` results exist at once. What a worker raises is raised here; leaving the
    generator ends the workers.

    Args:
      function: see :class:`~jaxsparse.data.worker_processes.WorkerProcesses`.
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
    with closing(WorkerProcesses(function, workers, remedy="use fewer")) as processes:
        yield from processes.map(items)
