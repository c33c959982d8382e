"""Networks that come with the package: their names, and where their files are.

A file is what ``jaxsparse export`` writes of a documented training; ``docs/models`` has
a page about each. A network with a head ``edges`` may have a joiner of its fragments under its
name, in ``joiners/``.
"""

from __future__ import annotations

import difflib
import os
from pathlib import Path

from jaxsparse.errors import InputError

SUFFIX = ".safetensors"
_FOLDER, _JOINERS = Path(__file__).parent, "joiners"


def names() -> tuple[str, ...]:
    """Names of the networks, sorted.

    >>> all(path_of(name).is_file() for name in names())
    True
    """
    return tuple(sorted(path.stem for path in _FOLDER.glob(f"*{SUFFIX}")))


def may_be_name(text: str) -> bool:
    """Whether a text that is no path may be meant as a name.

    >>> may_be_name("sparsesnet_y"), may_be_name("runs/y"), may_be_name("y.safetensors")
    (True, False, False)
    """
    return os.sep not in text and not Path(text).suffix


def path_of(network: str, *, name: str = "model") -> Path:
    """The file of a network.

    Args:
      network: its name.
      name: of the flag or setting that says it, for the message.

    Raises:
      InputError: there is none of that name.
    """
    return _found(network, names(), _FOLDER, f"{name} is {network!r}, neither a file nor a network")


def joiners() -> tuple[str, ...]:
    """Names of the networks that have a joiner, sorted.

    >>> set(joiners()) <= set(names())
    True
    """
    return tuple(sorted(path.stem for path in (_FOLDER / _JOINERS).glob(f"*{SUFFIX}")))


def joiner_of(network: str) -> Path:
    """The file of the joiner of a network.

    Args:
      network: its name.

    Raises:
      InputError: it has none, or there is no network of that name.
    """
    no_such = f"joiner is {network!r}, neither a file nor a network with a joiner"
    return _found(network, joiners(), _FOLDER / _JOINERS, no_such)


def _found(network: str, known: tuple[str, ...], folder: Path, no_such: str) -> Path:
    """The file of a network in a folder; a line that begins with ``no_such`` without it."""
    if network not in known:
        close = difflib.get_close_matches(network, known, n=1)
        hint = f"did you mean {close[0]}?" if close else f"there are {', '.join(known) or 'none'}"
        raise InputError(f"{no_such} of jaxsparse: {hint}")
    return folder / f"{network}{SUFFIX}"
