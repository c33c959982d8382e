"""Linear maps whose transpose is written by hand, so that a gather never becomes a scatter-add.

JAX transposes a gather into a scatter-add, which a GPU sums in an order of its own. Where the way
back is known as a gather too (a kernel map has its transpose, rows are sorted by event), a pair of
primitives says so: each is the transpose of the other. Unlike ``custom_vjp`` they keep forward
mode, and unlike ``linear_call`` gradients of gradients and vmap of gradients.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
from jax.extend.core import Primitive
from jax.interpreters import ad, batching, mlir
from jaxtyping import Array, Float

from jaxsparse.ops.manual_axes import refuse_varying
from jaxsparse.ops.primitive import compile_when_called

LinearMap = Callable[[Any, Float[Array, "from channels"]], Float[Array, "to channels"]]


class LinearPair:
    """Two linear maps on rows of features, transposes of each other, as JAX primitives.

    A map is a function ``f(structure, x)`` of a pytree of integer arrays, which takes no gradient,
    and of ``[rows, channels]`` features, in which it is linear. It may use any JAX operations: they
    are never differentiated. It returns float32; the result is converted once, after all sums.

    Args:
      name: of the primitive, seen in jaxprs.
      forward: the map.
      backward: its transpose, ``<forward(s, x), g> = <x, backward(s, g)>``.

    >>> double = LinearPair("double", lambda s, x: s * x, lambda s, g: s * g)
    >>> jax.grad(lambda x: double(jnp.int32(2), x, 1).sum())(jnp.ones((1, 3))).tolist()
    [[2.0, 2.0, 2.0]]
    """

    def __init__(self, name: str, forward: LinearMap, backward: LinearMap) -> None:
        self._forward, self._backward = Primitive(name), Primitive(f"{name}_transpose")
        _define(self._forward, self._backward, forward)
        _define(self._backward, self._forward, backward)

    def __call__(self, structure: Any, x: Array, rows: int, dtype: Any = None) -> Array:
        """``forward(structure, x)``: ``[rows, channels]`` of ``dtype`` (None: that of ``x``)."""
        return _bind(self._forward, structure, x, rows, dtype)

    def transpose(self, structure: Any, x: Array, rows: int, dtype: Any = None) -> Array:
        """``backward(structure, x)``: ``[rows, channels]`` of ``dtype`` (None: that of ``x``)."""
        return _bind(self._backward, structure, x, rows, dtype)


def _bind(primitive: Any, structure: Any, x: Array, rows: int, dtype: Any) -> Array:
    leaves, treedef = jax.tree_util.tree_flatten(structure)
    return primitive.bind(
        *leaves,
        x,
        treedef=treedef,
        rows=rows,
        dtype=jnp.dtype(x.dtype if dtype is None else dtype),
        batched=(),
    )


def _define(primitive: Any, transposed: Any, function: LinearMap) -> None:
    compile_when_called(primitive)
    primitive.def_abstract_eval(_shape)
    ad.primitive_jvps[primitive] = functools.partial(_jvp, primitive)
    ad.primitive_transposes[primitive] = functools.partial(_transpose, transposed)
    batching.primitive_batchers[primitive] = functools.partial(_batch, primitive)
    rule = functools.partial(_compute, function=function)
    mlir.register_lowering(primitive, mlir.lower_fun(rule, multiple_results=False))


def _compute(
    *operands: Array, function: LinearMap, treedef: Any, rows: int, dtype: Any, batched: Any
) -> Array:
    def one(leaves: list[Array], x: Array) -> Array:
        return function(jax.tree_util.tree_unflatten(treedef, leaves), x)

    mapped = one
    for axes in batched:  # the first vmap that was met is the innermost
        mapped = jax.vmap(mapped, in_axes=(list(axes), 0))
    return mapped(list(operands[:-1]), operands[-1]).astype(dtype)


def _shape(*avals: Any, rows: int, dtype: Any, **_: Any) -> Any:
    refuse_varying(avals)
    shape = avals[-1].shape
    return jax.core.ShapedArray((*shape[:-2], rows, shape[-1]), dtype)


def _jvp(primitive: Any, primals: Any, tangents: Any, **params: Any) -> tuple[Any, Any]:
    out = primitive.bind(*primals, **params)
    if type(tangents[-1]) is ad.Zero:
        return out, jnp.zeros_like(out)
    return out, primitive.bind(*primals[:-1], tangents[-1], **params)


def _transpose(
    transposed: Any, cotangent: Any, *operands: Any, rows: int, dtype: Any, **params: Any
) -> list[Any]:
    *leaves, x = operands
    none = [None] * len(leaves)
    if type(cotangent) is ad.Zero:
        return [*none, ad.Zero(x.aval)]
    back = transposed.bind(*leaves, cotangent, rows=x.aval.shape[-2], dtype=x.aval.dtype, **params)
    return [*none, back]


def _batch(
    primitive: Any, operands: Any, axes: Any, *, batched: Any, **params: Any
) -> tuple[Any, int]:
    """One more leading axis, over the features and those integer arrays that have it."""
    size = next(o.shape[a] for o, a in zip(operands, axes, strict=True) if a is not None)
    moved = [o if a is None else jnp.moveaxis(o, a, 0) for o, a in zip(operands, axes, strict=True)]
    if axes[-1] is None:
        moved[-1] = jnp.broadcast_to(moved[-1], (size, *moved[-1].shape))
    level = tuple(None if axis is None else 0 for axis in axes[:-1])
    return primitive.bind(*moved, batched=(*batched, level), **params), 0
