"""A few open HDF5 files out of many, for sources that are forked, pickled and shared by threads."""

from __future__ import annotations

import contextlib
import os
import threading
from collections import OrderedDict
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import h5py

from jaxsparse.data.unfinished import refuse_unfinished
from jaxsparse.errors import InputError, one_line
from jaxsparse.paths import near_file

HDF5 = ("*.h5", "*.hdf5")
OPEN_FILES = 16
# A chunk of pixel maps is a few MB: HDF5's own cache of 1 MB would unpack it anew for every row.
CACHE_BYTES = 32 * 2**20


class FilePool:
    """Opens files when they are read, at most :data:`OPEN_FILES` at a time; one reader at a time.

    A forked or unpickled copy opens its own handles.
    """

    def __init__(self) -> None:
        self._lock = threading.RLock()
        self._process = os.getpid()
        self._files: OrderedDict[Path, h5py.File] = OrderedDict()

    @contextlib.contextmanager
    def reading(self, path: Path) -> Iterator[h5py.File]:
        """The open file; whatever HDF5 finds wrong with it becomes one line.

        Raises:
          InputError: it cannot be opened, or what is read from it is damaged.
        """
        with self._lock:
            try:
                yield self._open(path)
            except (OSError, RuntimeError) as error:
                text = one_line(error)
                raise InputError(
                    f"{path} cannot be read as HDF5 ({text}): copy it anew, or leave it out"
                ) from None

    def close(self) -> None:
        """Closes all files; the next read opens them again."""
        with self._lock:
            if self._process == os.getpid():
                for file in self._files.values():
                    file.close()
            self._files.clear()

    def _open(self, path: Path) -> h5py.File:
        if self._process != os.getpid():  # handles of the process before a fork are not ours
            self._files.clear()
            self._process = os.getpid()
        if path not in self._files:
            self._files[path] = h5py.File(path, "r", rdcc_nbytes=CACHE_BYTES)
            while len(self._files) > OPEN_FILES:
                self._files.popitem(last=False)[1].close()
        self._files.move_to_end(path)
        return self._files[path]

    def __getstate__(self) -> dict[str, Any]:
        return {}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__init__()  # type: ignore[misc]


def find_files(
    paths: str | os.PathLike[str] | list[str], what: str, patterns: Sequence[str] = HDF5
) -> list[Path]:
    """Files that a path, a pattern, a folder, or a list of these stands for, each one once.

    Args:
      paths: a file, a pattern such as ``data/*.h5``, a folder, or a list of these.
      what: for messages, for example ``"NOvA h5caf"``.
      patterns: names of the files of a folder.

    Raises:
      InputError: there is none.
    """
    found: dict[Path, None] = {}
    given = [paths] if isinstance(paths, str | os.PathLike) else list(paths)
    for entry in given:
        path = Path(entry)
        if path.is_dir():
            some = sorted({file for pattern in patterns for file in path.glob(pattern)})
        elif path.exists():
            some = [path]
        else:
            some = _matching(path)
        if not some:
            refuse_unfinished(path)
            near = near_file(path) or "give one"
            raise InputError(f"{entry} is no file, pattern or folder of {what} files: {near}")
        found |= dict.fromkeys(some)
    if not found:
        raise InputError(f"no {what} file is given: give a file, a pattern or a folder")
    return list(found)


def _matching(pattern: Path) -> list[Path]:
    """Files of a pattern; folders above it that exist are names, whatever signs they contain."""
    folder = Path(pattern.anchor or ".")
    parts = list(pattern.relative_to(pattern.anchor).parts)
    while parts and (folder / parts[0]).is_dir():
        folder /= parts.pop(0)
    return sorted(folder.glob(str(Path(*parts)))) if parts else []
