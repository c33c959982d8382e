"""``"table"``: gather the inputs of all taps of all rows, then one matrix product.

Few large operations, for accelerators; the work follows the capacity. ``"up"`` maps turn the order
round: coarse rows are multiplied with all taps, and each fine row picks one product.

An absent row is multiplied as zeros, and zero times an infinite number is NaN. So a weight that is
not finite reaches all active rows of its channel, and such a feature or cotangent the gradients of
all taps, unlike in the other data flows. To leave absent rows out, a GPU would have to search all
weights for such a number in every call: two more kernels a product.
"""

from __future__ import annotations

import dataclasses
from typing import Any

import jax
import jax.numpy as jnp
from jaxtyping import Array

from jaxsparse.ops.implementations import register
from jaxsparse.ops.kernel_map import SUBMANIFOLD, UP, KernelMap
from jaxsparse.ops.xla.rows import active_rows, gather_first, grow, product, side_by_side, take


def apply(kernel_map: KernelMap, x: Array, w: Array, compute_dtype: Any) -> Array:
    """``out[o] = sum_k x[in(o, k)] . w[k]``, ``[capacity_out, out]``, float32 or as ``x``."""
    out_dtype = x.dtype
    x, w = x.astype(compute_dtype), w.astype(compute_dtype)
    if kernel_map.is_identity:
        return active_rows(product(x, w[0]), kernel_map.num_out)
    if kernel_map.kind == UP:
        products = product(x, side_by_side(w)).reshape(-1, w.shape[2])
        return products.at[kernel_map.slot].get(mode="fill", fill_value=0)
    total = gather_first(grow(x, x.shape[0] + 1, 0), kernel_map.table, w)
    # Rounded first: a GPU does it in the kernel of the product.
    return active_rows(total.astype(out_dtype), kernel_map.num_out)


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
    padded = grow(x, x.shape[0] + 1, 0)
    gathered = take(padded, kernel_map.table.T).reshape(kernel_map.rows, -1)
    return product(gathered.T, g).reshape(kernel_map.taps, x.shape[1], g.shape[1])


_ACCELERATORS = ("cuda", "rocm", "tpu")
register("convolution", "table", apply, best_on=_ACCELERATORS)
register("convolution_weight_gradient", "table", weight_gradient, best_on=_ACCELERATORS)
