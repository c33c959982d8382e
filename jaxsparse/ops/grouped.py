"""The data flow of a convolution in groups of channels, channelwise convolution included.

Every group is a convolution of its own, so there is no wide matrix product to win: one tap after
the other is gathered, multiplied within its group and added. With a channel a group that is an
elementwise product, for which there are native kernels on CPU. No product is taken between groups,
and nothing is scattered.

Weights are ``[taps, groups, in, out]`` here, with the channels of one group.
"""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
from jaxtyping import Array

from jaxsparse.ops import native
from jaxsparse.ops.dataflow import active_rows
from jaxsparse.ops.kernel_map import UP, KernelMap
from jaxsparse.ops.precision import precision_for


def apply(
    kernel_map: KernelMap, x: Array, w: Array, compute_dtype: Any, *, flow: str = "scan"
) -> Array:
    """``out[o, g] = sum_k x[in(o, k), g] . w[k, g]``, float32 ``[capacity_out, groups * out]``.

    ``flow="native"`` takes the kernels where a group has one channel.
    """
    if flow == "native" and w.shape[2:] == (1, 1) and w.shape[0] <= native.MAX_TAPS:
        return native.channelwise_apply(
            _reads(kernel_map), kernel_map.num_out, kernel_map.capacity_in, x, w[..., 0, 0],
            compute_dtype,
        )  # fmt: skip
    padded = _by_group(x.astype(compute_dtype), w.shape[1], absent_rows=1)
    one_channel = w.shape[2:] == (1, 1)

    def add_tap(total: Array, tap: tuple[Array, Array]) -> tuple[Array, None]:
        read, weights = tap
        rows = padded.at[read].get(mode="promise_in_bounds")
        if one_channel:
            return total + rows.astype(jnp.float32) * weights[:, 0].astype(jnp.float32)[None], None
        return total + _product("ngi,gio->ngo", rows, weights), None

    total = jnp.zeros((kernel_map.capacity_out, w.shape[1], w.shape[3]), jnp.float32)
    taps = (_reads(kernel_map), w.astype(compute_dtype))
    return jax.lax.scan(add_tap, total, taps)[0].reshape(kernel_map.capacity_out, -1)


def weight_gradient(
    kernel_map: KernelMap,
    x: Array,
    g: Array,
    compute_dtype: Any,
    groups: int,
    *,
    flow: str = "scan",
) -> Array:
    """``w[k, g] = sum_o x[in(o, k), g]^T . g[o, g]``, float32 ``[taps, groups, in, out]``."""
    channelwise = x.shape[1] == g.shape[1] == groups
    if flow == "native" and channelwise and kernel_map.taps <= native.MAX_TAPS:
        return native.channelwise_weight_gradient(
            _reads(kernel_map), kernel_map.num_out, kernel_map.capacity_in, x, g, compute_dtype
        )[..., None, None]
    padded = _by_group(x.astype(compute_dtype), groups, absent_rows=1)
    columns = _by_group(active_rows(g, kernel_map.num_out).astype(compute_dtype), groups)
    one_channel = padded.shape[2] == columns.shape[2] == 1

    def one_tap(read: Array) -> Array:
        rows = padded.at[read].get(mode="promise_in_bounds")
        if one_channel:
            products = rows.astype(jnp.float32) * columns.astype(jnp.float32)
            return jnp.sum(products, axis=0)[:, :, None]
        return _product("ngi,ngo->gio", rows, columns)

    return jax.lax.map(one_tap, _reads(kernel_map))


def _product(subscripts: str, a: Array, b: Array) -> Array:
    return jnp.einsum(
        subscripts, a, b, precision=precision_for(a.dtype), preferred_element_type=jnp.float32
    )


def _by_group(x: Array, groups: int, absent_rows: int = 0) -> Array:
    """``[rows + absent_rows, groups, channels]``; the absent rows are zero."""
    padded = jnp.pad(x, ((0, absent_rows), (0, 0)))
    return padded.reshape(padded.shape[0], groups, -1)


def _reads(kernel_map: KernelMap) -> Array:
    """int32 ``[taps, capacity_out]``: the input row of every tap of every output row."""
    if kernel_map.kind != UP:
        return kernel_map.table
    assert kernel_map.slot is not None  # every map of this kind has it
    tap = jnp.arange(kernel_map.taps, dtype=jnp.int32)[:, None]
    # Taps of these maps are a power of two.
    parent = kernel_map.slot >> (kernel_map.taps.bit_length() - 1)
    own = (kernel_map.slot & (kernel_map.taps - 1)) == tap
    return jnp.where(own, parent, kernel_map.capacity_in)
