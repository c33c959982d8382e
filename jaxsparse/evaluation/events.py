"""Which events of a file are evaluated, and what is known of them."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np
from ml_collections import ConfigDict

from jaxsparse.data.event_file import EventFile
from jaxsparse.data.fingerprint import fingerprint
from jaxsparse.data.partition import PARTS, select_events
from jaxsparse.data.pixels import Pixels
from jaxsparse.data.schema import NO_CLASS, Event
from jaxsparse.data.spread_out import spread_or_all
from jaxsparse.data.transforms import mask
from jaxsparse.errors import InputError
from jaxsparse.training.inputs import Input


class Unlabelled:
    """A file whose events have no class, seen as if none of them were known.

    Args:
      file: without names of event classes.
      classes: names to give.
    """

    def __init__(self, file: EventFile, classes: tuple[str, ...]):
        self._file = file
        self.event_classes = classes
        self.event_labels = np.full(len(file), NO_CLASS, np.int32)

    def __len__(self) -> int:
        return len(self._file)

    def __getitem__(self, index: int) -> Event:
        return self._file[index]

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):  # while unpickled there is no _file yet
            raise AttributeError(name)
        return getattr(self._file, name)


class Events:
    """The events of a file under the configuration of a trained classifier.

    Events of a class that the network does not know, or of none, are evaluated and count in no
    score.

    Args:
      path: an event file.
      config: of the checkpoint.
      trained_on: the training file; where ``config`` says it is, if None.
      part: see :class:`~jaxsparse.evaluation.options.Options`.
      num_events: only so many of the part, spread evenly over it; 0 for all.

    Attributes:
      source: the file.
      classes: names of the network's classes.
      numbers: int64 ``[events]``, of the evaluated events in the file, increasing.
      part: which part of the file they are.
      remark: what to say where nobody chose the part and it is not plain which it is; else empty.

    Raises:
      InputError: an unreadable file, a view or classes that the network does not have, a part of a
        configuration that splits nothing.
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        config: ConfigDict,
        *,
        trained_on: Input | None = None,
        part: str = "",
        num_events: int = 0,
    ):
        file = EventFile(path)
        self.config = config
        self.views = tuple(str(view) for view in config.data.views)
        for view in self.views:
            if view not in file.view_shapes:
                raise InputError(
                    f"data.views has {view!r} but {path} has {', '.join(file.view_shapes)}: give a "
                    "file of the detector that the network was trained for"
                )
        self.classes = _classes(file, config)
        self.source: Any = file if file.event_classes else Unlabelled(file, self.classes)
        split = tuple(config.data.split)
        split_one = bool(split) and not config.data.validation
        last = PARTS[len(split) - 1] if split else "all"
        its_file = trained_on or Input(os.path.abspath(config.data.train))
        moved = os.path.abspath(path) != its_file.path
        ask = split_one and not part  # else it is said already
        recognised = ask and _is_it(file, its_file, moved)
        self.part = part or (last if recognised else "all")
        self.remark = ""
        if recognised and moved:
            self.remark = (
                f"{path} has the events of {its_file.path}, which training split: only those of "
                f"part {last} are evaluated (--part=all takes all)."
            )
        elif ask and not recognised and file.event_classes:
            self.remark = (
                f"All events of {path} are evaluated, for it is not what {its_file.path} was, the "
                "file that training split: if it has events of that file, the network knows them, "
                f"and --part={last} takes those alone that were kept apart."
            )
        if self.part not in (*PARTS[: len(split)], "all"):
            have = ", ".join((*PARTS[: len(split)], "all"))
            raise InputError(f"--part={part}: it must be one of {have} in this work directory.")
        self.numbers = self._of_part(self.part)
        self.numbers = self.numbers[spread_or_all(len(self.numbers), num_events)]
        energy, topology = self.source.event_energy, self.source.topologies
        self.energy = np.asarray(energy, np.float32)[self.numbers]
        self.topology = tuple(topology[number] for number in self.numbers)

    def __len__(self) -> int:
        return len(self.numbers)

    @property
    def truth(self) -> np.ndarray:
        """int32 ``[events]``, place of the true class in ``classes``, -1 for none of them."""
        return self.truth_of(self.numbers)

    @property
    def training(self) -> np.ndarray:
        """Numbers of the events of this file that the configuration trained on."""
        numbers = self._of_part(PARTS[0])
        return numbers[self.truth_of(numbers) != NO_CLASS]

    def truth_of(self, numbers: np.ndarray) -> np.ndarray:
        """int32, true classes of any events of the file."""
        names = np.array([*self.source.event_classes, ""])
        places = {name: place for place, name in enumerate(self.classes)}
        lookup = np.array([places.get(str(name), NO_CLASS) for name in names], np.int32)
        return lookup[self.source.event_labels[numbers]]  # -1 points at the last, which is none

    def pixels(self, numbers: np.ndarray) -> list[Pixels]:
        """Images of any events of the file, one list a view: what passes the network's mask."""
        data, images = self.config.data, []
        for view in self.views:
            pixels = self.source.read_pixels(numbers, view, ())
            images.append(mask(pixels, data.low, data.high))
        return images

    def _of_part(self, part: str) -> np.ndarray:
        selection = select_events(
            self.source, views=self.views, classes=self.classes, keep_all=True,
            fractions=() if part == "all" else tuple(self.config.data.split),
            part=PARTS[0] if part == "all" else part,
        )  # fmt: skip
        return selection.events


def _classes(file: EventFile, config: ConfigDict) -> tuple[str, ...]:
    number = int(config.model.heads.event.num_classes)
    names = tuple(str(name) for name in config.data.classes) or _trained_on(config)
    names = names or tuple(file.event_classes)
    if not names:
        return tuple(f"class {label}" for label in range(number))
    if len(names) != number:
        raise InputError(
            f"{file.path} has {len(names)} event classes ({', '.join(names)}) but the network of "
            f"this work directory has {number}, evaluate it on data of its own classes."
        )
    return names


def _trained_on(config: ConfigDict) -> tuple[str, ...]:
    """Classes of the training file, if it is still there: older configs do not say them."""
    path = config.data.train
    if not path or not Path(path).is_file():
        return ()
    try:
        names = tuple(EventFile(path).event_classes)
    except InputError:  # what lies there now is no matter here
        return ()
    return names if len(names) == int(config.model.heads.event.num_classes) else ()


def _is_it(file: EventFile, its_file: Input, moved: bool) -> bool:
    """Whether ``file`` is what training split.

    Older work directories know its place alone: then a file in another place is compared with what
    lies there now.
    """
    if its_file.content:
        return fingerprint(file) == its_file.content
    if not moved:
        return True
    try:
        return fingerprint(file) == fingerprint(EventFile(its_file.path))
    except InputError:  # what lies there now is no matter here
        return False
