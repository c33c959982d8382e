"""The folder of a run's checkpoints: which are whole, and how one comes and goes in one piece.

``WORKDIR/checkpoints/N`` is the checkpoint of step N. A folder gets that name by a rename when it
is whole, and loses it by a rename before anything in it is deleted. So a process may be killed at
any moment, and may leave behind:

- ``N.new``: whole, about to become ``N``;
- ``N.old``: was ``N``, half deleted;
- ``*.orbax-checkpoint-tmp*``: half written.

``WORKDIR/damaged/N`` could not be read when the run was resumed; it is kept for the user to see.
"""

from __future__ import annotations

import os
import pathlib
import re
import shutil
import time

from jaxsparse.errors import InputError

FOLDER = "checkpoints"
DAMAGED = "damaged"
ITEMS = ("state", "progress", "config")  # folders that every checkpoint has
_COMMITTED = "_CHECKPOINT_METADATA"  # orbax writes it last, before it renames
_WRITING = "*.orbax-checkpoint-tmp*"
# TensorStore, with which orbax reads arrays, takes these for a pattern and for a separator.
_UNREADABLE = re.compile(r"\[.*\]" if os.sep == "\\" else r"\[.*\]|\\")


def is_checkpoint(path: pathlib.Path) -> bool:
    """Whether ``path`` is a whole checkpoint: the one definition.

    Half of one, which earlier versions could leave behind under its number, is none. Damage inside
    of a file is found by reading it.
    """
    name = path.name
    return (
        name.isdecimal()
        and name == str(int(name))
        and (path / _COMMITTED).is_file()
        and all((path / item).is_dir() for item in ITEMS)
    )


def checkpoint_steps(workdir: str | pathlib.Path) -> list[int]:
    """Steps that have a whole checkpoint in a work directory, in order; none where it has none."""
    folder = pathlib.Path(workdir) / FOLDER
    if not folder.is_dir():
        return []
    return sorted(int(path.name) for path in folder.iterdir() if is_checkpoint(path))


def check_path(workdir: str | pathlib.Path) -> None:
    """Refuses a work directory in which no checkpoint could be read again.

    Raises:
      InputError: its path has brackets around something, or a backslash that separates nothing.
    """
    path = str(pathlib.Path(workdir).resolve())
    found = _UNREADABLE.search(path)
    if found:
        raise InputError(
            f"workdir is {path}: checkpoints below {found.group()!r} could not be read again "
            "([...] and \\ are patterns to TensorStore), give or make a path without it."
        )


class CheckpointFolder:
    """Puts checkpoints into their places and takes them away; for one writing process at a time."""

    def __init__(self, workdir: str | pathlib.Path):
        """Args:
        workdir: of the run.
        """
        self.workdir = pathlib.Path(workdir).resolve()
        self.path = self.workdir / FOLDER

    @property
    def steps(self) -> list[int]:
        """Steps that have a whole checkpoint, in order."""
        return checkpoint_steps(self.workdir)

    @property
    def halves(self) -> list[int]:
        """Steps whose number a folder has that is no whole checkpoint, in order."""
        names = [path.name for path in self.path.iterdir() if path.name.isdecimal()]
        return sorted({int(name) for name in names if name == str(int(name))} - {*self.steps})

    def of(self, step: int) -> pathlib.Path:
        """Where the checkpoint of a step is."""
        return self.path / str(step)

    def new(self, step: int) -> pathlib.Path:
        """Where the checkpoint of a step is written before it is installed."""
        return self.path / f"{step}.new"

    def make(self) -> None:
        """Makes the folder, and ends what a killed process had begun."""
        self.path.mkdir(parents=True, exist_ok=True)
        for new in self.path.glob("*.new"):
            step = new.name.removesuffix(".new")
            if step.isdecimal() and not self.of(int(step)).exists():
                os.replace(new, self.of(int(step)))  # killed between the renames of ``install``
        self.discard(_WRITING, "*.new", "*.old")

    def install(self, step: int) -> None:
        """Gives the new checkpoint of a step its number, in the place of one that had it."""
        if self.of(step).exists():
            self._retire(step)
        os.replace(self.new(step), self.of(step))
        self.discard("*.old")

    def remove(self, step: int) -> None:
        """Deletes a checkpoint: first its number goes, then its files."""
        self._retire(step)
        self.discard("*.old")

    def set_aside(self, step: int) -> pathlib.Path:
        """Moves a damaged checkpoint out of the way and returns where it is now."""
        aside = self.workdir / DAMAGED
        aside.mkdir(exist_ok=True)
        place, number = aside / str(step), 2
        while place.exists():
            place, number = aside / f"{step}-{number}", number + 1
        os.replace(self.of(step), place)
        return place

    def abandon(self, step: int) -> None:
        """Removes what a failed save of a step has left."""
        self.discard(f"{step}.new{_WRITING[1:]}", f"{step}.new")

    def discard(self, *patterns: str, patience: float = 5.0) -> None:
        """Deletes what matches, also while threads that orbax started still write into it.

        One item of a checkpoint failed; the writers of the others may put a file into a directory
        that is just being emptied. So it is emptied until it is gone, for at most ``patience``
        seconds.
        """
        end = time.monotonic() + patience
        while left := [path for pattern in patterns for path in self.path.glob(pattern)]:
            for path in left:
                shutil.rmtree(path, ignore_errors=True)
            if time.monotonic() > end:
                return
            if any(path.exists() for path in left):
                time.sleep(0.05)

    def _retire(self, step: int) -> None:
        self.discard(f"{step}.old")  # of a process that was killed while it deleted the same step
        os.replace(self.of(step), self.path / f"{step}.old")
