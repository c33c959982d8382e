"""Which part of a file is evaluated, where training split one."""

from __future__ import annotations

import os
from typing import Any

from jaxsparse.data.event_file import EventFile
from jaxsparse.data.fingerprint import fingerprint
from jaxsparse.data.partition import PARTS
from jaxsparse.errors import InputError
from jaxsparse.training.workdir import Input


def which_part(
    file: EventFile, config: Any, *, trained_on: Input | None, part: str
) -> tuple[str, str]:
    """The part, and what to say where nobody chose it and it is not plain which it is (else "").

    Args:
      file: that is evaluated.
      config: of the checkpoint.
      trained_on: the training file; where ``config`` says it is, if None.
      part: see :class:`~jaxsparse.evaluation.options.Options`.

    Raises:
      InputError: a part of a configuration that splits nothing.
    """
    split = tuple(config.data.split)
    known = (*PARTS[: len(split)], "all")
    if part:
        if part not in known:
            raise InputError(
                f"--part={part}: it must be one of {', '.join(known)} for this network."
            )
        return part, ""
    if not split or config.data.validation:
        return "all", ""
    last, path = PARTS[len(split) - 1], file.path
    its_file = trained_on or Input(os.path.abspath(config.data.train))
    moved = os.path.abspath(path) != its_file.path
    if _is_it(file, its_file, moved):
        remark = (
            f"{path} has the events of {its_file.path}, which training split: only those of "
            f"part {last} are evaluated (--part=all takes all)."
        )
        return last, remark if moved else ""
    remark = (
        f"All events of {path} are evaluated, for it is not what {its_file.path} was, the "
        "file that training split: if it has events of that file, the network knows them, "
        f"and --part={last} takes those alone that were kept apart."
    )
    return "all", remark if file.event_classes else ""


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
