"""What primitives of this package have in common: calls outside of a program, lowering, vmap."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import Any

import jax
from jax.interpreters import batching, mlir

PLATFORMS = ("cpu", "cuda", "rocm", "tpu")

# Whether a program that is exported may call kernels of ours. Part of the keys of JAX's caches, or
# the second of two programs of one function would be a copy of the first.
exporting_kernels = jax.make_user_context(False)


def compile_when_called(primitive: Any) -> None:
    """Compiles a call outside of a program, under ``disable_jit`` too, as JAX's own primitives.

    Args:
      primitive: with parameters that can be hashed.
    """

    @functools.partial(jax.jit, static_argnums=0)
    def program(params: tuple[tuple[str, Any], ...], *operands: Any) -> Any:
        return primitive.bind(*operands, **dict(params))

    def implementation(*operands: Any, **params: Any) -> Any:
        with jax.disable_jit(False):
            return program(tuple(sorted(params.items())), *operands)

    primitive.def_impl(implementation)


def lower_by_platform(primitive: Any, compute: Callable[..., Any]) -> None:
    """Lowers a primitive to what JAX operations compute on each platform.

    Args:
      primitive: with one result or a list of them.
      compute: of its operands and, by keyword, its parameters, ``platform`` (one of
        ``PLATFORMS``) and ``portable`` (the program is to run where our kernels are not: only what
        XLA itself brings may be in it).
    """

    def lower(context: Any, *operands: Any, platform: str, **params: Any) -> Any:
        exported = context.module_context.lowering_parameters.for_export
        portable = exported and not exporting_kernels.value
        fixed = functools.partial(compute, platform=platform, portable=portable)
        several = primitive.multiple_results
        return mlir.lower_fun(fixed, multiple_results=several)(context, *operands, **params)

    for platform in PLATFORMS:
        rule = functools.partial(lower, platform=platform)
        mlir.register_lowering(primitive, rule, platform=platform)


def batch_as_written(primitive: Any, compute: Callable[..., Any]) -> None:
    """Leaves vmap of a primitive to JAX operations that compute the same, for they know it.

    Args:
      primitive: with one result or a list of them.
      compute: of its operands and, by keyword, its parameters.
    """

    def batch(operands: Sequence[Any], axes: Sequence[Any], **params: Any) -> tuple[Any, Any]:
        mapped = jax.vmap(functools.partial(compute, **params), in_axes=tuple(axes))
        out = mapped(*operands)
        return out, jax.tree.map(lambda _: 0, out)

    batching.primitive_batchers[primitive] = batch
