"""Arrays in numpy's file format out of a stream: checked before they are read, never unpickled."""

from __future__ import annotations

import dataclasses
import math
from typing import BinaryIO

import numpy as np

from jaxsparse.errors import InputError, one_line

LARGEST = 2**32  # bytes of an array


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
    """
    start = stream.tell()
    try:
        version = np.lib.format.read_magic(stream)
        if version not in ((1, 0), (2, 0)):
            raise ValueError(f"version {version} of the format is not known here")
        read = (
            np.lib.format.read_array_header_1_0
            if version == (1, 0)
            else np.lib.format.read_array_header_2_0
        )
        shape, fortran, dtype = read(stream)
    except (ValueError, TypeError, EOFError, SyntaxError) as error:
        raise InputError(
            f"{where} is no array of numpy's ({one_line(error)}): copy the file anew"
        ) from None
    offset = stream.tell() - start
    if dtype.kind not in "iufb" or dtype.shape:
        raise InputError(f"{where} is {dtype}: must be plain numbers, make the file anew")
    expected = offset + math.prod(shape) * dtype.itemsize
    if min(shape, default=1) < 0 or expected != size or size > LARGEST:
        raise InputError(
            f"{where} has {size} bytes: {dtype} of {shape} must have {expected}, at most "
            f"{LARGEST}, copy the file anew"
        )
    return NpyHeader(shape, dtype, bool(fortran), offset)


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
