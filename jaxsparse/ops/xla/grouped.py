"""``"scan"``: a convolution in groups of channels, channelwise convolution included.

Every group is a convolution of its own, so there is no wide matrix product to win: one tap after
the other is gathered, multiplied within its group and added. With a channel a group that is an
elementwise product. No product is taken between groups, and nothing is scattered.

Weights are ``[taps, groups, in, out]`` here, with the channels of one group.
"""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
from jaxtyping import Array

from jaxsparse.ops.implementations import register
from jaxsparse.ops.kernel_map import KernelMap
from jaxsparse.ops.precision import precision_for
from jaxsparse.ops.xla.rows import active_rows, take


def apply(kernel_map: KernelMap, x: Array, w: Array, compute_dtype: Any) -> Array:
    """``out[o, g] = sum_k x[in(o, k), g] . w[k, g]``, float32 ``[capacity_out, groups * out]``."""
    padded = _by_group(x.astype(compute_dtype), w.shape[1], absent_rows=1)
    one_channel = w.shape[2:] == (1, 1)

    def add_tap(total: Array, tap: tuple[Array, Array]) -> tuple[Array, None]:
        read, weights = tap
        rows = take(padded, read)
        if one_channel:
            products = rows.astype(jnp.float32) * weights[:, 0].astype(jnp.float32)[None]
        else:
            products = _product("ngi,gio->ngo", rows, weights)
        # The sum is taken of all: a compiler may round it together with the product.
        return jnp.where(_there(read, x), total + products, total), None

    total = jnp.zeros((kernel_map.capacity_out, w.shape[1], w.shape[3]), jnp.float32)
    taps = (kernel_map.table_of_outputs(), w.astype(compute_dtype))
    return jax.lax.scan(add_tap, total, taps)[0].reshape(kernel_map.capacity_out, -1)


def weight_gradient(
    kernel_map: KernelMap, x: Array, g: Array, compute_dtype: Any, groups: int
) -> Array:
    """``w[k, g] = sum_o x[in(o, k), g]^T . g[o, g]``, float32 ``[taps, groups, in, out]``."""
    padded = _by_group(x.astype(compute_dtype), groups, absent_rows=1)
    columns = _by_group(active_rows(g, kernel_map.num_out).astype(compute_dtype), groups)
    one_channel = padded.shape[2] == columns.shape[2] == 1

    def one_tap(read: Array) -> Array:
        rows, own = take(padded, read), jnp.where(_there(read, x), columns, 0)
        if one_channel:
            products = rows.astype(jnp.float32) * own.astype(jnp.float32)
            return jnp.sum(products, axis=0)[:, :, None]
        return _product("ngi,ngo->gio", rows, own)

    return jax.lax.map(one_tap, kernel_map.table_of_outputs())


def _there(read: Array, x: Array) -> Array:
    """Which pairs exist: the zeros of an absent row times an infinite number would be NaN."""
    return (read < x.shape[0])[:, None, None]


def _product(subscripts: str, a: Array, b: Array) -> Array:
    return jnp.einsum(
        subscripts, a, b, precision=precision_for(a.dtype), preferred_element_type=jnp.float32
    )


def _by_group(x: Array, groups: int, absent_rows: int = 0) -> Array:
    """``[rows + absent_rows, groups, channels]``; the absent rows are zero."""
    padded = jnp.pad(x, ((0, absent_rows), (0, 0)))
    return padded.reshape(padded.shape[0], groups, -1)


register("grouped_convolution", "scan", apply)
register("grouped_convolution_weight_gradient", "scan", weight_gradient)
