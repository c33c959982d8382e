"""Which format a path holds, from what is in it, and the source that reads it."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Protocol

import h5py
import numpy as np

from jaxsparse.data.event_layout import FORMAT_NAME
from jaxsparse.data.hdf5_attributes import says
from jaxsparse.data.readers.dune_cvn import DuneCvnSource
from jaxsparse.data.readers.file_pool import find_files
from jaxsparse.data.readers.nova_caf import AXES, MAPS, NovaCafSource
from jaxsparse.data.readers.nova_sparse import INDEX, NovaSparseSource
from jaxsparse.data.schema import Event
from jaxsparse.detectors.dune import DUNE_EVENT_CLASSES
from jaxsparse.errors import InputError, one_line

EVENTS = "events"  # our own event file
PIXEL_MAP_FORMATS = ("dune_cvn", "nova_caf", "nova_sparse")


# What to do about maps that were taken apart in a wrong order, by format.
AXES_REMEDIES = {
    "nova_caf": "try --axes={order}",
    "nova_sparse": "the file's flat index is in another order, make it anew",
}


class PixelMapSource(Protocol):
    """What all readers of pixel maps have; see :class:`NovaCafSource` for an example."""

    @property
    def detector(self) -> str: ...
    @property
    def axes_names(self) -> tuple[str, ...]: ...
    @property
    def value_unit(self) -> str: ...
    @property
    def class_names(self) -> tuple[str, ...]: ...
    @property
    def event_classes(self) -> tuple[str, ...]: ...
    @property
    def view_shapes(self) -> dict[str, tuple[int, int]]: ...
    @property
    def event_labels(self) -> np.ndarray: ...
    @property
    def event_energy(self) -> np.ndarray: ...
    def notes(self) -> list[str]: ...
    def __len__(self) -> int: ...
    def __getitem__(self, index: int) -> Event: ...


def recognise(path: str | os.PathLike[str] | list[str]) -> str:
    """``"events"``, ``"edep_sim"`` or one of :data:`PIXEL_MAP_FORMATS`.

    Args:
      path: a file, a folder, a pattern, or a list; of many files the first is looked at.

    Raises:
      InputError: there is nothing, it is no HDF5, or none of the known formats.
    """
    folder = Path(path) if isinstance(path, str | os.PathLike) else None
    if folder is not None and any((folder / name).is_dir() for name in DUNE_EVENT_CLASSES):
        return "dune_cvn"
    first = find_files(path, "event, NOvA or edep-sim HDF5")[0]
    try:
        with h5py.File(first, "r") as file:
            if says(file.attrs, "format", FORMAT_NAME):
                return EVENTS
            for name, has in (("nova_caf", MAPS), ("nova_sparse", INDEX), ("edep_sim", "segments")):
                if has in file:
                    return name
            raise InputError(
                f"{first} is none of the formats known here (it has {', '.join(list(file)[:5])}): "
                f"give an event file, a NOvA file with {MAPS} or {INDEX}, an edep-sim file, or a "
                "folder of DUNE pixel maps"
            )
    except OSError as error:
        text = one_line(error)
        what = "cut off" if "truncated" in text else "no readable HDF5 file"
        raise InputError(f"{first} is {what} ({text}): copy it or make it again") from None


def open_pixel_maps(
    path: str | os.PathLike[str] | list[str], format: str, *, axes: str = ""
) -> PixelMapSource:
    """The source of a format of :data:`PIXEL_MAP_FORMATS`.

    Args:
      path: a file or folder; for ``nova_caf`` also a pattern or a list.
      format: see above.
      axes: of ``nova_caf``: see :class:`NovaCafSource`; empty for the usual order.

    Raises:
      InputError: an unknown format, several paths where one must be, axes where there is no choice,
        what the reader raises.
    """
    if format == "nova_caf":
        return NovaCafSource(path, axes=axes or AXES)
    if axes:
        raise InputError(
            f"axes is {axes!r}: only nova_caf leaves the order open, {format} has one, leave it out"
        )
    if isinstance(path, list):
        if len(path) != 1:
            raise InputError(f"{len(path)} inputs are given: {format} reads one at a time")
        path = path[0]
    if format == "nova_sparse":
        return NovaSparseSource(path)
    if format == "dune_cvn":
        return DuneCvnSource(path)
    raise InputError(f"format is {format!r}: must be one of {', '.join(PIXEL_MAP_FORMATS)}")
