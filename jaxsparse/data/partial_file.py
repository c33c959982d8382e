"""A file that takes its name only when it is whole, and that no error can wedge."""

from __future__ import annotations

import contextlib
import io
import os
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from jaxsparse.data.event_layout import partial_of
from jaxsparse.errors import InputError, one_line, reason
from jaxsparse.file_lock import FileLock
from jaxsparse.paths import refuse_tree

_Result = TypeVar("_Result")
OPEN_FILES_KEEP_THEIR_NAME = os.name == "nt"  # Windows neither renames nor removes them


class PartialFile(io.RawIOBase):
    """Raw bytes to ``PATH.partial``, which ``commit`` renames to ``PATH`` and ``discard`` removes.

    HDF5 cannot close a file whose writes fail: it keeps the handle, and with it the disk space, and
    may end the process. So nothing is raised while it writes or reads, neither a full disk nor
    Ctrl-C: the first error is remembered in :attr:`error`, and later writes vanish. HDF5 closes in
    peace, and the caller looks at ``error`` when it likes.

    The file is locked while it is open. A forked process has no part in it: whatever it writes
    vanishes.

    Args:
      path: the final name; its folder is made if missing.

    Raises:
      InputError: the file cannot be made there, or another program is writing it.
    """

    def __init__(self, path: Path):
        self.path = path
        self.partial_path = partial_of(path)
        self.error: BaseException | None = None
        self._vanishing = False
        try:
            refuse_tree(path, "path")
            path.parent.mkdir(parents=True, exist_ok=True)
            if path.is_dir():
                raise IsADirectoryError("it is a folder")
            if path.exists() and not path.is_file():  # a device would be replaced by the rename
                raise OSError("it is no regular file")
            self._lock = FileLock(self.partial_path)
            try:
                os.ftruncate(self._lock.descriptor, 0)
            except BaseException:
                self.discard()
                raise
        except BlockingIOError:
            raise InputError(
                f"{self.partial_path} is being written by another program: wait, or choose another "
                "name"
            ) from None
        except (OSError, ValueError) as error:  # ValueError: a zero byte in the name
            text = reason(error) if isinstance(error, OSError) else one_line(error)
            raise InputError(f"{path} cannot be written ({text}): choose another place") from None

    def check(self) -> None:
        """Raise the remembered error, of the disk as :class:`InputError`."""
        if isinstance(self.error, OSError):
            raise InputError(
                f"{self.path} could not be written ({reason(self.error)}): free "
                "some space or choose another place; what was there before has not changed"
            ) from None
        if self.error is not None:
            raise self.error

    def vanish(self) -> None:
        """From now on nothing is written, and no write fails."""
        self._vanishing = True

    def commit(self) -> None:
        """Have all bytes on the disk, then give the file its name.

        Raises:
          InputError: the disk is full, or the name cannot be given; the file is removed.
        """
        try:
            self.check()
            os.fsync(self._lock.descriptor)
            self._rename()
        except BaseException as error:
            self.discard()
            if isinstance(error, OSError):
                self.error = error
                self.check()
            raise
        self.close()

    def discard(self) -> None:
        """Remove what was written, unless it has its name."""
        try:  # in a forked process, or after the end, the partial file is somebody else's
            ours = os.path.samestat(os.fstat(self._lock.descriptor), os.stat(self.partial_path))
        except OSError:
            ours = False
        if OPEN_FILES_KEEP_THEIR_NAME:
            self.close()
        if ours:
            self._remove()
        self.close()

    def close(self) -> None:
        lock = getattr(self, "_lock", None)
        if lock is not None:
            lock.release()
        super().close()

    def readable(self) -> bool:
        return True

    def writable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def readinto(self, buffer) -> int:
        data = self._in_peace(lambda: os.read(self._lock.descriptor, len(buffer)), b"")
        buffer[: len(data)] = data
        return len(data)

    def write(self, data) -> int:
        data = memoryview(data)
        written = 0
        try:
            while not self._vanishing and written < len(data):
                written += os.write(self._lock.descriptor, data[written:])
        except BaseException as error:
            self._remember(error)
        return len(data)

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        return self._in_peace(lambda: os.lseek(self._lock.descriptor, offset, whence), 0)

    def truncate(self, size: int | None = None) -> int:
        size = self.tell() if size is None else size
        try:
            if not self._vanishing:
                os.ftruncate(self._lock.descriptor, size)
        except BaseException as error:
            self._remember(error)
        return size

    def _in_peace(self, action: Callable[[], _Result], otherwise: _Result) -> _Result:
        """The action's result, at the second try where the first was interrupted."""
        for _ in range(2):
            try:
                return action()
            except BaseException as error:
                self._remember(error)
        return otherwise

    def _remember(self, error: BaseException) -> None:
        # Its traceback leads to the frames of h5py, and these to handles that HDF5 cannot close any
        # more when Python has ended: whoever kept the error would die of it.
        self.error = self.error or error.with_traceback(None)
        self._vanishing = True

    def _rename(self) -> None:
        if not OPEN_FILES_KEEP_THEIR_NAME:
            os.replace(self.partial_path, self.path)
            return
        self.close()
        try:
            os.replace(self.partial_path, self.path)
        except BaseException:
            self._remove()
            raise

    def _remove(self) -> None:
        with contextlib.suppress(OSError):
            self.partial_path.unlink(missing_ok=True)
