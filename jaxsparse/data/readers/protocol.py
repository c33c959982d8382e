"""What a reader of a foreign format is: how it is recognised and opened, and what it then gives.

A format is one module with a :class:`Reader`, named in one line of
:mod:`jaxsparse.data.readers.formats`; converting, inspecting, their flags and their messages follow
from it.
"""

from __future__ import annotations

import abc
import dataclasses
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from jaxsparse.data.deposits import Deposits
from jaxsparse.data.event_layout import AXES, VALUE_UNITS
from jaxsparse.data.readers.file_pool import HDF5
from jaxsparse.data.schema import Event


class EventSource(abc.ABC):
    """Random access to the events of foreign files; a reader derives from it.

    Opening checks the layout and reads little; an event is read and checked when it is asked for.
    A source is picklable, and serves several threads and forked processes.

    Attributes:
      files: what is read.
      detector: name.
      view_shapes: full image by view, the same for all events.
      axes, value_units: by view; as for wire planes and voxels if a reader says nothing.
      class_names: of pixel labels; empty if there are none.
      event_classes: of event labels; empty if there are none.
      stored_axes: order in which stored images were taken apart, where that is an option.
    """

    files: list[Path]
    detector: str
    view_shapes: Mapping[str, tuple[int, ...]]
    class_names: tuple[str, ...] = ()
    event_classes: tuple[str, ...] = ()
    stored_axes: str = ""

    @abc.abstractmethod
    def __len__(self) -> int: ...

    @abc.abstractmethod
    def __getitem__(self, index: int) -> Event: ...

    @property
    def axes(self) -> dict[str, tuple[str, ...]]:
        return {name: AXES[len(shape)] for name, shape in self.view_shapes.items()}

    @property
    def value_units(self) -> dict[str, str]:
        return {name: VALUE_UNITS[len(shape)] for name, shape in self.view_shapes.items()}

    @property
    def event_labels(self) -> np.ndarray:
        """int32 ``[events]``: class of every event, -1 for none."""
        return np.full(len(self), -1, np.int32)

    @property
    def event_energy(self) -> np.ndarray:
        """float32 ``[events]``: true energy of the neutrino, GeV; NaN where it is not known."""
        return np.full(len(self), np.nan, np.float32)

    def dead_wires(self, name: str) -> np.ndarray:
        """int32: numbers of the wires of a view that were not read out in any event."""
        return np.zeros(0, np.int32)

    def notes(self) -> list[str]:
        """What of the files did not fit together, in lines for a person."""
        return []


class DepositSource(abc.ABC):
    """Random access to energy deposits of foreign files, for a detector response.

    An item is the :class:`~jaxsparse.data.deposits.Deposits` of an event and its ``PARTICLE_DTYPE``
    table, where the source had them.

    Attributes:
      path: for messages.
      files: what is read.
      event_ids: the source's own event numbers.
    """

    path: Path
    files: list[Path]
    event_ids: np.ndarray

    def __len__(self) -> int:
        return len(self.event_ids)

    @abc.abstractmethod
    def __getitem__(self, index: int) -> tuple[Deposits, np.ndarray]: ...

    def notes(self) -> list[str]:
        """What of the files did not fit together, in lines for a person."""
        return []


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
