"""``"table"``: gather the inputs of all taps of all rows, then one matrix product.

Few large operations, for accelerators; the work follows the capacity. ``"up"`` maps turn the order
round: coarse rows are multiplied with all taps, and each fine row picks one product.

Absent rows are gathered as zeros, and zero times a number that is not finite is NaN. A few numbers
of a product tell whether that happened, and then it is made again from the pairs that exist. There
is no loop in this second way: a GPU decides by itself as long as XLA can record both ways in one
CUDA graph, and loops are not recorded. Small products are made from the pairs that exist at once.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
from jaxtyping import Array, Int

from jaxsparse.ops.implementations import register
from jaxsparse.ops.kernel_map import SUBMANIFOLD, UP, KernelMap
from jaxsparse.ops.xla.rows import active_rows, grow, product, side_by_side, take

# Of products that are written before they are picked: an H200 takes as long for them as for the
# kernels of a choice (estimated by ``benchmarks/gpu_cost.py``).
SMALL_BYTES = 128 * 2**20


def apply(kernel_map: KernelMap, x: Array, w: Array, compute_dtype: Any) -> Array:
    """``out[o] = sum_k x[in(o, k)] . w[k]``, ``[capacity_out, out]``, float32 or as ``x``."""
    out_dtype = x.dtype
    x, w = x.astype(compute_dtype), w.astype(compute_dtype)
    if kernel_map.is_identity:
        return active_rows(product(x, w[0]), kernel_map.num_out)
    if kernel_map.kind == UP:
        assert kernel_map.slot is not None  # every map of this kind has it
        return _multiply_first(x, w, kernel_map.slot)

    def of_existing() -> Array:
        tap = jnp.arange(kernel_map.taps, dtype=jnp.int32)[:, None]
        picked = _multiply_first(x, w, kernel_map.table * kernel_map.taps + tap)
        return picked.sum(axis=0).astype(out_dtype)

    if _is_small(kernel_map, w.shape[2]):
        return of_existing()
    out = product(_gather(x, kernel_map.table), w.reshape(-1, w.shape[2]))
    out = out.astype(out_dtype)  # Rounded first: a GPU does it in the kernel of the product.
    tell = out
    if kernel_map.kind == SUBMANIFOLD:
        # Sites are in order: the first has no neighbour before it, the last none after it.
        tell = jnp.concatenate([out[:1], out[-1:]])
    return _unless_nan(tell, out, of_existing)


def weight_gradient(kernel_map: KernelMap, x: Array, g: Array, compute_dtype: Any) -> Array:
    """``w[k] = sum_o x[in(o, k)]^T . g[o]``, float32 ``[taps, in, out]``."""
    if kernel_map.kind == SUBMANIFOLD and g.shape[1] <= x.shape[1]:
        # The gradient of the input gathers the cotangents in the same way: XLA does it once.
        turned = _weight_gradient(kernel_map.transpose(), g, x, compute_dtype)
        return jnp.swapaxes(turned, 1, 2)
    # The forward pass gathers the inputs in the same way, and XLA would keep that large array until
    # here. Tied to the cotangent it is made again.
    x, g, table = jax.lax.optimization_barrier((x, g, kernel_map.table))
    return _weight_gradient(dataclasses.replace(kernel_map, table=table), x, g, compute_dtype)


def _weight_gradient(kernel_map: KernelMap, x: Array, g: Array, compute_dtype: Any) -> Array:
    x, g = x.astype(compute_dtype), active_rows(g, kernel_map.num_rows).astype(compute_dtype)
    if kernel_map.is_identity:
        return product(active_rows(x, kernel_map.num_in).T, g)[None]
    table, shape = kernel_map.table, (kernel_map.taps, x.shape[1], g.shape[1])

    def of_existing() -> Array:
        own = jnp.where((table < len(x))[:, :, None], g, 0)
        by_tap = _gather(x, table).reshape(-1, *shape[:2])
        return product(jnp.moveaxis(by_tap, 0, 2), own)

    if _is_small(kernel_map, g.shape[1]):
        return of_existing()
    sums = product(_gather(x, table).T, g).reshape(shape)
    # A cotangent that is not finite makes NaN of all inputs of the taps that its row lacks.
    return _unless_nan(sums[:, 0], sums, of_existing)


def _gather(x: Array, table: Int[Array, "taps rows"]) -> Array:
    """The inputs of all taps side by side, ``[rows, taps * in]``, zero where they are absent."""
    return take(grow(x, len(x) + 1, 0), table.T).reshape(table.shape[1], -1)


def _multiply_first(x: Array, w: Array, slots: Int[Array, "..."]) -> Array:
    """Of the products of all rows with all taps those at ``row * taps + tap``, zero beyond."""
    products = product(x, side_by_side(w)).reshape(-1, w.shape[2])
    return products.at[slots].get(mode="fill", fill_value=0)


def _is_small(kernel_map: KernelMap, channels: int) -> bool:
    rows = max(kernel_map.rows, kernel_map.columns)
    return 4 * kernel_map.taps * rows * channels <= SMALL_BYTES


def _unless_nan(tell: Array, result: Array, again: Callable[[], Array]) -> Array:
    """The result, or what ``again`` computes if there is NaN in ``tell``."""
    # The way that is taken as a rule stands first: in the second XLA would copy the result.
    return jax.lax.cond(~jnp.isnan(tell).any(), lambda: result, again)


_ACCELERATORS = ("cuda", "rocm", "tpu")
register("convolution", "table", apply, best_on=_ACCELERATORS)
register("convolution_weight_gradient", "table", weight_gradient, best_on=_ACCELERATORS)
