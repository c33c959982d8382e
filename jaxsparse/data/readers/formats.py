"""The formats that can be read, a line each; which one a path holds; opening it."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import h5py

from jaxsparse.data.event_header import refuse_scores
from jaxsparse.data.readers import (
    dune_cvn,
    edep_sim,
    event_files,
    larcv3,
    nova_caf,
    nova_sparse,
    wire_cell,
)
from jaxsparse.data.readers.file_pool import find_files
from jaxsparse.data.readers.protocol import Option, Reader
from jaxsparse.data.unfinished import unreadable
from jaxsparse.errors import InputError

EVENTS = "events"  # our own event file
READERS: Mapping[str, Reader] = {
    "dune_cvn": dune_cvn.READER,
    "edep_sim": edep_sim.READER,
    EVENTS: event_files.READER,
    "larcv3": larcv3.READER,
    "nova_caf": nova_caf.READER,
    "nova_sparse": nova_sparse.READER,
    "wire_cell": wire_cell.READER,
}
PATTERNS = tuple(dict.fromkeys(name for reader in READERS.values() for name in reader.patterns))
KNOWN = ", ".join(reader.holds for reader in READERS.values())


def recognise(path: str | os.PathLike[str] | list[str]) -> str:
    """``"events"`` or a key of :data:`READERS`.

    Args:
      path: a file, a folder, a pattern, or a list; of many files the first is looked at.

    Raises:
      InputError: there is nothing, it cannot be read, or it is none of the known formats.
    """
    if isinstance(path, str | os.PathLike) and (name := _format_of_folder(Path(path))):
        return name
    first = find_files(path, "event", PATTERNS)[0]
    if not first.is_file():
        raise InputError(f"{first} is no file: give one, or a folder, of {KNOWN}")
    try:
        if not h5py.is_hdf5(first):
            return _format_of(first, None, "no HDF5 file")
        with h5py.File(first, "r") as file:
            refuse_scores(first, file)
            return _format_of(first, file, f"an HDF5 file with {', '.join(list(file)[:5])}")
    except OSError as error:
        raise unreadable(first, error) from None


def inputs_of(paths: Sequence[str | os.PathLike[str]]) -> list[Path]:
    """The files, and folders of a format of folders, that paths stand for, each one once.

    Args:
      paths: files, folders, patterns.

    Raises:
      InputError: one of them stands for nothing.
    """
    found: dict[Path, None] = {}
    for path in paths:
        whole = _format_of_folder(Path(path))
        found |= dict.fromkeys([Path(path)] if whole else find_files(path, "event", PATTERNS))
    return list(found)


def open_source(
    paths: str | os.PathLike[str] | Sequence[str], format: str, given: Mapping[str, Any]
) -> Any:
    """The source of a foreign format: of events, or of deposits where its reader says so.

    Args:
      paths: a file or folder; for a format of many files also a pattern or a list.
      format: a key of :data:`READERS`.
      given: options of the format by name.

    Raises:
      InputError: an unknown format, several paths where one must be, what the reader raises.
    """
    reader = reader_of(format)
    found = [paths] if isinstance(paths, str | os.PathLike) else list(paths)
    if not reader.many and len(found) != 1:
        raise InputError(f"{len(found)} inputs are given: {format} reads one at a time")
    return reader.open(found if reader.many else found[0], **given)


def reader_of(format: str) -> Reader:
    """The reader of a format."""
    if format not in READERS:
        raise InputError(f"format is {format!r}: must be one of {', '.join(READERS)}")
    return READERS[format]


def chosen_options(
    format: str, options: Sequence[Option], given: Mapping[str, Any]
) -> dict[str, Any]:
    """What was given of a format's options, and the defaults of the others.

    Args:
      format: for messages.
      options: of the format.
      given: by name; None, ``""`` and ``()`` are as if not given.

    Raises:
      InputError: something is given that the format has no option for.

    >>> chosen_options("toy", [Option("axes", "x,y", ""), Option("seed", 0, "")], {"seed": 4})
    {'axes': 'x,y', 'seed': 4}
    """
    names = [option.name for option in options]
    chosen = {name: value for name, value in given.items() if value not in (None, "", (), [])}
    for name, value in chosen.items():
        if name not in names:
            has = f"its options are {', '.join(names)}" if names else "it has none"
            raise InputError(
                f"{name} is {value!r}: {format} has no such option, {has}, leave it out"
            )
    return {option.name: chosen.get(option.name, option.default) for option in options}


def _format_of_folder(path: Path) -> str:
    """The format whose input is the folder itself; empty if there is none."""
    if path.is_dir():
        for name, reader in READERS.items():
            if not reader.patterns and reader.recognise(path, None):
                return name
    return ""


def _format_of(path: Path, file: h5py.File | None, what: str) -> str:
    for name, reader in READERS.items():
        if reader.patterns and reader.recognise(path, file):
            return name
    raise InputError(f"{path} is none of the formats known here ({what}): known are {KNOWN}")
