"""Ways to compute a sparse convolution over a kernel map, all equal, none with a scatter-add.

``"table"``: one gather of all taps of all rows and one matrix product. Few large operations: GPU.
``"blocks"``: the same for one block of output rows after the other, as many blocks as there are active
rows: the gathered block stays in the cache and padding costs nothing. CPU.

A map of kind ``"up"`` has one input per output row, so the order is turned round: multiply every
coarse row with the weights of all taps, then pick one product per fine row.
"""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
from jaxtyping import Array

from jaxsparse.ops.kernel_map import UP, KernelMap

IMPLEMENTATIONS = ("table", "blocks")
PLATFORMS = ("cpu", "cuda", "rocm", "tpu")

# Bytes of one gathered block: half a second-level cache, so that the product finds it there.
BLOCK_BYTES = 2**20


def choose(implementation: str, platform: str, kernel_map: KernelMap) -> str:
    """Resolves ``"auto"``."""
    if implementation != "auto":
        return implementation
    return "blocks" if platform == "cpu" else "table"


def apply(kernel_map: KernelMap, x: Array, w: Array, compute_dtype: Any, flow: str) -> Array:
    """``out[o] = sum_k x[in(o, k)] . w[k]``, float32 ``[capacity_out, out]``."""
    if kernel_map.kind == UP:
        return _apply_up(kernel_map, x, w, compute_dtype)
    taps, channels, out = w.shape
    flat = w.reshape(taps * channels, out).astype(compute_dtype)
    padded = _with_zero_row(x)
    if flow == "table":
        return _product(_gather(padded, kernel_map.table.T), flat, compute_dtype)
    rows = kernel_map.rows
    size = _block_rows(rows, taps * channels)
    table = _pad_rows(kernel_map.table.T, size, kernel_map.columns)

    def block(index: Array, result: Array) -> Array:
        start = index * size
        members = jax.lax.dynamic_slice_in_dim(table, start, size)
        product = _product(_gather(padded, members), flat, compute_dtype)
        return jax.lax.dynamic_update_slice_in_dim(result, product, start, 0)

    result = jnp.zeros((table.shape[0], out), jnp.float32)
    return jax.lax.fori_loop(0, _trips(kernel_map.num_rows, size), block, result)[:rows]


def weight_gradient(
    kernel_map: KernelMap, x: Array, g: Array, compute_dtype: Any, flow: str
) -> Array:
    """``w[k] = sum_o x[in(o, k)]^T . g[o]``, float32 ``[taps, in, out]``."""
    if kernel_map.kind == UP:
        return jnp.swapaxes(
            weight_gradient(kernel_map.transpose(), g, x, compute_dtype, flow), 1, 2
        )
    taps, channels, out = kernel_map.taps, x.shape[1], g.shape[1]
    padded = _with_zero_row(x)
    if flow == "table":
        gathered = _gather(padded, kernel_map.table.T)
        return _product(gathered.T, g, compute_dtype).reshape(taps, channels, out)
    size = _block_rows(kernel_map.rows, taps * channels)
    table = _pad_rows(kernel_map.table.T, size, kernel_map.columns)
    g = _pad_rows(g, size, 0)

    def block(index: Array, total: Array) -> Array:
        start = index * size
        members = jax.lax.dynamic_slice_in_dim(table, start, size)
        rows = jax.lax.dynamic_slice_in_dim(g, start, size)
        return total + _product(_gather(padded, members).T, rows, compute_dtype)

    total = jnp.zeros((taps * channels, out), jnp.float32)
    total = jax.lax.fori_loop(0, _trips(kernel_map.num_rows, size), block, total)
    return total.reshape(taps, channels, out)


def _apply_up(kernel_map: KernelMap, x: Array, w: Array, compute_dtype: Any) -> Array:
    taps, channels, out = w.shape
    flat = jnp.swapaxes(w, 0, 1).reshape(channels, taps * out)
    products = _product(x, flat, compute_dtype).reshape(x.shape[0] * taps, out)
    assert kernel_map.slot is not None  # every map of this kind has it
    return products.at[kernel_map.slot].get(mode="fill", fill_value=0)


def _with_zero_row(x: Array) -> Array:
    """``x`` with the row that absent neighbours read."""
    return jnp.concatenate([x, jnp.zeros((1, x.shape[1]), x.dtype)])


def _gather(padded: Array, table: Array) -> Array:
    """``[rows, taps * channels]``: the features of all taps of a row side by side."""
    rows = padded.at[table].get(mode="promise_in_bounds")
    return rows.reshape(table.shape[0], -1)


def _product(a: Array, b: Array, compute_dtype: Any) -> Array:
    """Matrix product of factors in ``compute_dtype`` with float32 sums."""
    return jnp.matmul(
        a.astype(compute_dtype), b.astype(compute_dtype), preferred_element_type=jnp.float32
    )


def _block_rows(rows: int, width: int) -> int:
    """Rows of a block whose gathered features fit the cache, at least 32, a multiple of 32."""
    size = BLOCK_BYTES // (4 * width)
    return max(32, min(size, -(-rows // 32) * 32) // 32 * 32)


def _pad_rows(array: Array, size: int, fill: Any) -> Array:
    """Rows added up to a multiple of the block size."""
    missing = -array.shape[0] % size
    if not missing:
        return array
    return jnp.concatenate([array, jnp.full((missing, *array.shape[1:]), fill, array.dtype)])


def _trips(count: Array, size: int) -> Array:
    return (count + (size - 1)) // size
