"""Wire-Cell's archives: tar files, compressed or not, of ``<type>_<tag>_<ident>.npy``."""

from __future__ import annotations

import bz2
import dataclasses
import gzip
import lzma
import os
import re
import tarfile
import threading
import weakref
import zlib
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from jaxsparse.data.readers.npy import NpyHeader, read_array, read_header
from jaxsparse.errors import InputError, one_line

_OPENERS: dict[bytes, Callable[..., Any]] = {
    b"BZh": bz2.open,
    b"\x1f\x8b": gzip.open,
    b"\xfd7zXZ": lzma.open,
}
# What damaged archives raise, whatever compressed them.
_DAMAGE = (OSError, EOFError, ValueError, zlib.error, lzma.LZMAError, tarfile.TarError)
_NAME = re.compile(r"(?:.*/)?(?P<type>[a-z]+)_(?P<tag>.*)_(?P<ident>\d{1,18})\.npy", re.DOTALL)


@dataclasses.dataclass(frozen=True)
class Member:
    """An array of an archive.

    Attributes:
      type, tag, ident: of its name.
      header: shape and type.
      start: first byte of the array in the archive, after decompression.
      where: for messages.
      array: what was read of it at once.
    """

    type: str
    tag: str
    ident: int
    header: NpyHeader
    start: int
    where: str
    array: np.ndarray | None = None


def looks_like_archive(path: Path) -> bool:
    """Whether the first member of a tar file is named as Wire-Cell names its arrays."""
    try:
        with _decompressed(path) as stream, tarfile.open(fileobj=stream, mode="r:") as archive:
            first = archive.next()
            return first is not None and _NAME.fullmatch(first.name) is not None
    except _DAMAGE:
        return False


def members(path: Path, read: Sequence[str]) -> Iterator[Member]:
    """Arrays of an archive, in order, in one pass.

    Args:
      path: of the archive.
      read: types of the arrays to read; of others the head alone.

    Raises:
      InputError: the archive is damaged, or an array in it.
    """
    try:
        with _decompressed(path) as stream, tarfile.open(fileobj=stream, mode="r:") as archive:
            for entry in archive:
                match = _NAME.fullmatch(entry.name)
                if match is None or not entry.isreg() or entry.sparse is not None:
                    continue
                where = f"{entry.name} of {path}"
                stream.seek(entry.offset_data)
                header = read_header(stream, entry.size, where)
                start = entry.offset_data + header.offset
                kind = match["type"]
                array = read_array(stream, header, where) if kind in read else None
                yield Member(kind, match["tag"], int(match["ident"]), header, start, where, array)
    except _DAMAGE as error:
        raise _damaged(path, error) from None


class ArchiveReader:
    """Reads arrays out of archives, fastest in their order: a compressed one only goes forward.

    Picklable, and safe to share between threads and forked processes.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._key: tuple[int, Path] | None = None  # process and archive of the open stream
        self._stream: BinaryIO | None = None
        self._closer: weakref.finalize | None = None

    def read(self, path: Path, member: Member) -> np.ndarray:
        """The array.

        Raises:
          InputError: the archive is damaged.
        """
        with self._lock:
            try:
                stream = self._opened(path)
                stream.seek(member.start)
                return read_array(stream, member.header, member.where)
            except _DAMAGE as error:
                raise _damaged(path, error) from None

    def close(self) -> None:
        """Closes the archive; the next read opens it again."""
        with self._lock:
            self._close()

    def _opened(self, path: Path) -> BinaryIO:
        key = os.getpid(), path
        if self._stream is None or self._key != key:  # a place in a file is shared after a fork
            self._close()
            self._key, self._stream = key, _decompressed(path)
            self._closer = weakref.finalize(self, self._stream.close)
        return self._stream

    def _close(self) -> None:
        if self._closer is not None:
            self._closer()
        self._key = self._stream = self._closer = None

    def __getstate__(self) -> dict[str, Any]:
        return {}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__init__()  # type: ignore[misc]


def _decompressed(path: Path) -> BinaryIO:
    with open(path, "rb") as file:
        head = file.read(5)
    for magic, opener in _OPENERS.items():
        if head.startswith(magic):
            return opener(path, "rb")
    return open(path, "rb")


def _damaged(path: Path, error: BaseException) -> InputError:
    if isinstance(error, InputError):  # it is a ValueError
        return error
    return InputError(f"{path} is no whole archive ({one_line(error)}): copy it anew")
