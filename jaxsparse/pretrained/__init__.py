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
    if network not in names():
        close = difflib.get_close_matches(network, names(), n=1)
        hint = f"did you mean {close[0]}?" if close else f"there are {', '.join(names()) or 'none'}"
        raise InputError(
            f"{name} is {network!r}, neither a file nor a network of jaxsparse: {hint}"
        )
    return _FOLDER / f"{network}{SUFFIX}"


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
    if network not in joiners():
        raise InputError(
            f"joiner is {network!r}, neither a file nor a network of jaxsparse that has one: there "
            f"are {', '.join(joiners()) or 'none'}"
        )
    return _FOLDER / _JOINERS / f"{network}{SUFFIX}"
