"""Integers of any width as int32, looked at before they are narrowed.

JAX and numpy narrow by cutting bits off: 2**32 + 7 becomes 7, another row. Where every number
outside of a range means the same (no row, outside of the box), a number outside of int32 goes to
the end of the range. Where it is a mistake it is refused; inside of ``jit`` nobody can look, so
such arguments must have a type there that int32 holds.
"""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array

from jaxsparse.errors import InputError
from jaxsparse.integers import INT32_MAX


def as_int32(name: str, numbers: Any) -> Array:
    """Integers as int32, none of which may lie outside of it.

    Raises:
      InputError: no integers, a number that int32 does not hold, or, inside of ``jit``, a type
        that reaches further.

    >>> as_int32("labels", np.array([2**31]))
    Traceback (most recent call last):
        ...
    jaxsparse.errors.InputError: labels reach from 2147483648 to 2147483648: must be integers that
    int32 holds, renumber them
    """
    given = _integers(name, numbers)
    if not np.can_cast(given.dtype, np.int32):
        if isinstance(given, jax.core.Tracer):
            raise InputError(
                f"{name} has type {given.dtype} inside jit, where nobody can look whether int32 "
                "holds it: convert it to int32 before"
            )
        low, high = (int(given.min()), int(given.max())) if given.size else (0, 0)
        if low < -INT32_MAX - 1 or high > INT32_MAX:
            raise InputError(
                f"{name} reach from {low} to {high}: must be integers that int32 holds, renumber "
                "them"
            )
    return jnp.asarray(given.astype(np.int32))


def clipped_int32(name: str, numbers: Any, low: int = -1) -> Array:
    """Integers as int32, those below ``low`` or above int32 at that end.

    Raises:
      InputError: no integers.

    >>> clipped_int32("rows", np.array([2**32 + 7, 7, -(2**40)])).tolist()
    [2147483647, 7, -1]
    """
    given = _integers(name, numbers)
    limits = np.iinfo(given.dtype)
    library: Any = jnp if isinstance(given, jax.Array) else np
    within = library.clip(given, max(low, int(limits.min)), min(INT32_MAX, int(limits.max)))
    return jnp.asarray(within.astype(np.int32))


def row_count(name: str, number: Any, rows: int) -> Array:
    """How many of ``rows`` rows are sites, as int32.

    Raises:
      InputError: no integer, or, outside of ``jit``, one beyond the rows.

    >>> row_count("num_active", 7, 5)
    Traceback (most recent call last):
        ...
    jaxsparse.errors.InputError: num_active is 7: must be from 0 to the 5 rows of features
    """
    given = _integers(name, number)
    if given.shape:
        raise InputError(f"{name} has shape {given.shape}: must be one number")
    if not isinstance(given, jax.core.Tracer) and not 0 <= int(given) <= rows:
        raise InputError(f"{name} is {int(given)}: must be from 0 to the {rows} rows of features")
    return jnp.asarray(given.astype(np.int32))


def _integers(name: str, numbers: Any) -> Any:
    given = numbers if isinstance(numbers, jax.Array) else np.asarray(numbers)
    if not given.size and isinstance(given, np.ndarray):
        return given.astype(np.int32)  # an empty list has no type of its own
    if not jnp.issubdtype(given.dtype, jnp.integer):
        raise InputError(f"{name} has type {given.dtype}: must be integers")
    return given
