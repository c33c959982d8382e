"""Worker processes: their answers, and what happens when one of the two sides dies."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from jaxsparse.data.worker_processes import WorkerProcesses
from jaxsparse.errors import InputError
from jaxsparse.simulate.parallel import ordered_map


def megabytes(number: int) -> bytes:
    return bytes(number << 20)


def refuse(number: int) -> int:
    raise InputError(f"{number} is refused")


class Unsendable(Exception):
    def __reduce__(self):
        raise TypeError("never sent")


def unsendable(number: int):
    if number == 1:
        return threading.Lock()
    if number == 2:
        raise Unsendable("two")
    return number


def own_process(_: int) -> int:
    return os.getpid()


def die(_: int) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


@contextlib.contextmanager
def started(function, count):
    with contextlib.closing(WorkerProcesses(function, count, remedy="use fewer")) as workers:
        yield workers


def test_the_work_is_shared_and_the_results_are_in_order():
    with started(own_process, 2) as workers:
        assert set(workers.map(range(8))) == set(workers.pids)
    assert os.getpid() not in workers.pids


def test_what_a_worker_raises_is_raised_here_and_says_where():
    with started(refuse, 1) as workers:
        for _ in range(2):  # the process is still there
            with pytest.raises(InputError, match="3 is refused") as caught:
                workers.submit(3).result()
    (note,) = caught.value.__notes__
    assert note.startswith("In a worker process:\nTraceback")


def test_what_cannot_be_sent_is_the_error_of_its_item_alone():
    with started(unsendable, 1) as workers:
        with pytest.raises(TypeError, match="pickle"):
            workers.submit(threading.Lock())
        first, answer, error, last = (workers.submit(number) for number in range(4))
        assert (first.result(), last.result()) == (0, 3)
        with pytest.raises(TypeError, match="pickle"):
            answer.result()
        with pytest.raises(RuntimeError, match="Unsendable: two"):
            error.result()


def test_a_worker_that_dies_at_work_is_one_line():
    with started(die, 2) as workers:
        for _ in range(3):  # nobody waits for a process that is gone
            with pytest.raises(InputError, match=r"One of 2 .* died \(SIGKILL\).*: use fewer\.$"):
                workers.submit(0).result(60)


def test_a_worker_that_dies_in_the_middle_of_an_answer_leaves_nobody_waiting(monkeypatch):
    reading = threading.Event()
    with started(megabytes, 1) as workers:
        assert len(workers.submit(1).result(60)) == 1 << 20
        (worker,) = workers._workers
        receive = worker.answers.recv
        # The thread is in a recv already; the one after it begins when the process is dead.
        monkeypatch.setattr(worker.answers, "recv", lambda: reading.wait(60) and receive())
        first, second = workers.submit(1), workers.submit(4)
        assert len(first.result(60)) == 1 << 20
        assert worker.answers.poll(60)  # the first bytes are here, the others do not fit
        worker.process.kill()
        reading.set()
        with pytest.raises(InputError, match="SIGKILL"):
            second.result(60)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_signals_to_all_processes_are_left_to_the_main_one(number):
    with started(abs, 1) as workers:
        for item in (-2, -3):
            os.kill(workers.pids[0], number)  # at first as likely as not before it has begun
            assert workers.submit(item).result(60) == -item


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


FIRST = """
import os, signal
from jaxsparse.data.worker_processes import WorkerProcesses
if __name__ == "__main__":
    workers = WorkerProcesses(abs, 1, remedy="use fewer")
    os.kill(workers.pids[0], signal.SIGINT)
    print(workers.submit(-2).result(60))
"""


def test_the_first_process_of_a_program_is_left_alone_too(tmp_path):
    """Where the first one starts, multiprocessing starts its own helper and unblocks signals."""
    script = tmp_path / "first.py"
    script.write_text(FIRST)
    result = subprocess.run([sys.executable, script], capture_output=True, text=True, timeout=120)
    assert result.stdout == "2\n", result.stderr
