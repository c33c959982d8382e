"""Files in one word by their bytes: the same for copies, whatever their names and dates."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Sequence

from jaxsparse.data.spread_out import spread_out
from jaxsparse.errors import InputError, reason

FILES, PIECES, PIECE = 64, 64, 1 << 16  # looked at: so many, of each so many, of so many bytes


def byte_digest(files: Sequence[str | os.PathLike[str]]) -> str:
    """32 hexadecimal digits of the sizes of files and of pieces spread evenly over them.

    Four megabytes are read of a large file, and 64 files of many. A change between the pieces is
    not seen.

    Raises:
      InputError: a file cannot be read.
    """
    digest = hashlib.blake2b(digest_size=16)
    try:
        sizes = [os.path.getsize(path) for path in files]
        digest.update(repr(sizes).encode())
        for number in spread_out(len(files), FILES).tolist():
            with open(files[number], "rb") as file:
                for piece in spread_out(-(-sizes[number] // PIECE), PIECES).tolist():
                    file.seek(piece * PIECE)
                    digest.update(file.read(PIECE))
    except OSError as error:
        raise InputError(
            f"{error.filename or files[0]} cannot be read ({reason(error)}): copy it anew, or "
            "leave it out"
        ) from None
    return digest.hexdigest()
