"""What a reader of a foreign format is: how it is recognised, opened, and which options it has.

What it gives is a source (:mod:`jaxsparse.data.source`): of events, or of energy deposits.

A format is one module with a :class:`Reader`, named in one line of
:mod:`jaxsparse.data.readers.formats`; converting, inspecting, their flags and their messages follow
from it.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py

from jaxsparse.data.readers.file_pool import HDF5


@dataclasses.dataclass(frozen=True)
class Option:
    """A choice that a format leaves open: an argument of its reader, a flag of the programs.

    Attributes:
      name: of the argument and of the flag; the same name is the same kind in every format.
      default: what holds if it is not given; its type is the kind of the option (text, number,
        whole number, tuple of texts).
      help: one line.
      low, high: bounds of a number, both inclusive; none if None.
    """

    name: str
    default: str | int | float | tuple[str, ...]
    help: str
    low: int | None = None
    high: int | None = None


@dataclasses.dataclass(frozen=True)
class Reader:
    """A foreign format.

    Attributes:
      holds: what its files are, for example ``"NOvA h5caf files (HDF5)"``.
      recognise: whether a path is of this format: gets the path, and the open file if it is HDF5.
      open: the source of a path, or of a list of files if ``many``; takes the options by name.
      options: what ``open`` takes beside.
      deposits: whether the source yields energy deposits and particles, for a detector response to
        make images of; else events.
      many: whether several files make one source.
      patterns: names of its files in a folder; none if the folder itself is the input.
      compression: that suits its events, see :class:`~jaxsparse.data.event_writer.EventWriter`.
      axes_remedy: what to do about images taken apart in another order than ``{order}``.
    """

    holds: str
    recognise: Callable[[Path, h5py.File | None], bool]
    open: Callable[..., Any]
    options: tuple[Option, ...] = ()
    deposits: bool = False
    many: bool = False
    patterns: tuple[str, ...] = HDF5
    compression: str = "gzip"
    axes_remedy: str = "make the file anew"
