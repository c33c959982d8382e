"""Small files that are there whole or not at all, whenever the process is killed."""

from __future__ import annotations

import os
from pathlib import Path


def write_whole(path: str | os.PathLike[str], content: str | bytes) -> None:
    """Writes a file; one that was there stays until the new one is on the disk.

    Args:
      path: of the file; its folder must exist. ``PATH.partial`` is used on the way.
      content: text, which is written as UTF-8, or bytes.

    Raises:
      OSError: it cannot be written; what was there is as it was.
    """
    path = Path(path)
    partial = path.with_name(path.name + ".partial")
    data = content.encode() if isinstance(content, str) else content
    with partial.open("wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    os.replace(partial, path)
