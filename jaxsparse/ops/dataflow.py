"""Three ways to compute a sparse convolution over a kernel map. Equal results, no scatter in any.

``"native"``: for CPU; kernels of our own (``native``), which read rows where they lie and multiply
only pairs that exist. The default on CPU where llvmlite is installed.

``"table"``: gather the inputs of all taps of all rows, then one matrix product. Few large
operations, for accelerators; the work follows the capacity.

``"windows"``: for CPU with XLA alone, as an exported program has it; the work follows the active
rows. Rows are in lexicographic order, so the
neighbours of a block of consecutive rows lie in a window of rows hardly longer than the block. The
window is multiplied with the weights of all taps at once, ``[window, in] x [in, taps * out]``, and
every output row adds up one product per tap. A wide product runs at twice the speed of the narrow
``[rows, taps * in] x [taps * in, out]``, the products stay in the cache, and a bfloat16 conversion
touches every feature once instead of once per tap. A block that reads further than one window (a
track that fills whole rows of the image) takes several.

In these two, ``"up"`` maps turn the order round: multiply coarse rows with all taps, pick one
product per fine row. ``"general"`` maps gather first onto fewer rows and multiply first onto more:
the matrix product is over the smaller side.
"""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
from jaxtyping import Array

from jaxsparse.errors import InputError
from jaxsparse.ops import native
from jaxsparse.ops.kernel_map import (
    DOWN,
    GENERAL,
    UP,
    WINDOW_BLOCK_ROWS,
    KernelMap,
    block_rows,
)
from jaxsparse.ops.precision import precision_for

IMPLEMENTATIONS = ("table", "windows", "native")

# Measured on two cores with 2 MiB of second-level cache each; flat optima.
GRADIENT_BLOCK_ROWS = 4096
PRODUCT_BYTES = 8 * 2**20


def choose(implementation: str, platform: str, *, exported: bool, native_serves: bool) -> str:
    """Resolves ``"auto"``, and refuses what is not there.

    Args:
        implementation: ``"auto"`` or one of ``IMPLEMENTATIONS``.
        platform: that the program is for.
        exported: it is to run elsewhere: only what XLA itself brings may be in it.
        native_serves: the native kernels are at hand and made for the operands.

    Raises:
        InputError: ``"native"`` was asked for and cannot be had.
    """
    if implementation == "native":
        if platform != "cpu" or exported or not native_serves:
            raise InputError(
                f"implementation is 'native' on {platform}{' for export' if exported else ''}: it "
                "serves programs that run on this machine's CPU, with llvmlite installed, in "
                f"float32 or bfloat16, with at most {native.MAX_CHANNELS} channels; use 'auto'"
            )
        return implementation
    if implementation != "auto":
        return implementation
    if platform != "cpu":
        return "table"
    return "native" if native_serves and not exported else "windows"


def apply(kernel_map: KernelMap, x: Array, w: Array, compute_dtype: Any, flow: str) -> Array:
    """``out[o] = sum_k x[in(o, k)] . w[k]``, float32 ``[capacity_out, out]``."""
    if flow == "native":
        return native.apply(kernel_map, x, w, compute_dtype)
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
    if _expands(kernel_map):
        swapped = weight_gradient(kernel_map.transpose(), g, x, compute_dtype, flow)
        return jnp.swapaxes(swapped, 1, 2)
    if flow == "native":
        return native.weight_gradient(kernel_map, x, g, compute_dtype)
    x, g = x.astype(compute_dtype), active_rows(g, kernel_map.num_rows).astype(compute_dtype)
    padded = _grow(x, x.shape[0] + 1, 0)
    if flow == "windows":
        return _weight_gradient_blocks(kernel_map, padded, g)
    gathered = _rows(padded, kernel_map.table.T).reshape(kernel_map.rows, -1)
    return _product(gathered.T, g).reshape(kernel_map.taps, x.shape[1], g.shape[1])


def active_rows(g: Array, count: Array) -> Array:
    """``g`` with padding rows made zero, which may hold anything.

    They are multiplied with the zeros of an absent row, and zero times an infinite cotangent, such
    as that of a square root at the zeros of padding, is NaN.
    """
    active = jnp.arange(g.shape[0], dtype=jnp.int32) < count
    return jnp.where(active[:, None], g, jnp.zeros((), g.dtype))


