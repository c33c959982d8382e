"""Moments over the active rows, channel by channel, as a primitive.

    moments(x) = [sum x, sum (x - m)^2],    m the mean of the active rows of x

Its derivative is a ``project`` (``channel_maps.py``). Two data flows give the same numbers to
rounding: ``"xla"``, masked sums, and ``"native"``, a kernel for the CPU that never reads padding
and keeps the first-level cache.
"""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
from jax.extend.core import Primitive
from jax.interpreters import ad
from jaxtyping import Array, Float, Float32, Int32

from jaxsparse.ops import implementations
from jaxsparse.ops.channel_maps import OPEN_GATE, active_rows, project_p
from jaxsparse.ops.manual_axes import varies
from jaxsparse.ops.primitive import batch_as_written, compile_when_called


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
    implementations.check_name("column_moments", implementation)
    if varies(x, num_active):
        return _moments(x, num_active)
    return moments_p.bind(x, num_active, implementation=implementation)


moments_p = Primitive("column_moments")


def _moments(x: Any, num_active: Any) -> Array:
    x, mask = x.astype(jnp.float32), active_rows(x, num_active)
    total = jnp.sum(jnp.where(mask, x, 0), axis=0)
    distance = jnp.where(mask, x - _mean(total, num_active)[None], 0)
    return jnp.stack([total, jnp.sum(jnp.square(distance), axis=0)])


def _mean(total: Any, num_active: Any) -> Array:
    return total / jnp.maximum(jnp.asarray(num_active, jnp.float32), 1.0)


@moments_p.def_abstract_eval
def _moments_shape(x: Any, _: Any, **_params: Any) -> Any:
    return jax.core.ShapedArray((2, x.shape[1]), jnp.float32)


def _moments_jvp(primals: Any, tangents: Any, **params: Any) -> tuple[Any, Any]:
    x, num_active = primals
    out = moments_p.bind(x, num_active, **params)
    if type(tangents[0]) is ad.Zero:
        return out, jnp.zeros_like(out)
    # The mean moves too, which the sum of distances, zero, does not notice.
    mean = _mean(out[0], num_active)
    fixed = (jnp.full_like(mean, number) for number in (1.0, *OPEN_GATE))
    _, change = project_p.bind(tangents[0], x, jnp.stack([mean, *fixed]), num_active, **params)
    return out, change * jnp.array([[1.0], [2.0]], jnp.float32)


implementations.register("column_moments", "xla", _moments)
compile_when_called(moments_p)
implementations.lower_by_choice(moments_p, "column_moments")
ad.primitive_jvps[moments_p] = _moments_jvp
batch_as_written(moments_p, lambda *operands, implementation: _moments(*operands))
