"""Why ``shard_map`` around our operations needs ``check_vma=False``, said where it matters."""

from collections.abc import Sequence
from typing import Any

import jax

from jaxsparse.errors import InputError


def refuse_varying(operands: Sequence[Any]) -> None:
    """Refuses operands whose types say over which axes of a mesh they vary.

    With ``jax.shard_map(check_vma=True)``, its default, JAX notes in the type of every array over
    which axes it varies, and lets the derivative of what is the same everywhere sum over devices.
    A primitive of our own has to state both by itself, for which JAX 0.10 has no public interface.
    Left unsaid, gradients of weights would be those of one device, silently.

    Args:
      operands: abstract values.

    Raises:
      InputError: one of them varies.
    """
    axes = varying_axes(operands)
    if axes:
        raise InputError(
            f"an operand varies over the mesh axes {', '.join(axes)}: inside "
            "jax.shard_map our operations need check_vma=False, and gradients of what is the "
            "same on all devices a jax.lax.psum of their own"
        )


def varies(*arrays: Any) -> bool:
    """Whether the type of one of the arrays says so.

    Then no primitive of ours is taken where JAX operations compute the same: it would lose that.
    """
    return bool(varying_axes([jax.typeof(array) for array in arrays]))


def varying_axes(operands: Sequence[Any]) -> list[str]:
    """Names of the mesh axes over which the types say that one of the operands varies."""
    axes: set[Any] = set()
    for operand in operands:
        kind = getattr(operand, "manual_axis_type", None)
        axes.update(getattr(kind, "varying", None) or getattr(operand, "vma", None) or ())
    return sorted(map(str, axes))
