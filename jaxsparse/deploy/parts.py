"""The finished parts of a long run, in a folder beside its result: each is whole or not there.

Parts are named by the numbers of their first event and of that after their last. ``run.json`` says
what the run is, so that parts of another one are not taken for its own.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from jaxsparse.data.partial_hdf5 import PartialHdf5
from jaxsparse.errors import InputError, one_line, reason
from jaxsparse.file_lock import FileLock
from jaxsparse.whole_file import whole_file

SUFFIX = ".parts"
_NOTE, _LOCK = "run.json", "lock"
_PART = re.compile(r"(\d{12})-(\d{12})\.h5")


class Parts:
    """The parts of a run, of which one program at a time adds some.

    Args:
      out: the result to be.
      run: what it depends on, by name, as JSON can hold it.
      total: events of the run.

    Attributes:
      folder: where they are, ``OUT.parts``.

    Raises:
      InputError: the folder cannot be written, is another program's, or holds parts of another
        run.
    """

    def __init__(self, out: Path, run: Mapping[str, Any], total: int):
        self.folder = out.with_name(out.name + SUFFIX)
        self._total = total
        places = (self.folder, *self.folder.parents)
        self._made = [place for place in places if not os.path.exists(place)]
        self._lock: FileLock | None = None
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            self._lock = FileLock(self.folder / _LOCK)
            self._claim(out, json.loads(json.dumps(run)))
        except BlockingIOError:
            raise InputError(
                f"{self.folder} is in use: another program makes {out.name}, wait for its end or "
                "choose another name"
            ) from None
        except OSError as error:
            self.close()
            raise InputError(
                f"out is {out}: {self.folder} cannot be written ({reason(error)}), choose another "
                "place"
            ) from None
        except BaseException:
            self.close()
            raise

    def missing(self) -> list[range]:
        """Numbers of the events that are in no part."""
        gaps, end = [], 0
        for part in self._ranges():
            if part.start < end:
                raise InputError(
                    f"{self.folder} has two parts with event {part.start}: delete the folder"
                )
            gaps.append(range(end, part.start))
            end = part.stop
        return [gap for gap in (*gaps, range(end, self._total)) if gap]

    def write(self, events: range, columns: Mapping[str, np.ndarray]) -> None:
        """Adds a part.

        Args:
          events: whose rows they are; not empty.
          columns: by name; the same names in every part.

        Raises:
          InputError: the disk is full.
        """

        def begin(file: h5py.File) -> None:
            for name, rows in columns.items():
                summed: dict[str, Any] = {"chunks": True, "fletcher32": True} if len(rows) else {}
                file.create_dataset(name, data=rows, **summed)

        PartialHdf5(self._path(events), begin).end(None)

    def slabs(self, name: str, size: int) -> Iterator[np.ndarray]:
        """A column of all events, ``size`` rows at a time, whatever the parts are.

        Raises:
          InputError: a part is damaged.
        """
        waiting: list[np.ndarray] = []
        count = 0
        for rows in self._pieces(name, size):
            while count + len(rows) >= size:
                room = size - count
                yield np.concatenate([*waiting, rows[:room]])
                waiting, count, rows = [], 0, rows[room:]
            waiting, count = [*waiting, rows], count + len(rows)
        if count:
            yield np.concatenate(waiting)

    def remove(self) -> None:
        """Deletes all parts, when the result has its name."""
        for path in self._all():
            path.unlink(missing_ok=True)
        self.close()

    def close(self) -> None:
        """Lets other programs have the folder; without a part in it it vanishes."""
        if self._lock is None:
            made = self._made
        elif self._is_empty():
            for path in (*self._all(), self.folder / _NOTE, self.folder / _LOCK):
                with suppress(OSError):
                    path.unlink(missing_ok=True)
            made = [self.folder, *self._made[1:]]
        else:
            made = []
        if self._lock is not None:
            self._lock.release()
            self._lock = None
        for place in made:
            with suppress(OSError):  # somebody's files are in it
                place.rmdir()
        self._made = []

    def _is_empty(self) -> bool:
        try:
            return not self._ranges()
        except OSError:  # somebody deleted the folder
            return False

    def _claim(self, out: Path, run: dict[str, Any]) -> None:
        note = self.folder / _NOTE
        there = None
        if note.exists():
            with suppress(ValueError):
                there = json.loads(note.read_text(encoding="utf-8"))
            there = there if isinstance(there, dict) else {}
        if there is None or not self._ranges():
            with whole_file(note, "out") as partial:
                partial.write_text(json.dumps(run, indent=1), encoding="utf-8")
        elif different := [name for name in run if there.get(name) != run[name]]:
            raise InputError(
                f"{self.folder} holds parts of another run ({', '.join(different)}: not those of "
                f"this command): give that command again, delete the folder, or choose another "
                f"name than {out.name}"
            )

    def _ranges(self) -> list[range]:
        return sorted(
            (
                range(int(match[1]), int(match[2]))
                for name in os.listdir(self.folder)
                if (match := _PART.fullmatch(name))
            ),
            key=lambda part: part.start,
        )

    def _all(self) -> Iterable[Path]:
        """Files of parts, and what was left of one by a program that was killed."""
        return [
            self.folder / name
            for name in os.listdir(self.folder)
            if _PART.fullmatch(name.removesuffix(".partial"))
        ]

    def _path(self, events: range) -> Path:
        return self.folder / f"{events.start:012d}-{events.stop:012d}.h5"

    def _pieces(self, name: str, size: int) -> Iterator[np.ndarray]:
        for events in self._ranges():
            path = self._path(events)
            try:
                with h5py.File(path) as file:
                    rows = file[name]
                    for start in range(0, len(rows), size):
                        yield rows[start : start + size]
            except (OSError, KeyError, RuntimeError, ValueError) as error:
                raise InputError(
                    f"{path} is damaged ({one_line(error)}): delete it, the same command makes it "
                    "anew"
                ) from None
