"""Attributes of HDF5 files, however their writer stored them.

One text may be a variable or a fixed number of bytes, padded with zeros or blanks, ASCII or UTF-8,
alone or an array of one; HDF5 libraries of other languages prefer other kinds than h5py.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import h5py
import numpy as np


def read_text(attributes: Mapping[str, Any], name: str, default: str | None = None) -> str:
    """One text.

    Args:
      attributes: of a file, group or dataset.
      name: of the attribute.
      default: where there is no attribute; None if it must be there.

    Raises:
      KeyError: it is missing.
      ValueError: it is no text, or several.

    >>> read_text({"a": np.bytes_(b"ADC"), "b": np.array(["MeV"])}, "a")
    'ADC'
    """
    if default is not None and name not in attributes:
        return default
    texts = read_texts(attributes, name)
    if len(texts) != 1:
        raise ValueError(f"attribute {name} holds {len(texts)} texts, must be one")
    return texts[0]


def read_texts(
    attributes: Mapping[str, Any], name: str, default: tuple[str, ...] | None = None
) -> tuple[str, ...]:
    """A list of texts, which may be empty; arguments and errors as of :func:`read_text`.

    >>> read_texts({"names": np.array([b"HIP", b"MIP"])}, "names")
    ('HIP', 'MIP')
    """
    if default is not None and name not in attributes:
        return default
    value = attributes[name]
    if isinstance(value, h5py.Empty):
        return ()
    return tuple(_text(entry, name) for entry in np.asarray(value).reshape(-1).tolist())


def says(attributes: Mapping[str, Any], name: str, text: str) -> bool:
    """Whether an attribute is there and is this text; raises nothing.

    >>> says({"format": b"jaxsparse-events"}, "format", "jaxsparse-events"), says({}, "format", "")
    (True, False)
    """
    try:
        return read_text(attributes, name) == text
    except (KeyError, ValueError):
        return False


def read_whole(attributes: Mapping[str, Any], name: str) -> int:
    """One whole number; errors as of :func:`read_text`.

    >>> read_whole({"num_events": np.array([3], np.int32)}, "num_events")
    3
    """
    numbers = read_wholes(attributes, name)
    if len(numbers) != 1:
        raise ValueError(f"attribute {name} holds {len(numbers)} numbers, must be one")
    return numbers[0]


def read_wholes(attributes: Mapping[str, Any], name: str) -> tuple[int, ...]:
    """A list of whole numbers; errors as of :func:`read_text`."""
    values = np.asarray(attributes[name])
    if values.dtype.kind not in "iu":
        raise ValueError(f"attribute {name} is {values.dtype}, must be whole numbers")
    return tuple(values.reshape(-1).tolist())


def _text(entry: Any, name: str) -> str:
    if isinstance(entry, str):  # h5py keeps bytes that are no UTF-8 as lone surrogates
        entry = entry.encode(errors="surrogateescape")
    if not isinstance(entry, bytes):
        raise ValueError(f"attribute {name} is no text")
    return entry.decode(errors="replace")
