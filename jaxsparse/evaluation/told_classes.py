"""Which classes a network tells, by the names that its training and the evaluated file know."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ml_collections import ConfigDict

from jaxsparse.data.event_file import EventFile
from jaxsparse.data.odd_names import odd_names
from jaxsparse.detectors import find
from jaxsparse.errors import InputError


def event_classes(file: EventFile, config: ConfigDict, head: Any) -> tuple[str, ...]:
    """Classes of whole events: those of the training, else the file's, else plain numbers.

    Raises:
      InputError: the file has another number of them.
    """
    number = int(head.num_classes)
    names = tuple(str(name) for name in config.data.classes) or _trained_on(config, number)
    names = names or tuple(file.event_classes)
    if not names:
        return _numbers(number)
    if len(names) != number:
        raise _other_classes(file.path, "event classes", names, number)
    return names


def pixel_classes(
    file: EventFile, config: ConfigDict, head: Any, has_truth: bool
) -> tuple[str, ...]:
    """Classes of pixels: those of the training, else the file's, the detector's or plain numbers.

    Raises:
      InputError: the file's truth has others, or in another order.
    """
    number, trained = int(head.num_classes), tuple(map(str, config.data.pixel_classes))
    if has_truth:
        names = tuple(file.class_names)
        if trained and names != trained:
            odd = odd_names(names, trained, of_found="the file", of_wanted="the network")
            raise InputError(
                f"The pixels of {file.path} are {', '.join(names)} but the network "
                f"was trained on {', '.join(trained)} ({odd}): give a file with these classes "
                "in this order."
            )
        if len(names) != number:
            raise _other_classes(file.path, "classes", names, number)
        return names
    if trained:
        return trained
    # The file's names may be those of whole events: what is predicted are pixels.
    known = find(file.detector, file.described).pixel_classes.names
    return known if len(known) == number else _numbers(number)


def _numbers(number: int) -> tuple[str, ...]:
    return tuple(f"class {label}" for label in range(number))


def _trained_on(config: ConfigDict, number: int) -> tuple[str, ...]:
    """Classes of the training file, if it is still there: older configs do not say them."""
    path = config.data.train
    if not path or not Path(path).is_file():
        return ()
    try:
        names = tuple(EventFile(path).event_classes)
    except InputError:  # what lies there now is no matter here
        return ()
    return names if len(names) == number else ()


def _other_classes(path: Any, what: str, names: tuple[str, ...], number: int) -> InputError:
    return InputError(
        f"{path} has {len(names)} {what} ({', '.join(names)}) but the network "
        f"has {number}, evaluate it on data of its own classes."
    )
