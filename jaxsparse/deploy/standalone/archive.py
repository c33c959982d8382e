"""A model file as it lies on the disk, checked whole; needs Python alone."""

from __future__ import annotations

import hashlib
import io
import json
import os
import zipfile
import zlib
from pathlib import Path
from typing import Any, NamedTuple

from jaxsparse.deploy.standalone.error import ModelError, one_line

FORMAT = 2
FORMAT_WITHOUT_JOINER = 1  # which earlier readers know, too
CHECKSUM = 64  # hexadecimal digits that end every file, the SHA-256 of all bytes before


class Archive(NamedTuple):
    """A whole model file.

    Attributes:
      path: of it.
      members: what it is made of.
      manifest: all that it says of itself.
    """

    path: Path
    members: zipfile.ZipFile
    manifest: dict[str, Any]


def open_archive(path: str | os.PathLike[str] | None = None) -> Archive:
    """A model file, checked before anything in it is used.

    Args:
      path: of the file; by default the one that this package lies in.

    Raises:
      ModelError: no such file, a damaged one, or one of a later format.
    """
    path = Path(__file__).parents[1] if path is None else Path(path)
    try:
        data = path.read_bytes()
    except OSError as error:
        raise ModelError(f"{path} cannot be read ({error.strerror}): check the path") from None
    if hashlib.sha256(data[:-CHECKSUM]).hexdigest().encode() != data[-CHECKSUM:]:
        raise ModelError(
            f"{path} is damaged, or was not written by jaxsparse export: its checksum is "
            "another one, copy it again"
        )
    try:
        members = zipfile.ZipFile(io.BytesIO(data))
        manifest = json.loads(members.read("manifest.json"))
        newer = manifest["format"] > FORMAT
    except (zipfile.BadZipFile, zlib.error, LookupError, ValueError, TypeError) as error:
        raise no_model(path, error) from None
    if newer:
        raise ModelError(
            f"{path} has format {manifest['format']} but this reader knows {FORMAT}: take the one "
            "in that file, or of a newer jaxsparse"
        )
    return Archive(path, members, manifest)


def no_model(path: Path, error: Exception) -> ModelError:
    """What to say of a whole file that holds something else."""
    return ModelError(f"{path} is no model of format {FORMAT} or before ({one_line(error)})")