def _apply_windows(kernel_map: KernelMap, x: Array, w: Array) -> Array:
    if kernel_map.kind == DOWN or (kernel_map.kind == GENERAL and not _expands(kernel_map)):
        return _apply_gathered(kernel_map, x, w)
    capacity, absent, out = kernel_map.capacity_out, kernel_map.capacity_in, w.shape[2]
    size = kernel_map.windows.size
    blocks = kernel_map.windows.first.shape[0]
    reads, tap = _reads(kernel_map)
    reads = _grow(reads, blocks * size, absent, axis=1)
    tap = tap if tap is None else _grow(tap, blocks * size, 0)
    if blocks == 1 and absent <= 2 * size:
        padded = _grow(x, _round_up(absent + 1, 32), 0)
        packed = _pack(kernel_map, w, padded.shape[0])
        return _multiply_first(padded, reads, tap, packed, out)[:capacity]

    length = _round_up(size + size // 8, 32)
    padded = _grow(x, absent + length, 0)
    packed = _pack(kernel_map, w, length)  # out here: XLA would repeat it in every step
    # One more block, so that the step past the last one reads something.
    first = _grow(kernel_map.windows.first, blocks + 1, 0)
    last = kernel_map.windows.last
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
        part = part + _multiply_first(rows, own, own_tap, packed, out)
        result = jax.lax.dynamic_update_slice_in_dim(result, part, index * size, 0)
        # Almost always one window holds all that a block reads; if not, take the next one.
        start = start + length
        done = start >= last[index]
        index = index + done.astype(jnp.int32)
        return index, jnp.where(done, first[index], start), result

    result = jnp.zeros((blocks * size, out), jnp.float32)
    state = (jnp.zeros((), jnp.int32), first[0], result)
    return jax.lax.while_loop(unfinished, one_window, state)[2][:capacity]


def _expands(kernel_map: KernelMap) -> bool:
    """Whether the output is the larger side."""
    if kernel_map.kind == GENERAL:
        return kernel_map.capacity_out > kernel_map.capacity_in
    return kernel_map.kind == UP


def _apply_gathered(kernel_map: KernelMap, x: Array, w: Array) -> Array:
    """Onto fewer rows than those of the input: gathering multiplies less."""
    capacity, absent = kernel_map.capacity_out, kernel_map.capacity_in
    size = block_rows(capacity, WINDOW_BLOCK_ROWS)
    table = _grow(kernel_map.table, _round_up(capacity, size), absent, axis=1)
    padded = _grow(x, absent + 1, 0)
    if table.shape[1] == size:
        return _gather_first(padded, table, w)[:capacity]

    def block(index: Array, result: Array) -> Array:
        own = jax.lax.dynamic_slice_in_dim(table, index * size, size, axis=1)
        part = _gather_first(padded, own, w)
        return jax.lax.dynamic_update_slice_in_dim(result, part, index * size, 0)

    result = jnp.zeros((table.shape[1], w.shape[2]), jnp.float32)
    return jax.lax.fori_loop(0, _trips(kernel_map.num_out, size), block, result)[:capacity]


def _reads(kernel_map: KernelMap) -> tuple[Array, Array | None]:
    """Input rows ``[reads, rows]`` of every output row, and their taps where these are data."""
    if kernel_map.kind != UP:
        return kernel_map.table, None
    assert kernel_map.slot is not None  # every map of this kind has it
    # Taps of these maps are a power of two; a shift has none of the sign cases of a division.
    bits = kernel_map.taps.bit_length() - 1
    return (kernel_map.slot >> bits)[None], kernel_map.slot & (kernel_map.taps - 1)


def _weight_gradient_blocks(kernel_map: KernelMap, padded: Array, g: Array) -> Array:
    taps, channels, out = kernel_map.taps, padded.shape[1], g.shape[1]
    size = block_rows(kernel_map.rows, GRADIENT_BLOCK_ROWS)
    rows = _round_up(kernel_map.rows, size)
    table = _grow(kernel_map.table, rows, padded.shape[0] - 1, axis=1)
    # Transposed once: a product that contracts the rows of both factors packs one of them slowly.
    columns = jax.lax.optimization_barrier(_grow(g, rows, 0).T)

    def one_tap(step: Array, total: Array) -> Array:
        tap = jax.lax.rem(step, jnp.int32(taps))
        start = jax.lax.div(step, jnp.int32(taps)) * size
        read = jax.lax.dynamic_slice(table, (tap, start), (1, size))[0]
        own = columns
        if rows > size:
            own = jax.lax.dynamic_slice_in_dim(columns, start, size, axis=1)
        so_far = jax.lax.dynamic_index_in_dim(total, tap, keepdims=False)
        so_far += _product(own, _rows(padded, read))
        return jax.lax.dynamic_update_index_in_dim(total, so_far, tap, 0)

    total = jnp.zeros((taps, out, channels), jnp.float32)
    trips = _trips(kernel_map.num_rows, size) * taps
    return jnp.swapaxes(jax.lax.fori_loop(0, trips, one_tap, total), 1, 2)


def _multiply_first(
    rows: Array, reads: Array, tap: Array | None, packed: list[Array], out: int
) -> Array:
    """``sum_k (rows . w[k])[reads[k]]``, or the product with the own ``tap`` of every row.

    ``packed`` are the weights of consecutive taps side by side. Reads outside the given rows count
    as zero.
    """
    inside = (reads >= 0) & (reads < rows.shape[0])
    reads = jnp.where(inside, reads, 0)
    if tap is not None:
        products = _product(rows, packed[0]).reshape(rows.shape[0], -1, out)
        picked = products.at[reads[0], tap].get(mode="promise_in_bounds")
        return jnp.where(inside[0, :, None], picked, 0)
    total = jnp.zeros((), jnp.float32)
    tap_number = 0
    for part in packed:
        products = _product(rows, part).reshape(rows.shape[0], -1, out)
        for k in range(products.shape[1]):
            picked = products.at[reads[tap_number], k].get(mode="promise_in_bounds")
            total = total + jnp.where(inside[tap_number, :, None], picked, 0)
            tap_number += 1
    return total


def _pack(kernel_map: KernelMap, w: Array, rows: int) -> list[Array]:
    """Weights side by side, in groups whose products of ``rows`` rows stay within the cache."""
    taps, _, out = w.shape
    if kernel_map.kind == UP:
        return [_side_by_side(w)]
    groups = -(-rows * taps * out * 4 // PRODUCT_BYTES)
    size = -(-taps // groups)
    return [_side_by_side(w[start : start + size]) for start in range(0, taps, size)]


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
    return jnp.matmul(a, b, precision=precision_for(a.dtype), preferred_element_type=jnp.float32)


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


def _trips(rows: Array, size: int) -> Array:
    """Blocks that hold an active row: a trip count that depends on the data."""
    return jax.lax.div(rows + (size - 1), jnp.int32(size))
