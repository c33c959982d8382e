"""A function in processes of its own, none of which outlives the program or leaves it waiting."""

from __future__ import annotations

import contextlib
import multiprocessing
import queue
import signal
import traceback
import weakref
from collections.abc import Callable, Iterator
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from typing import Any, Generic, TypeVar

from jaxsparse.errors import InputError

Item = TypeVar("Item")
Result = TypeVar("Result")
_Worker = tuple[BaseProcess, Connection]

_JOIN = 5.0  # seconds that a process which has closed its pipe may take to be gone
# A terminal or a batch system sends these to every process; the main one says when to end.
_STOPS = (signal.SIGINT, signal.SIGTERM)


class WorkerProcesses(Generic[Item, Result]):
    """Calls ``function`` in one of ``count`` processes; for as many threads as there are processes.

    Every process has a pipe of its own, whose other end only this process holds: where either side
    is killed, also in the middle of a message, the other reads the end of the file. (A queue that
    processes share stays open, and locked, when one of them dies.)

    Processes are spawned, not forked, so that they hold nothing of this one; they import what
    ``function`` needs, and the program needs the usual ``if __name__ == "__main__":``.

    Args:
      function: importable by name, picklable.
      count: of processes, at least 1.
      remedy: what to do about a process that died, for its error.

    >>> with contextlib.closing(WorkerProcesses(abs, 1, remedy="use fewer")) as workers:
    ...     workers(-3)
    3
    """

    def __init__(self, function: Callable[[Item], Result], count: int, *, remedy: str):
        self.count, self._remedy = count, remedy
        workers: list[_Worker] = []
        # Also where nobody closes this, and at exit: before multiprocessing waits for its children.
        self._finalizer = weakref.finalize(self, _end, workers)
        self._idle: queue.SimpleQueue[_Worker] = queue.SimpleQueue()
        context = multiprocessing.get_context("spawn")
        for _ in range(count):
            ours, theirs = context.Pipe()
            process = context.Process(target=_serve, args=(theirs, function), daemon=True)
            with _stops_blocked():
                process.start()
            theirs.close()
            workers.append((process, ours))
            self._idle.put(workers[-1])

    def __call__(self, item: Item) -> Result:
        """``function(item)``, with what it raises.

        Raises:
          InputError: the process died.
        """
        worker = self._idle.get()
        process, connection = worker
        try:
            connection.send(item)
            result, error = connection.recv()
        except (EOFError, OSError):
            process.join(_JOIN)
            raise InputError(
                f"One of {self.count} worker processes died ({_reason(process.exitcode)}), most "
                f"likely for lack of memory: {self._remedy}."
            ) from None
        finally:
            self._idle.put(worker)
        if error is not None:
            raise error
        return result

    def close(self) -> None:
        """Ends the processes, also in the middle of a call."""
        self._finalizer()


def _end(workers: list[_Worker]) -> None:
    for process, _ in workers:
        process.kill()  # it holds nothing that could be lost
    for process, connection in workers:
        process.join()
        connection.close()


def _reason(status: int | None) -> str:
    if status is None or status >= 0:
        return f"exit status {status}"
    return signal.Signals(-status).name


@contextlib.contextmanager
def _stops_blocked() -> Iterator[None]:
    """What is started in here does not get the signals until it has said what to do with them."""
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, _STOPS)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _serve(connection: Connection, function: Callable[[Any], Any]) -> None:
    """The worker: answers until the other end of its pipe is gone."""
    for number in _STOPS:
        signal.signal(number, signal.SIG_IGN)
    if hasattr(signal, "pthread_sigmask"):
        signal.pthread_sigmask(signal.SIG_UNBLOCK, _STOPS)
    with contextlib.suppress(EOFError, ConnectionError):
        while True:
            item = connection.recv()
            answer: tuple[Any, Exception | None]
            try:
                answer = function(item), None
            except Exception as error:
                error.add_note(f"In a worker process:\n{traceback.format_exc()}")
                answer = None, error
            connection.send(answer)
