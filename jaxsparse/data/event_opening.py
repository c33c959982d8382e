"""Whether a whole event file is at a path, and its header."""

from __future__ import annotations

import os
from pathlib import Path

import h5py

from jaxsparse.data.column_reader import Identity, identity_of
from jaxsparse.data.event_header import REMEDY, EventHeader, read_header
from jaxsparse.data.event_layout import PARTIAL_SUFFIX, partial_of
from jaxsparse.data.unfinished import refuse_unfinished, unreadable
from jaxsparse.errors import InputError, one_line
from jaxsparse.file_lock import is_locked
from jaxsparse.paths import join_command, near_file

_OF_DAMAGE = (
    OSError, RuntimeError, LookupError, TypeError, ValueError, OverflowError, MemoryError
)  # fmt: skip


def open_header(path: Path) -> tuple[EventHeader, Identity]:
    """The header of an event file, and which file it was read from.

    Raises:
      InputError: no such file, one that is being written, one that was cut off, or one that breaks
        a rule of the layout.
    """
    _require(path)
    try:
        identity = identity_of(os.stat(path))
        with h5py.File(path, "r") as file:
            try:
                return read_header(path, file), identity
            except InputError:
                raise
            except _OF_DAMAGE as error:
                raise InputError(f"{path} is damaged ({one_line(error)}): {REMEDY}") from None
    except OSError as error:
        raise unreadable(path, error) from None


def file_path(path: str | os.PathLike[str]) -> Path:
    """What is given as the path of one event file.

    Raises:
      InputError: it is none, for example a list of paths.
    """
    try:
        return Path(path)
    except TypeError:
        several = path if isinstance(path, list | tuple) and path else ["jobs/*.h5"]
        raise InputError(
            f"path is {path!r:.60}: give one path, join several files by {join_command(*several)}"
        ) from None


def _require(path: Path) -> None:
    """Says of a path without a whole file what is there."""
    if path.is_dir():
        raise InputError(
            f"{path} is a folder: give an event file, join several by {join_command(path)}"
        )
    if path.name.endswith(PARTIAL_SUFFIX) and is_locked(path):
        raise InputError(f"{path} is being written by another program: wait for its end")
    if not path.exists():
        partial = partial_of(path)
        hint = near_file(path) or "check the path, or make it with jaxsparse simulate"
        refuse_unfinished(path)
        if os.path.exists(partial):  # also of a name too long to have one
            hint = f"{partial.name} is left of a program that did not end, make it again"
        if parts := _several(path):
            hint = f"give one event file, join several by {join_command(*parts)}"
        raise InputError(f"{path} does not exist: {hint}")


def _several(path: Path) -> list[str]:
    """What a path that does not exist lists, if it looks like a pattern or a list.

    >>> _several(Path("a.h5,b.h5")), _several(Path("job*.h5")), _several(Path("job.h5"))
    (['a.h5', 'b.h5'], ['job*.h5'], [])
    """
    parts = [part.strip() for part in str(path).split(",") if part.strip()]
    return parts if len(parts) > 1 or any(mark in str(path) for mark in "*?[") else []
