"""Worker processes: their answers, and what happens when one of the two sides dies."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from jaxsparse.data.simulate.parallel import ordered_map
from jaxsparse.data.worker_processes import WorkerProcesses
from jaxsparse.errors import InputError


def megabytes(number: int) -> bytes:
    return bytes(number << 20)


def refuse(number: int) -> int:
    raise InputError(f"{number} is refused")


def own_process(_: int) -> int:
    return os.getpid()


def die(_: int) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


@contextlib.contextmanager
def started(function, count):
    with contextlib.closing(WorkerProcesses(function, count, remedy="use fewer")) as workers:
        yield workers


def test_threads_share_the_processes():
    with started(own_process, 2) as workers, ThreadPoolExecutor(2) as threads:
        processes = set(threads.map(workers, range(8)))
    assert len(processes) == 2
    assert os.getpid() not in processes


def test_what_a_worker_raises_is_raised_here_and_says_where():
    with started(refuse, 1) as workers:
        for _ in range(2):  # the process is still there
            with pytest.raises(InputError, match="3 is refused") as caught:
                workers(3)
    (note,) = caught.value.__notes__
    assert note.startswith("In a worker process:\nTraceback")


def test_a_worker_that_dies_at_work_is_one_line():
    with started(die, 2) as workers:
        for _ in range(3):  # nobody waits for a process that is gone
            with pytest.raises(InputError, match=r"One of 2 .* died \(SIGKILL\).*: use fewer\.$"):
                workers(0)


def test_a_worker_that_dies_in_the_middle_of_an_answer_leaves_nobody_waiting():
    with started(megabytes, 1) as workers:
        assert len(workers(1)) == 1 << 20
        process, connection = worker = workers._idle.get()
        connection.send(4)
        assert connection.poll(60)  # its first bytes are here, the others do not fit in the pipe
        process.kill()
        with pytest.raises((EOFError, OSError)):
            connection.recv()
        workers._idle.put(worker)
        with pytest.raises(InputError, match="SIGKILL"):
            workers(1)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_signals_to_all_processes_are_left_to_the_main_one(number):
    with started(abs, 1) as workers:
        process, _ = worker = workers._idle.get()
        os.kill(process.pid, number)  # as likely as not before it has begun
        workers._idle.put(worker)
        assert workers(-2) == 2
        os.kill(process.pid, number)
        assert workers(-3) == 3


def test_an_ordered_map_ends_in_one_line_when_a_worker_dies():
    with pytest.raises(InputError, match="One of 2 worker processes died"):
        list(ordered_map(die, range(5), workers=2))


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="looks at Linux' processes")
def test_workers_do_not_outlive_a_program_that_is_killed():
    program = subprocess.Popen(
        [sys.executable, "-m", "tests.data.killed_program"], stdout=subprocess.PIPE, text=True
    )
    with program:
        assert program.stdout is not None
        pids = [int(word) for word in program.stdout.readline().split()]
        program.kill()
    assert len(pids) == 2
    end = time.monotonic() + 60
    while any(map(lives, pids)) and time.monotonic() < end:
        time.sleep(0.05)
    assert not any(map(lives, pids))


def lives(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0]
    except OSError:
        return False
    return state != "Z"  # ended; whoever adopted it has not looked yet
