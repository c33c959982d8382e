"""Who holds a lock is the only one, and whoever dies holds none."""

from __future__ import annotations

import errno
import os
import signal
import subprocess
import sys
import types

import pytest

from jaxsparse import file_lock
from jaxsparse.file_lock import FileLock

HOLD = """
import sys, time
from jaxsparse.file_lock import FileLock
lock = FileLock(sys.argv[1])
print("held", flush=True)
time.sleep(60)
"""
needs_flock = pytest.mark.skipif(file_lock.fcntl is None, reason="no flock")


@pytest.fixture
def path(tmp_path):
    return tmp_path / "odd [name] \\ µ"


def test_the_second_one_is_refused_until_the_first_gives_it_back(path):
    with FileLock(path) as lock:
        assert lock.held
        with pytest.raises(BlockingIOError):
            FileLock(path)
    assert lock.descriptor == -1
    lock.release()
    FileLock(path).release()
    assert path.exists()


def test_a_lock_that_nobody_refers_to_is_released(path):
    assert FileLock(path).held
    assert FileLock(path).held


def test_a_process_that_is_killed_holds_nothing(path):
    command = [sys.executable, "-c", HOLD, str(path)]
    holder = subprocess.Popen(command, stdout=subprocess.PIPE)
    try:
        assert holder.stdout is not None
        assert holder.stdout.readline() == b"held\n"
        with pytest.raises(BlockingIOError):
            FileLock(path)
    finally:
        holder.send_signal(signal.SIGKILL)
        holder.communicate()
    FileLock(path).release()


@needs_flock
@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning", "ignore:.*fork.*:RuntimeWarning")
def test_a_forked_process_does_not_keep_its_parents_lock(path):
    lock = FileLock(path)
    done, told = os.pipe()
    child = os.fork()
    if child == 0:
        os._exit(0 if os.read(done, 1) == b"x" and lock.descriptor == -1 else 1)
    with pytest.raises(BlockingIOError):  # it has not released it either
        FileLock(path)
    lock.release()
    FileLock(path).release()
    os.write(told, b"x")
    assert os.waitpid(child, 0)[1] == 0
    os.close(done)
    os.close(told)


@needs_flock
@pytest.mark.parametrize("change", [os.unlink, lambda path: os.replace(path, f"{path}.new")])
def test_a_file_that_is_taken_away_while_it_is_locked_is_locked_anew(path, monkeypatch, change):
    really_lock, calls = file_lock._lock, []

    def lock(descriptor):
        calls.append(descriptor)
        if len(calls) == 1:
            change(path)
        return really_lock(descriptor)

    monkeypatch.setattr(file_lock, "_lock", lock)
    with FileLock(path) as held:
        assert os.path.samestat(os.fstat(held.descriptor), os.stat(path))
    assert len(calls) == 2


@needs_flock
def test_a_file_system_without_locks_gives_an_open_file(path, monkeypatch):
    def flock(descriptor, mode):
        raise OSError(errno.ENOSYS, "Function not implemented")

    monkeypatch.setattr(file_lock.fcntl, "flock", flock)
    with FileLock(path) as lock:
        assert not lock.held
        assert os.write(lock.descriptor, b"a") == 1


def test_windows_locks_a_byte_that_nobody_reads(path, monkeypatch):
    calls, refuse = [], False

    def locking(descriptor, mode, count):
        calls.append((mode, count, os.lseek(descriptor, 0, os.SEEK_CUR)))
        if refuse:
            raise PermissionError(errno.EACCES, "Permission denied")

    windows = types.SimpleNamespace(LK_NBLCK=2, LK_UNLCK=0, locking=locking)
    monkeypatch.setattr(file_lock, "fcntl", None)
    monkeypatch.setattr(file_lock, "msvcrt", windows)
    with FileLock(path) as lock:
        os.write(lock.descriptor, b"data")
    far = 2**31 - 2
    assert calls == [(2, 1, far), (0, 1, far)]
    assert path.read_bytes() == b"data"
    refuse = True
    with pytest.raises(BlockingIOError):
        FileLock(path)


def test_without_any_lock_the_file_is_open(path, monkeypatch):
    monkeypatch.setattr(file_lock, "fcntl", None)
    monkeypatch.setattr(file_lock, "msvcrt", None)
    with FileLock(path) as lock:
        assert not lock.held
        assert lock.descriptor >= 0
