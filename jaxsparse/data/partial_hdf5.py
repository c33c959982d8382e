"""An HDF5 file that is published whole or not at all, whatever ends the writing of it."""

from __future__ import annotations

import contextlib
import weakref
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import h5py

from jaxsparse.data.interruptions import interruptions_wait
from jaxsparse.data.partial_file import PartialFile
from jaxsparse.errors import InputError


class PartialHdf5:
    """An open HDF5 file under a partial name: :meth:`end` publishes or removes it.

    An open file that Python takes part in writing must be closed before Python ends, or the process
    dies of it. So every way out closes it: the end, any exception, the loss of this object, the end
    of the program.

    Args:
      path: the final name; what is there stays until the new file is whole.
      begin: writes what comes first into the open file.
      options: of ``h5py.File``.

    Attributes:
      path: as given.
      file: the open file. It is for use in :meth:`writing` alone. A dataset writes what it still
        holds when nobody refers to it any more: keep it, or delete it in there.

    Raises:
      InputError: the file cannot be made.
    """

    def __init__(self, path: Path, begin: Callable[[h5py.File], None], **options: Any):
        self.path = path
        self._torn = ""  # what was left half written
        self._ended = False
        self._last_resort: weakref.finalize | None = None
        try:
            with interruptions_wait():
                self._sink = PartialFile(path)
                try:
                    self.file = h5py.File(self._sink, "w", **options)
                except BaseException:
                    self._sink.discard()
                    raise
                self._last_resort = weakref.finalize(self, _close_and_remove, self._sink, self.file)
            with self.writing("the header"):
                begin(self.file)
        except BaseException as error:
            self._give_up(error)
            raise

    @contextlib.contextmanager
    def writing(self, what: str) -> Iterator[None]:
        """What is written in this block is written whole, or the file is not published.

        Check everything before: an error in here cannot be taken back. Ctrl-C waits for its end.

        Args:
          what: for the message, for example ``"event 3"``.

        Raises:
          InputError: the disk is full, or an earlier block did not end.
        """
        if self._torn:
            raise InputError(
                f"{self.path} is not written: {self._torn} was left half written after an error, "
                "begin the file again"
            )
        if self._ended:
            raise InputError(f"{self.path} has ended: write before that")
        with interruptions_wait():
            self._torn = what
            yield
            self._sink.check()
            self._torn = ""

    def end(
        self, error: BaseException | None, finish: Callable[[h5py.File], None] | None = None
    ) -> None:
        """Closes the file; gives it its name, or removes it after an error.

        Args:
          error: that ended the writing, None if it went well.
          finish: writes what comes last.

        Raises:
          InputError: the disk is full, or an earlier block was left half written; nothing is left
            behind.
        """
        if error is not None:
            self._give_up(error)
            return
        try:
            with self.writing("the end"):
                if finish is not None:
                    finish(self.file)
            with interruptions_wait():
                self.file.close()
                self._sink.commit()
                self._let_go()
        except BaseException as failure:
            self._give_up(failure)
            raise

    def _give_up(self, error: BaseException) -> None:
        if self._last_resort is not None:
            self._last_resort()
            self._let_go()
            if isinstance(error, OSError | RuntimeError):
                self._sink.check()  # HDF5 tripped over what a full disk did not keep

    def _let_go(self) -> None:
        self._ended = True
        if self._last_resort is not None:
            self._last_resort.detach()
        self._last_resort = None


def _close_and_remove(sink: PartialFile, file: h5py.File) -> None:
    """Closes the HDF5 file without writing any more, and removes it."""
    with interruptions_wait():
        sink.vanish()
        try:
            file.close()
        finally:
            sink.discard()
