"""The one exception for what a user passed in, and what other errors say in its one line."""

from __future__ import annotations

import errno

TRACED = "is traced by jit, vmap or the like"  # a value that is not known before the program runs
_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}


class InputError(ValueError):
    """A mistake in what the user gave: one line with name, value, rule and remedy.

    The library raises it; the command lines print its text and exit with status 2, without a
    traceback. A defect of the program itself is never an ``InputError``.

    >>> raise InputError("data.crop (0, 512): sides must be positive, set data.crop=(512,512)")
    Traceback (most recent call last):
        ...
    jaxsparse.errors.InputError: data.crop (0, 512): sides must be positive, set data.crop=(512,512)
    """


def check_kind(name: str, value: object, *kinds: type, remedy: str = "") -> None:
    """Refuses what is none of the kinds, by the names of both.

    Raises:
      InputError: it is not.

    >>> check_kind("strides", 2, tuple, list, remedy="one number an axis")
    Traceback (most recent call last):
        ...
    jaxsparse.errors.InputError: strides is an int: must be a tuple or a list, one number an axis
    """
    if not isinstance(value, kinds):
        wanted = " or a ".join(kind.__name__ for kind in kinds)
        end = f", {remedy}" if remedy else ""
        raise InputError(f"{name} is {kind_of(value)}: must be a {wanted}{end}")


def kind_of(value: object) -> str:
    """The type of a value with its article, as a user knows it.

    >>> kind_of(2), kind_of("a")
    ('an int', 'a str')
    """
    kind = type(value).__name__
    if kind == "ArrayImpl" or kind.endswith("Tracer"):
        return "a jax.Array"
    return f"an {kind}" if kind[0] in "aeiou" else f"a {kind}"


def one_line(error: object) -> str:
    """The text of an error without its line breaks.

    >>> one_line(ValueError("two\\n   lines"))
    'two lines'
    """
    return " ".join(str(error).split())


def disk_is_full(error: OSError) -> bool:
    """Whether there was no room: on the disk, in a quota, or under a limit on files."""
    return error.errno in _FULL


def reason(error: OSError) -> str:
    """What the system says, without the path.

    >>> reason(OSError(errno.ENOSPC, "No space left on device", "a.h5"))
    'the disk is full'
    """
    return "the disk is full" if disk_is_full(error) else one_line(error.strerror or error)
