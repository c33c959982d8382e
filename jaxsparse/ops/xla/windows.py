"""``"windows"``: for CPU with XLA alone, as an exported program has it; no scatter in it.

The work follows the active rows. Rows are in lexicographic order, so the neighbours of a block of
consecutive rows lie in a window of rows hardly longer than the block. The window is multiplied with
the weights of all taps at once, ``[window, in] x [in, taps * out]``, and every output row adds up
one product per tap. A wide product runs at twice the speed of the narrow ``[rows, taps * in] x
[taps * in, out]``, the products stay in the cache, and a bfloat16 conversion touches every feature
once instead of once per tap. A block that reads further than one window (a track that fills whole
rows of the image) takes several.

``"up"`` maps turn the order round: multiply coarse rows with all taps, pick one product per fine
row. ``"general"`` maps gather first onto fewer rows and multiply first onto more: the matrix
product is over the smaller side.

Gathered rows are zero where they are absent, and zero times an infinite weight is NaN. So weights
and cotangents that are not all finite take a longer way, which leaves out pairs that do not exist.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Int

from jaxsparse.ops.implementations import register
from jaxsparse.ops.kernel_map import DOWN, GENERAL, UP, KernelMap
from jaxsparse.ops.xla.rows import active_rows, gather_first, grow, product, side_by_side, take

# Measured on two cores with 2 MiB of second-level cache each; flat optima, that of the output rows
# of a block for 32 to 160 channels.
WINDOW_BLOCK_ROWS = 2048
GRADIENT_BLOCK_ROWS = 4096
PRODUCT_BYTES = 8 * 2**20


class Windows(NamedTuple):
    """For each block of consecutive rows the range of rows on the other side that its taps reach.

    Attributes:
      first: int32 ``[blocks]``, first row reached.
      last: int32 ``[blocks]``, one past the last row reached, 0 if there is none.
      size: rows of a block.
    """

    first: Int[Array, " blocks"]
    last: Int[Array, " blocks"]
    size: int

    @classmethod
    def of(cls, table: Int[Array, "taps rows"], absent: int) -> Windows:
        """Measures a table whose absent entries are ``absent``, the largest number in it."""
        size = block_rows(table.shape[1], WINDOW_BLOCK_ROWS)
        missing = -table.shape[1] % size
        table = jnp.pad(table, ((0, 0), (0, missing)), constant_values=absent)
        blocks = table.reshape(table.shape[0], -1, size)
        reached = jnp.where(blocks < absent, blocks, -1)
        return cls(blocks.min(axis=(0, 2)), reached.max(axis=(0, 2)) + 1, size)


def block_rows(rows: int, target: int) -> int:
    """Rows of equal blocks near ``target``; up to one and a half targets stay one block.

    >>> block_rows(100, 2048), block_rows(2500, 2048), block_rows(17400, 2048)
    (128, 2528, 2176)
    """
    blocks = max(1, round(rows / target))
    return -(-rows // (32 * blocks)) * 32


def apply(kernel_map: KernelMap, x: Array, w: Array, compute_dtype: Any) -> Array:
    """``out[o] = sum_k x[in(o, k)] . w[k]``, float32 ``[capacity_out, out]``."""
    x, w = x.astype(compute_dtype), w.astype(compute_dtype)
    if kernel_map.is_identity:
        return active_rows(product(x, w[0]), kernel_map.num_out)
    if kernel_map.kind == DOWN or (kernel_map.kind == GENERAL and not kernel_map.expands):
        finite = jnp.isfinite(w).all()
        return jax.lax.cond(finite, _apply_gathered, _apply_by_tap, kernel_map, x, w)
    return _apply_windows(kernel_map, x, w)


def weight_gradient(kernel_map: KernelMap, x: Array, g: Array, compute_dtype: Any) -> Array:
    """``w[k] = sum_o x[in(o, k)]^T . g[o]``, float32 ``[taps, in, out]``."""
    x, g = x.astype(compute_dtype), active_rows(g, kernel_map.num_rows).astype(compute_dtype)
    if kernel_map.is_identity:
        return product(active_rows(x, kernel_map.num_in).T, g)[None]
    return _weight_gradient_blocks(kernel_map, grow(x, x.shape[0] + 1, 0), g)


def _apply_windows(kernel_map: KernelMap, x: Array, w: Array) -> Array:
    capacity, absent, out = kernel_map.capacity_out, kernel_map.capacity_in, w.shape[2]
    reads, tap = _reads(kernel_map)
    windows = Windows.of(reads, absent)
    size, blocks = windows.size, windows.first.shape[0]
    reads = grow(reads, blocks * size, absent, axis=1)
    tap = tap if tap is None else grow(tap, blocks * size, 0)
    if blocks == 1 and absent <= 2 * size:
        padded = grow(x, _round_up(absent + 1, 32), 0)
        packed = _pack(kernel_map, w, padded.shape[0])
        return _multiply_first(padded, reads, tap, packed, out, absent)[:capacity]

    length = _round_up(size + size // 8, 32)
    padded = grow(x, absent + length, 0)
    packed = _pack(kernel_map, w, length)  # out here: XLA would repeat it in every step
    # One more block, so that the step past the last one reads something.
    first = grow(windows.first, blocks + 1, 0)
    last = windows.last
    trips = _trips(kernel_map.num_out, size)

    def unfinished(state: tuple[Array, Array, Array]) -> Array:
        return state[0] < trips

    def one_window(state: tuple[Array, Array, Array]) -> tuple[Array, Array, Array]:
        index, start, result = state
        rows = jax.lax.dynamic_slice_in_dim(padded, start, length)
        own = jax.lax.dynamic_slice_in_dim(reads, index * size, size, axis=1) - start
        own_tap = None
        if tap is not None:
            own_tap = jax.lax.dynamic_slice_in_dim(tap, index * size, size)
        part = jax.lax.dynamic_slice_in_dim(result, index * size, size)
        end = jnp.minimum(length, absent - start)
        part = part + _multiply_first(rows, own, own_tap, packed, out, end)
        result = jax.lax.dynamic_update_slice_in_dim(result, part, index * size, 0)
        # Almost always one window holds all that a block reads; if not, take the next one.
        start = start + length
        done = start >= last[index]
        index = index + done.astype(jnp.int32)
        return index, jnp.where(done, first[index], start), result

    result = jnp.zeros((blocks * size, out), jnp.float32)
    state = (jnp.zeros((), jnp.int32), first[0], result)
    return jax.lax.while_loop(unfinished, one_window, state)[2][:capacity]


def _apply_gathered(kernel_map: KernelMap, x: Array, w: Array) -> Array:
    """Onto fewer rows than those of the input: gathering multiplies less."""
    capacity, absent = kernel_map.capacity_out, kernel_map.capacity_in
    size = block_rows(capacity, WINDOW_BLOCK_ROWS)
    table = grow(kernel_map.table, _round_up(capacity, size), absent, axis=1)
    padded = grow(x, absent + 1, 0)
    if table.shape[1] == size:
        return gather_first(padded, table, w)[:capacity]

    def block(index: Array, result: Array) -> Array:
        own = jax.lax.dynamic_slice_in_dim(table, index * size, size, axis=1)
        part = gather_first(padded, own, w)
        return jax.lax.dynamic_update_slice_in_dim(result, part, index * size, 0)

    result = jnp.zeros((table.shape[1], w.shape[2]), jnp.float32)
    return jax.lax.fori_loop(0, _trips(kernel_map.num_out, size), block, result)[:capacity]


def _apply_by_tap(kernel_map: KernelMap, x: Array, w: Array) -> Array:
    """One tap after the other, each added to the rows that have it."""
    absent = kernel_map.capacity_in
    padded = grow(x, absent + 1, 0)

    def add_tap(total: Array, tap: tuple[Array, Array]) -> tuple[Array, None]:
        read, weights = tap
        products = product(take(padded, read), weights)
        return jnp.where((read < absent)[:, None], total + products, total), None

    total = jnp.zeros((kernel_map.capacity_out, w.shape[2]), jnp.float32)
    return jax.lax.scan(add_tap, total, (kernel_map.table, w))[0]


def _reads(kernel_map: KernelMap) -> tuple[Array, Array | None]:
    """Input rows ``[reads, rows]`` of every output row, and their taps where these are data."""
    if kernel_map.kind != UP:
        return kernel_map.table, None
    parent, tap = kernel_map.parent_and_tap()
    return parent[None], tap


def _weight_gradient_blocks(kernel_map: KernelMap, padded: Array, g: Array) -> Array:
    taps, channels, out = kernel_map.taps, padded.shape[1], g.shape[1]
    size = block_rows(kernel_map.rows, GRADIENT_BLOCK_ROWS)
    rows = _round_up(kernel_map.rows, size)
    absent, finite = padded.shape[0] - 1, jnp.isfinite(g).all()
    table = grow(kernel_map.table, rows, absent, axis=1)
    # Transposed once: a product that contracts the rows of both factors packs one of them slowly.
    columns = jax.lax.optimization_barrier(grow(g, rows, 0).T)

    def of_existing(own: Array, inputs: Array, read: Array) -> Array:
        return product(jnp.where(read < absent, own, 0), inputs)

    def one_tap(step: Array, total: Array) -> Array:
        tap = jax.lax.rem(step, jnp.int32(taps))
        start = jax.lax.div(step, jnp.int32(taps)) * size
        read = jax.lax.dynamic_slice(table, (tap, start), (1, size))[0]
        own = columns
        if rows > size:
            own = jax.lax.dynamic_slice_in_dim(columns, start, size, axis=1)
        so_far = jax.lax.dynamic_index_in_dim(total, tap, keepdims=False)
        operands = own, take(padded, read), read
        so_far += jax.lax.cond(finite, lambda a, b, _: product(a, b), of_existing, *operands)
        return jax.lax.dynamic_update_index_in_dim(total, so_far, tap, 0)

    total = jnp.zeros((taps, out, channels), jnp.float32)
    trips = _trips(kernel_map.num_rows, size) * taps
    return jnp.swapaxes(jax.lax.fori_loop(0, trips, one_tap, total), 1, 2)


def _multiply_first(
    rows: Array, reads: Array, tap: Array | None, packed: list[Array], out: int, end: Any
) -> Array:
    """``sum_k (rows . w[k])[reads[k]]``, or the product with the own ``tap`` of every row.

    ``packed`` are the weights of consecutive taps side by side. Reads before the given rows, and
    from row ``end`` on, count as zero.
    """
    inside = (reads >= 0) & (reads < end)
    reads = jnp.where(inside, reads, 0)
    if tap is not None:
        products = product(rows, packed[0]).reshape(rows.shape[0], -1, out)
        picked = products.at[reads[0], tap].get(mode="promise_in_bounds")
        return jnp.where(inside[0, :, None], picked, 0)
    total = jnp.zeros((), jnp.float32)
    tap_number = 0
    for part in packed:
        products = product(rows, part).reshape(rows.shape[0], -1, out)
        for k in range(products.shape[1]):
            picked = products.at[reads[tap_number], k].get(mode="promise_in_bounds")
            total = total + jnp.where(inside[tap_number, :, None], picked, 0)
            tap_number += 1
    return total


def _pack(kernel_map: KernelMap, w: Array, rows: int) -> list[Array]:
    """Weights side by side, in groups whose products of ``rows`` rows stay within the cache."""
    taps, _, out = w.shape
    if kernel_map.kind == UP:
        return [side_by_side(w)]
    groups = -(-rows * taps * out * 4 // PRODUCT_BYTES)
    size = -(-taps // groups)
    return [side_by_side(w[start : start + size]) for start in range(0, taps, size)]


def _round_up(number: int, multiple: int) -> int:
    return -(-number // multiple) * multiple


def _trips(rows: Array, size: int) -> Array:
    """Blocks that hold an active row: a trip count that depends on the data."""
    return jax.lax.div(rows + (size - 1), jnp.int32(size))


register("convolution", "windows", apply, best_on=("cpu",))
register("convolution_weight_gradient", "windows", weight_gradient, best_on=("cpu",))
