"""Sums over the active rows, channel by channel, as primitives that are each other's derivatives.

    moments(x)              = [sum x, sum (x - m)^2],        m the mean of the active rows of x
    products(u, x, center)  = [sum u, sum u (x - center)]
    spread(c, x, center)    = c[0] + c[1] (x - center)       in active rows, else 0

``products`` is linear in ``u`` and is the derivative of ``moments``; its transpose is ``spread``,
elementwise, whose transpose is ``products``. So a derivative of batch norm takes one pass over
both of its operands. Two data flows give the same numbers to rounding: ``"xla"``, masked sums, and
``"native"``, kernels for the CPU that never read padding and keep the first-level cache.
"""

from __future__ import annotations

import functools
from typing import Any

import jax
import jax.numpy as jnp
from jax.extend.core import Primitive
from jax.interpreters import ad, batching
from jaxtyping import Array, Float, Float32, Int32

from jaxsparse.ops import implementations
from jaxsparse.ops.manual_axes import varying_axes
from jaxsparse.ops.primitive import compile_when_called, lower_by_platform


def column_moments(
    x: Float[Array, "rows channels"], num_active: Int32[Array, ""], implementation: str = "auto"
) -> Float32[Array, "2 channels"]:
    """Sum and sum of squared distances to the mean of the active rows; zeros where there is none.

    Args:
      x: float32 or bfloat16; what the rows behind ``num_active`` hold does not matter.
      num_active: int32 scalar.
      implementation: ``"auto"``, ``"xla"`` or ``"native"``.

    Raises:
      InputError: an unknown implementation, or ``"native"`` where it cannot be had.

    >>> column_moments(jnp.array([[1.0], [3.0], [9.0]]), jnp.int32(2)).tolist()
    [[4.0], [2.0]]
    """
    if not _binds(implementation, x):
        return _moments(x, num_active)
    return moments_p.bind(x, num_active, implementation=implementation)


def column_products(
    u: Float[Array, "rows channels"],
    x: Float[Array, "rows channels"],
    center: Float32[Array, " channels"],
    num_active: Int32[Array, ""],
    implementation: str = "auto",
) -> Float32[Array, "2 channels"]:
    """``[sum u, sum u (x - center)]`` over the active rows.

    Args, Raises: as of :func:`column_moments`; ``u`` and ``x`` of one shape.

    >>> u, x = jnp.array([[1.0], [2.0]]), jnp.array([[3.0], [5.0]])
    >>> column_products(u, x, jnp.ones(1), jnp.int32(2)).tolist()
    [[3.0], [10.0]]
    """
    operands = (u, x, center, num_active)
    if not _binds(implementation, *operands):
        return _products(*operands)
    return products_p.bind(*operands, implementation=implementation)


def column_spread(
    c: Float32[Array, "2 channels"],
    x: Float[Array, "rows channels"],
    center: Float32[Array, " channels"],
    num_active: Int32[Array, ""],
    implementation: str = "auto",
) -> Float32[Array, "rows channels"]:
    """``c[0] + c[1] (x - center)`` in active rows, else zero: the transpose of the products.

    Args, Raises: as of :func:`column_moments`; ``implementation`` is that of the transpose.

    >>> c, x = jnp.array([[1.0], [2.0]]), jnp.array([[3.0], [9.0]])
    >>> column_spread(c, x, jnp.ones(1), jnp.int32(1)).tolist()
    [[5.0], [0.0]]
    """
    operands = (c, x, center, num_active)
    if not _binds(implementation, *operands):
        return _spread(*operands)
    return spread_p.bind(*operands, implementation=implementation)


def active_rows(x: Float[Array, "rows channels"], num_active: Int32[Array, ""]) -> Array:
    """Which rows the sums are over: bool ``[rows, 1]``."""
    return (jnp.arange(x.shape[0], dtype=jnp.int32) < num_active)[:, None]


moments_p = Primitive("column_moments")
products_p = Primitive("column_products")
spread_p = Primitive("column_spread")


def _moments(x: Any, num_active: Any) -> Array:
    x, mask = x.astype(jnp.float32), active_rows(x, num_active)
    total = jnp.sum(jnp.where(mask, x, 0), axis=0)
    distance = jnp.where(mask, x - _mean(total, num_active)[None], 0)
    return jnp.stack([total, jnp.sum(jnp.square(distance), axis=0)])


def _products(u: Any, x: Any, center: Any, num_active: Any) -> Array:
    # Both factors are masked, as a derivative multiplies with the other one.
    mask = active_rows(x, num_active)
    u = jnp.where(mask, u.astype(jnp.float32), 0)
    distance = jnp.where(mask, x.astype(jnp.float32) - center[None], 0)
    return jnp.stack([jnp.sum(u, axis=0), jnp.sum(u * distance, axis=0)])


