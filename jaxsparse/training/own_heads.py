"""Heads that users add: which file has the class of one, for whoever opens the run later."""

from __future__ import annotations

import inspect
import json
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

from jaxsparse import models
from jaxsparse.errors import InputError

KEY = "heads"  # of inputs.json
_PACKAGE = Path(models.__file__).parents[1]


def files_of_heads(heads: Iterable[str]) -> dict[str, str]:
    """The file of the class of every head that is not of this package.

    Args:
      heads: names, of ``jaxsparse.models.HEADS``.

    >>> files_of_heads(["semantic"])
    {}
    """
    files = {}
    for name in heads:
        call = inspect.unwrap(models.HEADS[name].__call__)
        file = Path(call.__code__.co_filename).absolute()
        if _PACKAGE not in file.parents:
            files[name] = str(file)
    return files


def check_heads(workdir: Path, heads: Iterable[str], inputs: Path) -> None:
    """Whether all heads of a stored network are there; the file of one is named, never run.

    Args:
      workdir: of the run.
      heads: names.
      inputs: its ``inputs.json``, which may be missing.

    Raises:
      InputError: a head is not there whose file is known; others are for ``models.build``.
    """
    files = {}
    with suppress(OSError, ValueError, AttributeError):
        files = dict(json.loads(inputs.read_text()).get(KEY, {}))
    for name in heads:
        if name not in models.HEADS and name in files:
            file = files[name]
            raise InputError(
                f"{workdir} has a network with the head {name}, which {file} adds: import that "
                f"file first, or give its command with python {file} in place of jaxsparse"
            )
