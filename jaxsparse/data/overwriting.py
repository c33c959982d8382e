"""Keeps what a program reads from being overwritten by what it writes."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

from jaxsparse.data.event_layout import partial_of
from jaxsparse.errors import InputError

_Path = str | os.PathLike[str]


def refuse_overwriting(name: str, out: _Path, inputs: Iterable[_Path]) -> None:
    """Refuses an output that is one of the inputs: by its name, or by a link of either.

    Args:
      name: of the setting, for the message.
      out: file to be written, by way of ``OUT.partial``.
      inputs: files to be read; those that do not exist are somebody else's to report.

    Raises:
      InputError: names both.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     place = Path(folder) / "a.h5"
    ...     place.touch()
    ...     refuse_overwriting("out", Path(folder) / "b.h5", [place])
    ...     try:
    ...         refuse_overwriting("out", Path(folder) / "." / "a.h5", [place])
    ...     except InputError as error:
    ...         print("would be overwritten" in str(error))
    True
    """
    written = [Path(out), partial_of(Path(out))]
    places = {_identity(path): path for path in written if os.path.exists(path)}
    if not places:
        return
    for path in inputs:
        found = places.get(_identity(Path(path))) if os.path.exists(path) else None
        if found is not None:
            raise InputError(
                f"{name} is {out}, but {found} is the input {path}, which would be overwritten: "
                "choose another name"
            )


def _identity(path: Path) -> tuple[int, int]:
    status = path.stat()
    return status.st_dev, status.st_ino
