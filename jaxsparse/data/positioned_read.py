"""Bytes of an open file from any place, on every operating system.

``preadv`` is Linux, newer macOS and BSD; ``pread`` is every Unix; Windows has neither. There the
place in the file is set and read from under a lock, for threads share it.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Sequence

from jaxsparse.errors import InputError

_seeking = threading.Lock()


def _by_pread(descriptor: int, buffers: Sequence[memoryview], offset: int, /) -> int:
    return _fill(buffers[0], os.pread(descriptor, len(buffers[0]), offset))


def _by_seeking(descriptor: int, buffers: Sequence[memoryview], offset: int, /) -> int:
    with _seeking:
        os.lseek(descriptor, offset, os.SEEK_SET)
        return _fill(buffers[0], os.read(descriptor, len(buffers[0])))


def _fill(buffer: memoryview, data: bytes) -> int:
    buffer[: len(data)] = data
    return len(data)


# Fills one buffer, ``preadv(descriptor, (buffer,), offset)``, and returns the number of bytes.
preadv: Callable[[int, Sequence[memoryview], int], int]
if hasattr(os, "preadv"):
    preadv = os.preadv
elif hasattr(os, "pread"):
    preadv = _by_pread
else:
    preadv = _by_seeking


def read_exactly(descriptor: int, target: memoryview, offset: int) -> None:
    """Fills ``target`` from ``offset`` on.

    Raises:
      OSError: the file ends before.
    """
    while target:
        count = preadv(descriptor, (target,), offset)
        if count == 0:
            raise OSError("the file ends too early")
        target, offset = target[count:], offset + count


def open_for_reading(path: str | os.PathLike[str]) -> int:
    """Descriptor of a file; programs that are started do not inherit it.

    Raises:
      InputError: it is gone or may not be read.
    """
    try:
        return os.open(path, os.O_RDONLY | getattr(os, "O_BINARY", 0))
    except OSError as error:
        raise InputError(f"{path} cannot be opened ({error.strerror}): check the path") from None
