"""A file that takes its name only when it is whole, and that a full disk cannot wedge."""

from __future__ import annotations

import fcntl
import io
import os
from collections.abc import Callable
from pathlib import Path

import h5py

from jaxsparse.data.event_layout import PARTIAL_SUFFIX
from jaxsparse.errors import InputError


class PartialFile(io.RawIOBase):
    """Raw bytes to ``PATH.partial``, which ``commit`` renames to ``PATH`` and ``discard`` removes.

    HDF5 cannot close a file whose writes fail: it keeps the handle, and with it the disk space, and
    may end the process. So a write error is not raised but remembered in :attr:`error`, and later
    writes vanish: HDF5 closes in peace, and the caller looks at ``error`` when it likes.

    Args:
      path: the final name; its folder is made if missing.

    Raises:
      InputError: the file cannot be made there, or another program is writing it.
    """

    def __init__(self, path: Path):
        self.path = path
        self.partial_path = path.with_name(path.name + PARTIAL_SUFFIX)
        self.error: OSError | None = None
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            if path.is_dir():
                raise IsADirectoryError("it is a folder")
            self._descriptor = os.open(self.partial_path, os.O_RDWR | os.O_CREAT, 0o666)
        except OSError as error:
            reason = error.strerror or error
            raise InputError(f"{path} cannot be written ({reason}): choose another place") from None
        try:
            fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            os.close(self._descriptor)
            raise InputError(
                f"{self.partial_path} is being written by another program: wait, or choose another "
                "name"
            ) from None
        os.ftruncate(self._descriptor, 0)

    def check(self) -> None:
        """Raise the remembered error as :class:`InputError`."""
        if self.error is not None:
            raise InputError(
                f"{self.path} could not be written ({self.error.strerror}): free some space or "
                "choose another place; what was there before has not changed"
            ) from None

    def commit(self) -> None:
        """Have all bytes on the disk, then give the file its name."""
        if self.error is None:
            try:
                os.fsync(self._descriptor)
                os.replace(self.partial_path, self.path)
            except OSError as error:
                self.error = error
        if self.error is not None:
            self.discard()
            self.check()
        self.close()

    def end(self, file: h5py.File, finish: Callable[[], None] | None) -> None:
        """Close the HDF5 file that was opened on this; give it its name or remove it.

        Args:
          file: the open file.
          finish: writes what comes last; None where writing was given up.

        Raises:
          InputError: the disk is full; nothing is left behind.
        """
        try:
            if finish is not None:
                finish()
            file.close()
        except (OSError, RuntimeError):  # HDF5 may trip over what a full disk did not keep
            self.discard()
            self.check()
            raise
        if finish is None:
            self.discard()
        else:
            self.commit()

    def discard(self) -> None:
        """Remove what was written."""
        self.partial_path.unlink(missing_ok=True)
        self.close()

    def close(self) -> None:
        if not self.closed:
            os.close(self._descriptor)
        super().close()

    def readable(self) -> bool:
        return True

    def writable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def readinto(self, buffer) -> int:
        return os.readv(self._descriptor, [buffer])

    def write(self, data) -> int:
        data = memoryview(data)
        written = 0
        while self.error is None and written < len(data):
            try:
                written += os.write(self._descriptor, data[written:])
            except OSError as error:
                self.error = error
        return len(data)

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        return os.lseek(self._descriptor, offset, whence)

    def truncate(self, size: int | None = None) -> int:
        size = self.tell() if size is None else size
        try:
            os.ftruncate(self._descriptor, size)
        except OSError as error:
            self.error = self.error or error
        return size
