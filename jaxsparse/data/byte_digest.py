"""Files in one word by their bytes: the same for copies, whatever their names and dates."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Sequence

from jaxsparse.errors import InputError, reason


def byte_digest(files: Sequence[str | os.PathLike[str]]) -> str:
    """32 hexadecimal digits of the sizes and all bytes of files, about a second a gigabyte.

    Raises:
      InputError: a file cannot be read.
    """
    digest = hashlib.blake2b(digest_size=16)
    try:
        digest.update(repr([os.path.getsize(path) for path in files]).encode())
        for path in files:
            with open(path, "rb") as file:
                digest.update(hashlib.file_digest(file, _blake2b).digest())
    except OSError as error:
        raise InputError(
            f"{error.filename or files[0]} cannot be read ({reason(error)}): copy it anew, or "
            "leave it out"
        ) from None
    return digest.hexdigest()


def _blake2b() -> hashlib.blake2b:
    return hashlib.blake2b(digest_size=16)
