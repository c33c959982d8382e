"""One program at a time: a lock on a file, which the operating system releases at death."""

from __future__ import annotations

import contextlib
import errno
import os
import weakref
from typing import Self

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None  # type: ignore[assignment]
try:
    import msvcrt
except ImportError:  # everywhere else
    msvcrt = None  # type: ignore[assignment]

# Windows locks a range of bytes and lets nobody else read it. This one byte is as far out as its
# 32-bit offset reaches; a range may lie beyond the end of the file.
_WINDOWS_BYTE = 2**31 - 2
_HELD_BY_ANOTHER = (errno.EACCES, errno.EAGAIN, errno.EDEADLK)
_locks: weakref.WeakSet[FileLock] = weakref.WeakSet()


class FileLock:
    """An exclusive lock on ``path``, held from construction until :meth:`release` or death.

    The file is made if it is missing and stays where it is. Child processes do not hold the lock:
    programs that are started do not inherit the handle, a forked process closes its copy. Nobody
    waits: a lock that another holds is refused at once, also within one process.

    Args:
      path: the file; its folder must exist.

    Attributes:
      path: as given.
      descriptor: the open file, for reading and writing; -1 after :meth:`release` and in a forked
        process.
      held: False where the file system has no locks (some network file systems): the file is open,
        nothing more.

    Raises:
      BlockingIOError: another holds the lock.
      OSError: the file cannot be opened.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder, FileLock(f"{folder}/lock") as lock:
    ...     try:
    ...         FileLock(f"{folder}/lock")
    ...     except BlockingIOError:
    ...         print("refused", lock.held)
    refused True
    """

    def __init__(self, path: str | os.PathLike[str]):
        self.path = os.fspath(path)
        self.descriptor = -1
        self.held = False
        # A file that was replaced or removed before it could be locked is not the one that the path
        # names any more: its lock would protect nothing.
        while not self._acquire():
            self.release()

    def release(self) -> None:
        """Gives the lock back and closes the file; does nothing the second time."""
        descriptor, self.descriptor = self.descriptor, -1
        _locks.discard(self)
        if descriptor >= 0:
            if self.held:
                self.held = False
                with contextlib.suppress(OSError):
                    _unlock(descriptor)
            os.close(descriptor)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.release()

    def __del__(self) -> None:
        if getattr(self, "descriptor", -1) >= 0:
            self.release()

    def _acquire(self) -> bool:
        """Whether the lock is on the file that ``path`` names."""
        flags = os.O_RDWR | os.O_CREAT | getattr(os, "O_BINARY", 0)
        self.descriptor = os.open(self.path, flags, 0o666)
        _locks.add(self)
        try:
            self.held = _lock(self.descriptor)
        except BlockingIOError:
            self.release()
            raise
        try:
            return os.path.samestat(os.fstat(self.descriptor), os.stat(self.path))
        except FileNotFoundError:
            return False

    def _forget(self) -> None:
        """In a forked process: closes the copy, and leaves the parent's lock alone."""
        descriptor, self.descriptor, self.held = self.descriptor, -1, False
        if descriptor >= 0:
            os.close(descriptor)


def is_locked(path: str | os.PathLike[str]) -> bool:
    """Whether somebody holds a lock on a file; False where there is no such file.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     with FileLock(f"{folder}/lock"):
    ...         before = is_locked(f"{folder}/lock")
    ...     before, is_locked(f"{folder}/lock"), is_locked(f"{folder}/none")
    (True, False, False)
    """
    try:
        descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_BINARY", 0))
    except (OSError, ValueError):
        return False
    try:
        if _lock(descriptor):
            _unlock(descriptor)
        return False
    except BlockingIOError:
        return True
    finally:
        os.close(descriptor)


def _lock(descriptor: int) -> bool:
    """Whether there are locks; raises BlockingIOError if another holds this one."""
    try:
        if fcntl is not None:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        elif msvcrt is not None:
            _windows(descriptor, msvcrt.LK_NBLCK)
        else:
            return False
    except OSError as error:
        if error.errno in _HELD_BY_ANOTHER:
            raise BlockingIOError(errno.EAGAIN, "another program holds the lock") from None
        return False
    return True


def _unlock(descriptor: int) -> None:
    if fcntl is not None:
        fcntl.flock(descriptor, fcntl.LOCK_UN)
    elif msvcrt is not None:
        _windows(descriptor, msvcrt.LK_UNLCK)


def _windows(descriptor: int, mode: int) -> None:
    """Locks or unlocks the byte, and leaves the place in the file as it was."""
    place = os.lseek(descriptor, 0, os.SEEK_CUR)
    os.lseek(descriptor, _WINDOWS_BYTE, os.SEEK_SET)
    try:
        msvcrt.locking(descriptor, mode, 1)  # type: ignore[attr-defined]
    finally:
        os.lseek(descriptor, place, os.SEEK_SET)


def _forget_all() -> None:
    for lock in list(_locks):
        lock._forget()
    _locks.clear()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget_all)
