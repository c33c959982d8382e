"""A small disk to fill."""

from __future__ import annotations

import contextlib
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

FILLER = "filler"


class Unavailable(Exception):
    """Why a fault cannot be made on this computer."""


@contextlib.contextmanager
def small_disk(folder: Path, megabytes: int) -> Iterator[Path]:
    """Mounts a file system in memory at ``folder``.

    Raises:
      Unavailable: mounting is not allowed here.
    """
    folder.mkdir(parents=True, exist_ok=True)
    options = ["-t", "tmpfs", "-o", f"size={megabytes}m", "tmpfs", str(folder)]
    if not shutil.which("mount"):
        raise Unavailable("there is no program named mount")
    made = subprocess.run(["mount", *options], capture_output=True, text=True)
    if made.returncode:
        raise Unavailable(f"mounting is not allowed: {made.stderr.strip()}")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)


def fill(disk: Path, leave: int = 0) -> None:
    """Fills a small disk but for ``leave`` bytes; ``empty`` takes that back."""
    with contextlib.suppress(OSError), (disk / FILLER).open("wb", buffering=0) as file:
        while file.write(bytes(4096)):
            pass
    size = (disk / FILLER).stat().st_size
    with (disk / FILLER).open("rb+") as file:
        file.truncate(max(0, size - leave))


def empty(disk: Path) -> None:
    """Makes room again."""
    (disk / FILLER).unlink(missing_ok=True)
