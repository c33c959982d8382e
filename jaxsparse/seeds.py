"""Seeds: one range for every program, checked in one place."""

from __future__ import annotations

from jaxsparse.errors import InputError

# JAX makes a key of the lowest 32 bits of a seed: 7 and 2**32 + 7 would draw the same parameters.
SEED_LIMIT = 2**32


def check_seed(seed: int, name: str = "seed") -> int:
    """The seed, if every random generator of ours tells it from all others.

    Args:
      seed: an integer.
      name: of the flag or setting, for the message.

    Raises:
      InputError: it is negative, or 2**32 and more.

    >>> check_seed(7)
    7
    >>> check_seed(2**32 + 7)
    Traceback (most recent call last):
        ...
    jaxsparse.errors.InputError: seed is 4294967303: it must lie in [0, 2**32), give another one.
    """
    if not 0 <= seed < SEED_LIMIT:
        raise InputError(f"{name} is {seed}: it must lie in [0, 2**32), give another one.")
    return seed
