"""Files that cannot be read yet, because another program is writing them."""

from __future__ import annotations

from pathlib import Path

from jaxsparse.data.event_layout import partial_of
from jaxsparse.errors import InputError, one_line
from jaxsparse.file_lock import is_locked


def refuse_unfinished(path: Path) -> None:
    """Says of a path without a file that a program is about to make one there.

    Raises:
      InputError: it is.
    """
    if path.name and is_locked(partial_of(path)):
        raise InputError(f"{path} does not exist: another program is writing it, wait for its end")


def unreadable(path: Path, error: OSError) -> InputError:
    """What is said of a file that HDF5 could not open.

    Args:
      path: of the file.
      error: of HDF5.

    >>> str(unreadable(Path("a.h5"), OSError("unable to lock file")))
    'a.h5 is open in another program that writes it: wait for its end'
    """
    text = one_line(error)
    if "unable to lock file" in text:
        return InputError(f"{path} is open in another program that writes it: wait for its end")
    what = "cut off" if "truncated" in text else "no readable HDF5 file"
    return InputError(f"{path} is {what} ({text}): copy it or make it again")
