"""Runs a program that kills itself right before the N-th time it changes its work directory.

    python -m benchmarks.kills.doomed WORKDIR KIND NUMBER PROGRAM ARGUMENTS...

Moments chosen by the clock rarely meet the microseconds between two file operations. Python tells
an audit hook of every file that is opened for writing, made, renamed or removed, by whichever
library and thread: KIND is ``open``, ``mkdir``, ``rename``, ``remove``, ``any``, or ``save`` for
any below ``checkpoints``. Nothing can catch SIGKILL, so it is the same whoever sends it. The place
of the kill is the last line of standard output.
"""

from __future__ import annotations

import os
import runpy
import signal
import sys
import threading
from typing import Any

_ANY = ("open", "os.mkdir", "os.rename", "os.remove", "os.rmdir")
KINDS = {
    "open": ("open",),
    "mkdir": ("os.mkdir",),
    "rename": ("os.rename",),
    "remove": ("os.remove", "os.rmdir"),
    "any": _ANY,
    "save": _ANY,
}
_WRITES = os.O_WRONLY | os.O_RDWR | os.O_CREAT
KILLED_BEFORE = "killed before "


class Doom:
    """The audit hook: counts operations, and ends the process at the last of them."""

    def __init__(self, folder: str, kind: str, number: int):
        self.workdir, self.events, self.left = os.path.abspath(folder), KINDS[kind], number
        self.folder = os.path.join(self.workdir, "checkpoints") if kind == "save" else self.workdir
        self._counting = threading.Lock()

    def __call__(self, event: str, arguments: tuple[Any, ...]) -> None:
        """Called by Python before every operation that it audits."""
        if event not in self.events or not self._concerns(event, arguments):
            return
        with self._counting:  # two threads write a checkpoint; the count must end exactly once
            self.left -= 1
            if self.left == 0:
                place = f"{KILLED_BEFORE}{event} {arguments[0]}\n".replace(self.workdir, "WORKDIR")
                os.write(sys.__stdout__.fileno(), place.encode())  # type: ignore[union-attr]
                os.kill(os.getpid(), signal.SIGKILL)

    def _concerns(self, event: str, arguments: tuple[Any, ...]) -> bool:
        path = arguments[0]
        if not isinstance(path, str | os.PathLike):
            return False
        if event == "open":
            return self._inside(path) and bool((arguments[2] or 0) & _WRITES)
        # shutil.rmtree names what it removes relative to the folder that it has open.
        relative = event in ("os.remove", "os.rmdir") and arguments[1] != -1
        return relative or self._inside(path)

    def _inside(self, path: Any) -> bool:
        return os.path.abspath(os.fspath(path)).startswith(self.folder)


def main() -> None:
    """See the module."""
    folder, kind, number, *program = sys.argv[1:]
    sys.addaudithook(Doom(folder, kind, int(number)))
    sys.argv = program
    runpy.run_path(program[0], run_name="__main__")


if __name__ == "__main__":
    main()
