"""A function in processes of its own, none of which outlives the program or leaves it waiting."""

from __future__ import annotations

import contextlib
import multiprocessing
import signal
import threading
import traceback
import weakref
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future
from multiprocessing import resource_tracker
from multiprocessing.connection import Connection
from multiprocessing.reduction import ForkingPickler
from typing import Any, Generic, TypeVar

from jaxsparse.errors import InputError

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None  # type: ignore[assignment]

Item = TypeVar("Item")
Result = TypeVar("Result")

AHEAD = 4  # items a process has, so that it waits for nobody
_JOIN = 5.0  # seconds that a process which has closed its pipes may take to be gone
_PIPE_BYTES = 1 << 20  # what Linux allows any user
# A terminal or a batch system sends these to every process; the main one says when to end.
_STOPS = (signal.SIGINT, signal.SIGTERM)


class WorkerProcesses(Generic[Item, Result]):
    """``count`` processes that call ``function``.

    Every process has pipes of its own, whose other ends only this process holds: where either side
    is killed, also in the middle of a message, the other reads the end of the file. (A queue that
    processes share stays open, and locked, when one of them dies.)

    Processes are spawned, not forked, so that they hold nothing of this one; they import what
    ``function`` needs, and the program needs the usual ``if __name__ == "__main__":``.

    Args:
      function: importable by name, picklable.
      count: of processes, at least 1.
      remedy: what to do about a process that died, for its error.

    >>> with contextlib.closing(WorkerProcesses(abs, 1, remedy="use fewer")) as workers:
    ...     list(workers.map([-1, 2, -3]))
    [1, 2, 3]
    """

    def __init__(self, function: Callable[[Item], Result], count: int, *, remedy: str):
        self._workers: list[_Worker] = []
        # Also where nobody closes this, and at exit: before multiprocessing waits for its children.
        self._finalizer = weakref.finalize(self, _end, self._workers)
        for _ in range(count):
            self._workers.append(_Worker(function, f"One of {count} worker processes", remedy))

    @property
    def pids(self) -> list[int]:
        """Of the processes, also of those that died."""
        return [worker.process.pid or 0 for worker in self._workers]

    def submit(self, item: Item) -> Future[Result]:
        """Hands ``item`` to the process that has least to do.

        The result raises what ``function`` raises, and InputError where the process died.
        """
        return min(self._workers, key=lambda worker: len(worker.waiting)).submit(item)

    def map(self, items: Iterable[Item]) -> Iterator[Result]:
        """Results in the order of the items; four a process are asked for and not taken yet."""
        ahead = AHEAD * len(self._workers)
        pending: deque[Future[Result]] = deque()
        for item in items:
            pending.append(self.submit(item))
            if len(pending) >= ahead:
                yield pending.popleft().result()
        while pending:
            yield pending.popleft().result()

    def close(self) -> None:
        """Ends the processes, also in the middle of a call."""
        self._finalizer()


class _Worker:
    """One process, and the thread that takes its answers as they come."""

    def __init__(self, function: Callable[[Any], Any], name: str, remedy: str):
        self.waiting: deque[Future[Any]] = deque()
        self._name, self._remedy = name, remedy
        self._lock, self._ended = threading.Lock(), False
        context = multiprocessing.get_context("spawn")
        their_items, self._items = context.Pipe(duplex=False)
        self.answers, their_answers = context.Pipe(duplex=False)
        _enlarge(self.answers)
        theirs = their_items, their_answers
        self.process = context.Process(target=_serve, args=(*theirs, function), daemon=True)
        with _stops_blocked():
            self.process.start()
        for end in theirs:
            end.close()
        self.thread = threading.Thread(target=self._take, name="worker process", daemon=True)
        self.thread.start()

    def submit(self, item: Any) -> Future[Any]:
        future: Future[Any] = Future()
        data = ForkingPickler.dumps(item)  # first: what cannot be sent must not wait for an answer
        with self._lock:
            self.waiting.append(future)
            if self._ended:
                self._give_up()
            else:
                with contextlib.suppress(OSError):  # it died: the thread is about to notice
                    self._items.send_bytes(data)
        return future

    def _take(self) -> None:
        with contextlib.suppress(EOFError, OSError):
            while True:
                try:
                    result, error = self.answers.recv()
                except (EOFError, OSError):
                    raise
                except Exception as trouble:  # an answer that cannot be made again here
                    result, error = None, trouble
                future = self.waiting.popleft()
                if error is None:
                    future.set_result(result)
                else:
                    future.set_exception(error)
        self.process.join(_JOIN)
        with self._lock:
            self._ended = True
            self._give_up()

    def close(self) -> None:
        """Closes the pipes, when the thread has ended."""
        self._items.close()
        self.answers.close()

    def _give_up(self) -> None:
        while self.waiting:
            self.waiting.popleft().set_exception(
                InputError(
                    f"{self._name} died ({_reason(self.process.exitcode)}), most likely for lack "
                    f"of memory: {self._remedy}."
                )
            )


def _end(workers: list[_Worker]) -> None:
    for worker in workers:
        worker.process.kill()  # it holds nothing that could be lost
    for worker in workers:
        worker.thread.join()
        worker.process.join()
        worker.close()


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
    resource_tracker.ensure_running()  # else the first process starts it, and that unblocks them
    before = signal.pthread_sigmask(signal.SIG_BLOCK, _STOPS)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _enlarge(pipe: Connection) -> None:
    """Makes room for a batch: where it waits in the pipe the worker makes the next meanwhile."""
    if fcntl is not None and hasattr(fcntl, "F_SETPIPE_SZ"):  # Linux
        with contextlib.suppress(OSError):  # the system allows less
            fcntl.fcntl(pipe.fileno(), fcntl.F_SETPIPE_SZ, _PIPE_BYTES)


def _serve(items: Connection, answers: Connection, function: Callable[[Any], Any]) -> None:
    """The worker: answers until the other ends of its pipes are gone."""
    for number in _STOPS:
        signal.signal(number, signal.SIG_IGN)
    if hasattr(signal, "pthread_sigmask"):
        signal.pthread_sigmask(signal.SIG_UNBLOCK, _STOPS)
    with contextlib.suppress(EOFError, ConnectionError):
        while True:
            item = items.recv()
            try:
                answer = ForkingPickler.dumps((function(item), None))
            except Exception as error:
                text = traceback.format_exc()
                error.add_note(f"In a worker process:\n{text}")
                try:
                    answer = ForkingPickler.dumps((None, error))
                except Exception:  # an error that cannot be sent
                    answer = ForkingPickler.dumps((None, RuntimeError(text)))
            answers.send_bytes(answer)
