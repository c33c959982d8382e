"""Maps of rows with numbers of their own for every channel: what batch norm with ReLU is made of.

    normalise(x)   = max(factor (x - center) + bias, floor)
    project(u)     = [sum u', sum u' (x - center)] and factor u',    u' = u where the gate is open
    spread(c, v)   = c[0] + c[1] (x - center) + factor v where the gate is open

over the active rows; padding rows of results are zero. The gate of a row and channel is shut where
``slope (x - center) + offset <= 0``: with the factor and bias of a layer, where its ReLU cut.
``project`` and then ``spread`` is the derivative of batch norm. Both are linear and each is the
transpose of the other, so that the way back is again a ``project`` and a ``spread``: two passes
over memory for batch norm and ReLU together. Two data flows give the same numbers to rounding:
``"xla"``, and ``"native"``, kernels for the CPU.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
from jax.extend.core import Primitive
from jax.interpreters import ad
from jaxtyping import Array, Float, Float32, Int32

from jaxsparse.ops import implementations
from jaxsparse.ops.manual_axes import varies
from jaxsparse.ops.primitive import batch_as_written, compile_when_called

NO_FLOOR = -jnp.inf
OPEN_GATE = (0.0, 1.0)  # slope and offset


def normalise(
    x: Float[Array, "rows channels"],
    lines: Float32[Array, "4 channels"],
    num_active: Int32[Array, ""],
    implementation: str = "auto",
) -> Float[Array, "rows channels"]:
    """``max(factor (x - center) + bias, floor)`` of the active rows, of the type of ``x``.

    Args:
      x: what the rows behind ``num_active`` hold does not matter.
      lines: center, factor, bias, floor (minus infinity for none).
      num_active: int32 scalar.
      implementation: ``"auto"``, ``"xla"`` or ``"native"``.

    Raises:
      InputError: an unknown implementation, or ``"native"`` where it cannot be had.

    >>> x, lines = jnp.array([[1.0], [7.0], [9.0]]), jnp.array([[3.0], [2.0], [1.0], [0.0]])
    >>> normalise(x, lines, jnp.int32(2)).tolist()
    [[0.0], [9.0], [0.0]]
    """
    implementations.check_name("normalise", implementation)
    if varies(x, lines, num_active):
        return _normalise_sites(x, lines, num_active)
    return normalise_p.bind(x, lines, num_active, implementation=implementation)


def project(
    u: Float[Array, "rows channels"],
    x: Float[Array, "rows channels"],
    lines: Float32[Array, "4 channels"],
    num_active: Int32[Array, ""],
    implementation: str = "auto",
) -> tuple[Float[Array, "rows channels"], Float32[Array, "2 channels"]]:
    """``factor u`` and ``[sum u, sum u (x - center)]``, where the gate is open.

    Args, Raises: as of :func:`normalise`; ``u`` and ``x`` of one shape, ``lines`` center, factor,
    slope, offset.

    >>> u, x = jnp.array([[1.0], [2.0]]), jnp.array([[3.0], [5.0]])
    >>> lines = jnp.array([[1.0], [10.0], *([line] for line in OPEN_GATE)])
    >>> [part.tolist() for part in project(u, x, lines, jnp.int32(2))]
    [[[10.0], [20.0]], [[3.0], [10.0]]]
    """
    implementations.check_name("project", implementation)
    if varies(u, x, lines, num_active):
        rows, sums = _project(u, x, lines, num_active)
        return rows, sums
    rows, sums = project_p.bind(u, x, lines, num_active, implementation=implementation)
    return rows, sums


def spread(
    c: Float32[Array, "2 channels"],
    v: Float[Array, "rows channels"],
    x: Float[Array, "rows channels"],
    lines: Float32[Array, "4 channels"],
    num_active: Int32[Array, ""],
    implementation: str = "auto",
) -> Float[Array, "rows channels"]:
    """``c[0] + c[1] (x - center) + factor v`` where the gate is open, of the type of ``v``.

    Args, Raises: as of :func:`project`.

    >>> c, v, x = jnp.array([[1.0], [2.0]]), jnp.array([[7.0], [7.0]]), jnp.array([[3.0], [9.0]])
    >>> lines = jnp.array([[1.0], [10.0], *([line] for line in OPEN_GATE)])
    >>> spread(c, v, x, lines, jnp.int32(1)).tolist()
    [[75.0], [0.0]]
    """
    implementations.check_name("spread", implementation)
    if varies(c, v, x, lines, num_active):
        return _spread(v, c, x, lines, num_active)
    (rows,) = spread_p.bind(v, c, x, lines, num_active, implementation=implementation)
    return rows


def active_rows(x: Float[Array, "rows channels"], num_active: Int32[Array, ""]) -> Array:
    """Which rows count: bool ``[rows, 1]``."""
    return (jnp.arange(x.shape[0], dtype=jnp.int32) < num_active)[:, None]


normalise_p = Primitive("normalise_rows")
project_p, spread_p = Primitive("project_rows"), Primitive("spread_rows")
project_p.multiple_results = spread_p.multiple_results = True


def _distance(x: Any, lines: Any, num_active: Any) -> tuple[Array, Array]:
    """From the centers, zero in padding rows, which may hold anything; and which rows count."""
    mask = active_rows(x, num_active)
    return jnp.where(mask, x.astype(jnp.float32) - lines[:1], 0), mask


def _through_gate(distance: Any, lines: Any, values: Any) -> Array:
    shut = lines[2:3] * distance + lines[3:4] <= 0  # NaN passes
    return jnp.where(shut, 0, values)


def _normalise(x: Any, lines: Any, num_active: Any) -> Array:
    center, factor, bias, floor = (lines[index][None] for index in range(4))
    y = (x.astype(jnp.float32) - center) * factor + bias
    y = jnp.where(y <= floor, floor, y)  # unlike a maximum has the ReLU's derivative at its edge
    return jnp.where(active_rows(x, num_active), y, 0).astype(x.dtype)


def _normalise_sites(x: Any, lines: Any, num_active: Any) -> Array:
    """To be differentiated: a padding row would count as zero times what it holds, maybe NaN.

    Not for values: with a mask in between XLA rounds otherwise than the kernel.
    """
    return _normalise(jnp.where(active_rows(x, num_active), x, 0), lines, num_active)


def _project(u: Any, x: Any, lines: Any, num_active: Any) -> list[Array]:
    # Both factors of the product are masked, as a derivative multiplies with the other one.
    distance, mask = _distance(x, lines, num_active)
    passed = _through_gate(distance, lines, jnp.where(mask, u.astype(jnp.float32), 0))
    sums = jnp.stack([jnp.sum(passed, axis=0), jnp.sum(passed * distance, axis=0)])
    return [(lines[1:2] * passed).astype(u.dtype), sums]


def _spread(v: Any, c: Any, x: Any, lines: Any, num_active: Any) -> Array:
    distance, mask = _distance(x, lines, num_active)
    values = c[:1] + c[1:] * distance + lines[1:2] * jnp.where(mask, v.astype(jnp.float32), 0)
    return jnp.where(mask, _through_gate(distance, lines, values), 0).astype(v.dtype)


def _normalise_shape(x: Any, *_avals: Any, **_: Any) -> Any:
    return jax.core.ShapedArray(x.shape, x.dtype)


def _project_shape(u: Any, *_avals: Any, **_: Any) -> Any:
    sums = jax.core.ShapedArray((2, u.shape[1]), jnp.float32)
    return [jax.core.ShapedArray(u.shape, u.dtype), sums]


def _spread_shape(v: Any, *_avals: Any, **_: Any) -> Any:
    return [jax.core.ShapedArray(v.shape, v.dtype)]


def _jvp_of(
    primitive: Any,
    compute: Callable[..., Any],
    linear: int,
    primals: Any,
    tangents: Any,
    **params: Any,
) -> tuple[Any, Any]:
    """Linear in its first operands, a primitive is differentiated as written by the others."""
    out = primitive.bind(*primals, **params)
    changes = []
    if any(type(tangent) is not ad.Zero for tangent in tangents[:linear]):
        moved = [ad.instantiate_zeros(tangent) for tangent in tangents[:linear]]
        changes.append(primitive.bind(*moved, *primals[linear:], **params))
    if any(type(tangent) is not ad.Zero for tangent in tangents[linear:-1]):
        others = tuple(primals[linear:-1])
        moves = tuple(ad.instantiate_zeros(tangent) for tangent in tangents[linear:-1])

        def of_others(*others: Any) -> Any:
            return compute(*primals[:linear], *others, primals[-1])

        changes.append(jax.jvp(of_others, others, moves)[1])
    if not changes:
        return out, jax.tree.map(jnp.zeros_like, out)
    return out, functools.reduce(functools.partial(jax.tree.map, ad.add_jaxvals), changes)


def _transpose_project(cotangents: Any, u: Any, *others: Any, **params: Any) -> list[Any]:
    none = [None] * len(others)
    if all(type(cotangent) is ad.Zero for cotangent in cotangents):
        return [ad.Zero(u.aval), *none]
    return [*spread_p.bind(*map(ad.instantiate_zeros, cotangents), *others, **params), *none]


def _transpose_spread(cotangents: Any, v: Any, c: Any, *others: Any, **params: Any) -> list[Any]:
    (cotangent,) = cotangents
    none = [None] * len(others)
    linear = [ad.is_undefined_primal(operand) for operand in (v, c)]
    if type(cotangent) is ad.Zero:
        gradients = [ad.Zero(o.aval) if o_linear else None
                     for o, o_linear in zip((v, c), linear, strict=True)]  # fmt: skip
        return [*gradients, *none]
    gradients = project_p.bind(cotangent, *others, **params)
    return [g if own else None for g, own in zip(gradients, linear, strict=True)] + none


def _define(
    primitive: Any,
    operation: str,
    compute: Callable[..., Any],
    shape: Any,
    linear: int,
    differentiated: Callable[..., Any] | None = None,
) -> None:
    implementations.register(operation, "xla", compute)
    compile_when_called(primitive)
    implementations.lower_by_choice(primitive, operation)
    primitive.def_abstract_eval(shape)
    written = differentiated or compute
    ad.primitive_jvps[primitive] = functools.partial(_jvp_of, primitive, written, linear)
    batch_as_written(primitive, lambda *operands, implementation: written(*operands))


def _spread_alone(*operands: Any) -> list[Array]:
    return [_spread(*operands)]


_define(normalise_p, "normalise", _normalise, _normalise_shape, 0, _normalise_sites)
_define(project_p, "project", _project, _project_shape, 1)
_define(spread_p, "spread", _spread_alone, _spread_shape, 2)
ad.primitive_transposes[project_p] = _transpose_project
ad.primitive_transposes[spread_p] = _transpose_spread