def _spread(c: Any, x: Any, center: Any, num_active: Any) -> Array:
    mask = active_rows(x, num_active)
    distance = jnp.where(mask, x.astype(jnp.float32) - center[None], 0)
    return jnp.where(mask, c[:1] + c[1:] * distance, 0)


def _mean(total: Any, num_active: Any) -> Array:
    return total / jnp.maximum(jnp.asarray(num_active, jnp.float32), 1.0)


def _binds(implementation: str, *operands: Any) -> bool:
    """Whether to take a primitive, which has no derivative that sums over devices by itself."""
    implementations.check_name("column_moments", implementation)
    return not varying_axes([jax.typeof(operand) for operand in operands])


def _lower(
    *operands: Any, operation: str, implementation: str, platform: str, exported: bool
) -> Array:
    flow = implementations.choose(operation, implementation, platform, exported, operands)
    return flow(*operands)


def _lower_spread(*operands: Any, **_: Any) -> Array:
    return _spread(*operands)


def _sums_shape(*avals: Any, **_: Any) -> Any:
    return jax.core.ShapedArray((2, avals[0].shape[1]), jnp.float32)


def _spread_shape(c: Any, x: Any, *_avals: Any, **_: Any) -> Any:
    return jax.core.ShapedArray(x.shape, jnp.float32)


def _moments_jvp(primals: Any, tangents: Any, **params: Any) -> tuple[Any, Any]:
    x, num_active = primals
    out = moments_p.bind(x, num_active, **params)
    if type(tangents[0]) is ad.Zero:
        return out, jnp.zeros_like(out)
    # The mean moves too, which the sum of distances, zero, does not notice.
    mean = _mean(out[0], num_active)
    change = products_p.bind(tangents[0], x, mean, num_active, **params)
    return out, change * jnp.array([[1.0], [2.0]], jnp.float32)


def _products_jvp(primals: Any, tangents: Any, **params: Any) -> tuple[Any, Any]:
    u, x, center, num_active = primals
    du, dx, d_center, _ = tangents
    out = products_p.bind(*primals, **params)
    change = jnp.zeros_like(out)
    if type(du) is not ad.Zero:
        change += products_p.bind(du, x, center, num_active, **params)
    if type(dx) is not ad.Zero:
        none = jnp.zeros_like(center)
        change = change.at[1].add(products_p.bind(dx, u, none, num_active, **params)[1])
    if type(d_center) is not ad.Zero:
        change = change.at[1].add(-out[0] * d_center)
    return out, change


def _spread_jvp(primals: Any, tangents: Any, **params: Any) -> tuple[Any, Any]:
    c, x, center, num_active = primals
    dc, dx, d_center, _ = tangents
    out = spread_p.bind(*primals, **params)
    change = jnp.zeros_like(out)
    if type(dc) is not ad.Zero:
        change += spread_p.bind(dc, x, center, num_active, **params)
    if type(dx) is not ad.Zero:
        change += jnp.where(active_rows(x, num_active), c[1:] * dx.astype(jnp.float32), 0)
    if type(d_center) is not ad.Zero:
        moved = jnp.stack([-c[1] * d_center, jnp.zeros_like(d_center)])
        change += spread_p.bind(moved, x, center, num_active, **params)
    return out, change


def _transpose(
    transposed: Any, cotangent: Any, linear: Any, *others: Any, **params: Any
) -> list[Any]:
    """Both are linear in their first operand; others have their derivatives above."""
    none = [None] * len(others)
    if type(cotangent) is ad.Zero:
        return [ad.Zero(linear.aval), *none]
    return [transposed.bind(cotangent, *others, **params).astype(linear.aval.dtype), *none]


def _batch(compute: Any, operands: Any, axes: Any, **_: Any) -> tuple[Any, int]:
    """vmap: XLA's operations, which know it."""
    return jax.vmap(compute, in_axes=tuple(axes))(*operands), 0


def _define(primitive: Any, lower: Any, compute: Any, shape: Any, jvp: Any) -> None:
    compile_when_called(primitive)
    lower_by_platform(primitive, lower)
    primitive.def_abstract_eval(shape)
    ad.primitive_jvps[primitive] = jvp
    batching.primitive_batchers[primitive] = functools.partial(_batch, compute)


implementations.register("column_moments", "xla", _moments)
implementations.register("column_products", "xla", _products)

_lower_moments = functools.partial(_lower, operation="column_moments")
_lower_products = functools.partial(_lower, operation="column_products")
_define(moments_p, _lower_moments, _moments, _sums_shape, _moments_jvp)
_define(products_p, _lower_products, _products, _sums_shape, _products_jvp)
_define(spread_p, _lower_spread, _spread, _spread_shape, _spread_jvp)
ad.primitive_transposes[products_p] = functools.partial(_transpose, spread_p)
ad.primitive_transposes[spread_p] = functools.partial(_transpose, products_p)
