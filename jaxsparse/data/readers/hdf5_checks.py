"""Checks of foreign HDF5 tables before anything of them is used."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import h5py
import numpy as np

from jaxsparse.errors import InputError

# What a field of a table may be: numpy kinds, and the shape of one entry.
Field = tuple[str, tuple[int, ...]]
WHOLE: Field = ("iu", ())
REAL: Field = ("f", ())
_KINDS = {"i": "int", "u": "unsigned int", "f": "float", "b": "bool", "S": "text", "V": "compound"}


def checked_dataset(
    file: h5py.File, name: str, path: Path, *, kinds: str, rows: int | None = None, width: int = 1
) -> h5py.Dataset:
    """The dataset, if it is there, in this file, and has the type and shape it must have.

    Args:
      file: open file.
      name: path of the dataset.
      path: of the file, for messages.
      kinds: numpy kinds that it may be of, for example ``"iu"``.
      rows: length that it must have; any if None.
      width: numbers in a row; with 1 both ``[rows]`` and ``[rows, 1]`` are legal.

    Raises:
      InputError: names the file, the dataset, what it is and what it must be.
    """
    dataset = _own_dataset(file, name, path)
    if dataset.dtype.kind not in kinds:
        names = " or ".join(_KINDS[kind] for kind in kinds)
        raise InputError(f"{path}: {name} is {dataset.dtype}, must be {names}: convert it anew")
    tails = [(1,), ()] if width == 1 else [(width,)]
    if dataset.ndim == 0 or dataset.shape[1:] not in tails:
        raise InputError(
            f"{path}: {name} has shape {dataset.shape}, must be [rows, {width}]: convert it anew"
        )
    if rows is not None and len(dataset) != rows:
        raise InputError(
            f"{path}: {name} has {len(dataset)} rows, the other columns {rows}: tables must be "
            "whole, copy or convert it anew"
        )
    return dataset


def checked_table(
    file: h5py.File, name: str, path: Path, fields: Mapping[str, Field], *, rows: int | None = None
) -> h5py.Dataset:
    """A table, a flat dataset of a compound type, if it has the fields; others do not matter.

    Args:
      file, name, path, rows: as of :func:`checked_dataset`.
      fields: what the fields must be, by name.

    Raises:
      InputError: names the file, the table, the field, what it is and what it must be.
    """
    table = _own_dataset(file, name, path)
    if table.dtype.names is None or table.ndim != 1:
        raise InputError(
            f"{path}: {name} is no table (a flat dataset of a compound type): give one"
        )
    for field, (kinds, shape) in fields.items():
        if field not in table.dtype.names:
            raise InputError(f"{path}: table {name} has no field {field}: convert it anew")
        found = table.dtype[field]
        if found.base.kind not in kinds or found.shape != shape:
            names = " or ".join(_KINDS[kind] for kind in kinds)
            raise InputError(
                f"{path}: {name}.{field} is {found}, must be {names}"
                f"{f' by {shape[0]}' if shape else ''}: convert it anew"
            )
    if rows is not None and len(table) != rows:
        raise InputError(
            f"{path}: table {name} has {len(table)} rows, must have {rows}: copy or convert it anew"
        )
    return table


def _own_dataset(file: h5py.File, name: str, path: Path) -> h5py.Dataset:
    dataset = file.get(name)
    if not isinstance(dataset, h5py.Dataset):
        raise InputError(f"{path} has no dataset {name}: give a file that has it")
    # A link or a virtual dataset could make us read another file of the user's.
    if dataset.file != file or dataset.is_virtual or dataset.external:
        raise InputError(f"{path}: {name} points outside the file: copy the data into it")
    return dataset


def read_flat(dataset: h5py.Dataset) -> np.ndarray:
    """A column of single numbers, whether stored as ``[rows]`` or ``[rows, 1]``."""
    return dataset[:].reshape(-1)
