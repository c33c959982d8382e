"""Work on coordinates compiles as one program, also where it is called outside of ``jit``.

JAX compiles every operation outside of a program on its own, and for every shape anew; the maps of
a batch are more than a hundred operations.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any, TypeVar

import jax

Function = TypeVar("Function", bound=Callable[..., Any])


def one_program(*static: str) -> Callable[[Function], Function]:
    """Decorates a function that is one program where it is called outside of one.

    Inside of a program XLA puts its operations among those around it, as without this. Meant for
    integers and comparisons, whose results are the same bits however operations are fused.

    Args:
      static: names of the arguments that are no arrays.

    >>> @one_program("step")
    ... def counted(number, *, step):
    ...     return number + step
    >>> int(counted(2, step=3))
    5
    """
    decorate: Any = functools.partial(jax.jit, static_argnames=static, inline=True)
    return decorate
