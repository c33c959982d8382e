"""Networks that come with the package: their names, and where their files are.

A file is what ``python -m jaxsparse.export`` writes of a documented training; ``docs/models`` has
a page about each.
"""

from __future__ import annotations

import difflib
from pathlib import Path

from jaxsparse.errors import InputError

SUFFIX = ".safetensors"
_FOLDER = Path(__file__).parent


def names() -> tuple[str, ...]:
    """Names of the networks, sorted.

    >>> all(path_of(name).is_file() for name in names())
    True
    """
    return tuple(sorted(path.stem for path in _FOLDER.glob(f"*{SUFFIX}")))


def path_of(name: str) -> Path:
    """The file of a network.

    Raises:
      InputError: there is none of that name.
    """
    if name not in names():
        close = difflib.get_close_matches(name, names(), n=1)
        hint = f"did you mean {close[0]}?" if close else f"there are {', '.join(names()) or 'none'}"
        raise InputError(f"{name!r} is neither a file nor a network of jaxsparse: {hint}")
    return _FOLDER / f"{name}{SUFFIX}"
