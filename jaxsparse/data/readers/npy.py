"""Arrays in numpy's file format out of a stream: checked before they are read, never unpickled."""

from __future__ import annotations

import dataclasses
import math
import re
from typing import BinaryIO

import numpy as np

from jaxsparse.errors import InputError

LARGEST = 2**32  # bytes of an array
LONGEST_TEXT = 10_000  # bytes of a head; numpy's own limit
_DTYPE = re.compile(r"'descr': *'([<>|=][^']*)'")
_ORDER = re.compile(r"'fortran_order': *(True|False)")
_SHAPE = re.compile(r"'shape': *\(((?:\d{1,18}, *)*(?:\d{1,18})?)\)")
_NUMBERS = {"b1", *(f"{kind}{size}" for kind in "iu" for size in (1, 2, 4, 8)), "f2", "f4", "f8"}


@dataclasses.dataclass(frozen=True)
class NpyHeader:
    """What the head of an array says.

    Attributes:
      shape, dtype, fortran: of the array; ``fortran`` if its first axis is the fastest.
      offset: of its first byte.
    """

    shape: tuple[int, ...]
    dtype: np.dtype
    fortran: bool
    offset: int


def read_header(stream: BinaryIO, size: int, where: str) -> NpyHeader:
    """The head of an array, which the rest of ``size`` bytes must hold exactly.

    Args:
      stream: at the first byte of the head.
      size: bytes of head and array.
      where: for messages.

    Raises:
      InputError: it is no such head, the array is not of plain numbers, or has another size.

    >>> import io
    >>> stream = io.BytesIO()
    >>> np.save(stream, np.zeros((2, 3), np.float32))
    >>> size = stream.tell()
    >>> _ = stream.seek(0)
    >>> read_header(stream, size, "a.npy")
    NpyHeader(shape=(2, 3), dtype=dtype('float32'), fortran=False, offset=128)
    """
    start = stream.read(8)
    length = {b"\x01": 2, b"\x02": 4, b"\x03": 4}.get(start[6:7], 0)
    if start[:6] != b"\x93NUMPY" or not length:
        raise InputError(f"{where} is no array of numpy's: copy the file anew")
    length_bytes = stream.read(length)
    text_size = int.from_bytes(length_bytes, "little")
    offset = len(start) + length + text_size
    if text_size > LONGEST_TEXT or offset > size:
        raise InputError(f"{where} has a head of {offset} bytes: copy the file anew")
    text = stream.read(text_size).decode("latin-1")
    # The text is a Python dict, which is looked through, never evaluated.
    kind, fortran, shape = (pattern.search(text) for pattern in (_DTYPE, _ORDER, _SHAPE))
    if kind is None or fortran is None or shape is None or kind[1][1:] not in _NUMBERS:
        raise InputError(f"{where} must be an array of plain numbers: make the file anew")
    dtype = np.dtype(kind[1])
    sizes = tuple(int(number) for number in re.findall(r"\d+", shape[1]))
    expected = offset + math.prod(sizes) * dtype.itemsize
    if expected != size or size > LARGEST:
        raise InputError(
            f"{where} has {size} bytes: {dtype} of {sizes} must have {expected}, at most "
            f"{LARGEST}, copy the file anew"
        )
    return NpyHeader(sizes, dtype, fortran[1] == "True", offset)


def read_array(stream: BinaryIO, header: NpyHeader, where: str) -> np.ndarray:
    """The array, from a stream at its first byte; read-only.

    Raises:
      InputError: the stream ends before.
    """
    count = math.prod(header.shape)
    data = stream.read(count * header.dtype.itemsize)
    if len(data) != count * header.dtype.itemsize:
        raise InputError(f"{where} is cut off: copy the file anew")
    numbers = np.frombuffer(data, header.dtype)
    return (
        numbers.reshape(header.shape[::-1]).T if header.fortran else numbers.reshape(header.shape)
    )
