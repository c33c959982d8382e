"""Two ways to compute a sparse convolution over a kernel map. Equal results, no scatter in either.

``"table"``: gather the inputs of all taps of all rows, then one matrix product. Few large operations,
for accelerators; the work follows the capacity.

``"windows"``: for CPU; the work follows the active rows. Rows are in lexicographic order, so the
neighbours of a block of consecutive rows lie in a window of rows hardly longer than the block. The
window is multiplied with the weights of all taps at once, ``[window, in] x [in, taps * out]``, and
every output row adds up one product per tap. A wide product runs at twice the speed of the narrow
``[rows, taps * in] x [taps * in, out]``, the products stay in the cache, and a bfloat16 conversion
touches every feature once instead of once per tap. A block whose window is too long (a track that
fills whole rows of the image) gathers first, as above.

In both, ``"up"`` maps turn the order round: multiply coarse rows with all taps, pick one product per
fine row.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array

from jaxsparse.ops.kernel_map import DOWN, UP, KernelMap

IMPLEMENTATIONS = ("table", "windows")
PLATFORMS = ("cpu", "cuda", "rocm", "tpu")

# Measured on two cores with 2 MiB of second-level cache each; all are flat optima.
WINDOW_BLOCK_ROWS = 2048
GRADIENT_BLOCK_ROWS = 4096
PRODUCT_BYTES = 8 * 2**20


def choose(implementation: str, platform: str) -> str:
    """Resolves ``"auto"``."""
    if implementation != "auto":
        return implementation
    return "windows" if platform == "cpu" else "table"


def apply(kernel_map: KernelMap, x: Array, w: Array, compute_dtype: Any, flow: str) -> Array:
    """``out[o] = sum_k x[in(o, k)] . w[k]``, float32 ``[capacity_out, out]``."""
    x, w = x.astype(compute_dtype), w.astype(compute_dtype)
    if flow == "windows":
        return _apply_windows(kernel_map, x, w)
    if kernel_map.kind == UP:
        products = _product(x, _side_by_side(w)).reshape(-1, w.shape[2])
        return products.at[kernel_map.slot].get(mode="fill", fill_value=0)
    return _gather_first(_grow(x, x.shape[0] + 1, 0), kernel_map.table, w)


def weight_gradient(
    kernel_map: KernelMap, x: Array, g: Array, compute_dtype: Any, flow: str
) -> Array:
    """``w[k] = sum_o x[in(o, k)]^T . g[o]``, float32 ``[taps, in, out]``."""
    if kernel_map.kind == UP:
        swapped = weight_gradient(kernel_map.transpose(), g, x, compute_dtype, flow)
        return jnp.swapaxes(swapped, 1, 2)
    x, g = x.astype(compute_dtype), g.astype(compute_dtype)
    padded = _grow(x, x.shape[0] + 1, 0)
    if flow == "windows":
        return _weight_gradient_blocks(kernel_map, padded, g)
    gathered = _rows(padded, kernel_map.table.T).reshape(kernel_map.rows, -1)
    return _product(gathered.T, g).reshape(kernel_map.taps, x.shape[1], g.shape[1])


class _Blocks(NamedTuple):
    """Output rows cut into equal blocks; ``count`` blocks of ``size`` rows cover the capacity."""

    count: int
    size: int

    @classmethod
    def of(cls, rows: int, target: int) -> _Blocks:
        # Up to one and a half targets stay one block, and blocks are equal: little is wasted.
        wanted = max(1, round(rows / target))
        size = _round_up(-(-rows // wanted), 32)
        return cls(-(-rows // size), size)

    @property
    def rows(self) -> int:
        return self.count * self.size

    def active(self, num_rows: Array) -> Array:
        """Blocks that hold an active row: a trip count that depends on the data."""
        return (num_rows + (self.size - 1)) // self.size

    def take(self, array: Array, index: Array) -> Array:
        """Block ``index`` of the last axis."""
        return jax.lax.dynamic_slice_in_dim(array, index * self.size, self.size, axis=-1)


def _apply_windows(kernel_map: KernelMap, x: Array, w: Array) -> Array:
    taps, channels, out = w.shape
    absent = kernel_map.capacity_in
    reads, tap = _reads(kernel_map)
    blocks = _Blocks.of(kernel_map.capacity_out, WINDOW_BLOCK_ROWS)
    reads = _grow(reads, blocks.rows, absent, axis=1)
    tap = tap if tap is None else _grow(tap, blocks.rows, 0)
    result = jnp.zeros((blocks.rows, out), jnp.float32)
    if kernel_map.kind == DOWN:
        # Few taps and several fine rows per coarse row: gathering first multiplies less.
        padded = _grow(x, absent + 1, 0)

        def down(index: Array, result: Array) -> Array:
            part = _gather_first(padded, blocks.take(reads, index), w)
            return _put(result, part, index * blocks.size)

        trips = blocks.active(kernel_map.num_out)
        return jax.lax.fori_loop(0, trips, down, result)[: kernel_map.capacity_out]

    if blocks.count == 1 and absent <= 2 * blocks.size:
        padded = _grow(x, _round_up(absent + 1, 32), 0)
        part = _multiply_first(padded, reads, tap, w)
        return part[: kernel_map.capacity_out]

    length = _round_up(blocks.size + blocks.size // 8, 32)
    padded = _grow(x, absent + length, 0)
    per_block = reads.reshape(-1, blocks.count, blocks.size)
    first = per_block.min(axis=(0, 2))
    last = jnp.where(per_block < absent, per_block, -1).max(axis=(0, 2))
    fits = last - first < length - 1  # the last row of a window is kept zero, for the absent
    relative = jnp.where(per_block < absent, per_block - first[:, None], length - 1)
    relative = relative.reshape(reads.shape)
    zero_last = (jnp.arange(length) < length - 1)[:, None]

    def block(index: Array, result: Array) -> Array:
        own_tap = tap if tap is None else blocks.take(tap, index)

        def window() -> Array:
            rows = jax.lax.dynamic_slice_in_dim(padded, first[index], length)
            rows = jnp.where(zero_last, rows, 0)
            return _multiply_first(rows, blocks.take(relative, index), own_tap, w)

        def scattered() -> Array:
            table = blocks.take(reads, index)
            if own_tap is not None:
                table = jnp.where(own_tap == jnp.arange(taps)[:, None], table, absent)
            return _gather_first(padded, table, w)

        part = jax.lax.cond(fits[index], window, scattered)
        return _put(result, part, index * blocks.size)

    trips = blocks.active(kernel_map.num_out)
    return jax.lax.fori_loop(0, trips, block, result)[: kernel_map.capacity_out]


def _reads(kernel_map: KernelMap) -> tuple[Array, Array | None]:
    """Input rows ``[reads, rows]`` of every output row, and their taps where these are data."""
    if kernel_map.kind != UP:
        return kernel_map.table, None
    assert kernel_map.slot is not None  # every map of this kind has it
    return (kernel_map.slot // kernel_map.taps)[None], kernel_map.slot % kernel_map.taps


def _weight_gradient_blocks(kernel_map: KernelMap, padded: Array, g: Array) -> Array:
    taps, channels, out = kernel_map.taps, padded.shape[1], g.shape[1]
    blocks = _Blocks.of(kernel_map.rows, GRADIENT_BLOCK_ROWS)
    table = _grow(kernel_map.table, blocks.rows, padded.shape[0] - 1, axis=1)
    # Transposed once: a product that contracts the rows of both factors packs one of them slowly.
    columns = jax.lax.optimization_barrier(_grow(g, blocks.rows, 0).T)

    def block(index: Array, total: Array) -> Array:
        own = jax.lax.optimization_barrier(blocks.take(columns, index))
        members = blocks.take(table, index)

        def one_tap(tap: Array, total: Array) -> Array:
            read = jax.lax.dynamic_index_in_dim(members, tap, keepdims=False)
            so_far = jax.lax.dynamic_index_in_dim(total, tap, keepdims=False)
            so_far += _product(own, _rows(padded, read))
            return jax.lax.dynamic_update_index_in_dim(total, so_far, tap, 0)

        return jax.lax.fori_loop(0, taps, one_tap, total)

    total = jnp.zeros((taps, out, channels), jnp.float32)
    total = jax.lax.fori_loop(0, blocks.active(kernel_map.num_rows), block, total)
    return jnp.swapaxes(total, 1, 2)


def _multiply_first(rows: Array, reads: Array, tap: Array | None, w: Array) -> Array:
    """``sum_k (rows . w[k])[reads[k]]``; or the product with the own ``tap`` of every row."""
    taps, _, out = w.shape
    if tap is not None:
        products = _product(rows, _side_by_side(w)).reshape(-1, taps, out)
        return products.at[reads[0], tap].get(mode="promise_in_bounds")
    groups = -(-rows.shape[0] * taps * out * 4 // PRODUCT_BYTES)
    size = -(-taps // groups)
    total = jnp.zeros((), jnp.float32)
    for start in range(0, taps, size):
        part = w[start : start + size]
        products = _product(rows, _side_by_side(part)).reshape(-1, part.shape[0], out)
        for k in range(part.shape[0]):
            total = total + products.at[reads[start + k], k].get(mode="promise_in_bounds")
    return total


def _gather_first(padded: Array, table: Array, w: Array) -> Array:
    """One product of the inputs of all taps, ``[rows, taps * in]``, with all weights."""
    gathered = _rows(padded, table.T).reshape(table.shape[1], -1)
    return _product(gathered, w.reshape(-1, w.shape[2]))


def _rows(padded: Array, index: Array) -> Array:
    return padded.at[index].get(mode="promise_in_bounds")


def _side_by_side(w: Array) -> Array:
    """``[taps, in, out]`` to ``[in, taps * out]``."""
    return jnp.swapaxes(w, 0, 1).reshape(w.shape[1], -1)


def _product(a: Array, b: Array) -> Array:
    """Matrix product with float32 sums, whatever the type of the factors."""
    return jnp.matmul(a, b, preferred_element_type=jnp.float32)


def _put(result: Array, part: Array, start: Array) -> Array:
    return jax.lax.dynamic_update_slice_in_dim(result, part, start, 0)


def _grow(array: Array, length: int, fill: Any, axis: int = 0) -> Array:
    """``array`` with an axis filled up to ``length``."""
    missing = length - array.shape[axis]
    if missing <= 0:
        return array
    shape = list(array.shape)
    shape[axis] = missing
    return jnp.concatenate([array, jnp.full(shape, fill, array.dtype)], axis=axis)


def _round_up(number: int, multiple: int) -> int:
    return -(-number // multiple) * multiple
