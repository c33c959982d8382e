"""Kernels of our own for the CPU, as foreign functions of XLA: the ``"native"`` data flow.

XLA has no way to say "multiply these scattered rows with this matrix where they lie": it copies
them first, or multiplies what is not there, and its matrix products share badly over threads. These
kernels do just that. They are made when they are first needed, with the LLVM that llvmlite brings,
for the processor at hand: no compiler is installed, nothing is stored. ``dataflow.py`` gives the
same numbers to rounding, everywhere.
"""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
from jaxtyping import Array

from jaxsparse.ops.kernel_map import UP, KernelMap
from jaxsparse.ops.native import compiler

DTYPES = ("float32", "bfloat16")
MAX_CHANNELS = 4096  # a row of this many is scratch memory on the stack of a thread
MAX_BLOCK_ROWS = 1024  # the lists of their addresses are there too
MAX_TAPS = 1024  # and those of the taps of a row of a channelwise convolution

# Measured on two cores with 2 MiB of second-level cache each; flat optima.
_BLOCK_FLOATS = 2**15
_BLOCK_ROWS = (64, 512)
_GRADIENT_BLOCK_FLOATS = 2**15
_RANGE_ROWS = 4096
_MAX_RANGES = 4
# A channelwise convolution: rows that one thread does in one go.
_CHANNELWISE_BLOCK_ROWS = 128
# Sums: rows that one thread does in one go, looked at twice while they are in a cache.
_SUM_BLOCK_FLOATS = 2**14
_SUM_BLOCK_ROWS = (64, 512)


def serves(x: Any, w_or_g: Any, compute_dtype: Any) -> bool:
    """Whether the kernels are at hand and made for these operands."""
    return (
        x.shape[0] > 0
        and max(x.shape[1], w_or_g.shape[-1]) <= MAX_CHANNELS
        and min(x.shape[1], *w_or_g.shape) > 0
        and all(jnp.dtype(kind).name in DTYPES for kind in (x.dtype, w_or_g.dtype, compute_dtype))
        and compiler.lanes() > 0
    )


def apply(kernel_map: KernelMap, x: Array, w: Array, compute_dtype: Any) -> Array:
    """``out[o] = sum_k x[in(o, k)] . w[k]``, float32 ``[capacity_out, out]``."""
    out = w.shape[2]
    w = _fill_lanes(_rounded(w, compute_dtype))
    block = min(max(_BLOCK_FLOATS // max(x.shape[1], out), _BLOCK_ROWS[0]), _BLOCK_ROWS[1])
    call = jax.ffi.ffi_call(
        compiler.target(compiler.APPLY_BY_INPUT if kernel_map.kind == UP else compiler.APPLY),
        jax.ShapeDtypeStruct((kernel_map.capacity_out, w.shape[2]), jnp.float32),
    )
    x = _rounded(x, compute_dtype)
    return call(x, _table(kernel_map), _sizes(kernel_map, block), w)[:, :out]


def weight_gradient(kernel_map: KernelMap, x: Array, g: Array, compute_dtype: Any) -> Array:
    """``w[k] = sum_o x[in(o, k)]^T . g[o]``, float32 ``[taps, in, out]``; not for ``"up"`` maps."""
    out = g.shape[1]
    g = _fill_lanes(_rounded(g, compute_dtype))
    # A fixed number of partial sums, whatever the number of threads: the same bits everywhere.
    ranges = min(max(kernel_map.rows // _RANGE_ROWS, 1), _MAX_RANGES)
    rows = -(-kernel_map.rows // ranges)
    shape = (ranges, kernel_map.taps, x.shape[1], g.shape[1])
    call = jax.ffi.ffi_call(
        compiler.target(compiler.WEIGHT_GRADIENT), jax.ShapeDtypeStruct(shape, jnp.float32)
    )
    block = min(max(_GRADIENT_BLOCK_FLOATS // (x.shape[1] + out), 32), MAX_BLOCK_ROWS)
    sizes = _sizes(kernel_map, block, rows)
    parts = call(_rounded(x, compute_dtype), _table(kernel_map), sizes, g)
    return jnp.sum(parts, axis=0)[..., :out]


def channelwise_apply(
    table: Array, num_out: Array, absent: int, x: Array, w: Array, compute_dtype: Any
) -> Array:
    """``out[o, c] = sum_k x[table[k, o], c] w[k, c]``, float32 ``[rows, channels]``."""
    channels = x.shape[1]
    x, w = (_fill_lanes(_rounded(factor, compute_dtype)) for factor in (x, w))
    shape = (table.shape[1], x.shape[1])
    call = jax.ffi.ffi_call(
        compiler.target(compiler.CHANNELWISE), jax.ShapeDtypeStruct(shape, jnp.float32)
    )
    sizes = _int32(num_out, absent, _CHANNELWISE_BLOCK_ROWS)
    return call(x, table.astype(jnp.int32), sizes, w)[:, :channels]


def channelwise_weight_gradient(
    table: Array, num_out: Array, absent: int, x: Array, g: Array, compute_dtype: Any
) -> Array:
    """``w[k, c] = sum_o x[table[k, o], c] g[o, c]``, float32 ``[taps, channels]``."""
    channels = x.shape[1]
    x, g = (_fill_lanes(_rounded(factor, compute_dtype)) for factor in (x, g))
    taps, rows = table.shape
    ranges = min(max(rows // _RANGE_ROWS, 1), _MAX_RANGES)
    call = jax.ffi.ffi_call(
        compiler.target(compiler.CHANNELWISE_GRADIENT),
        jax.ShapeDtypeStruct((ranges, taps, x.shape[1]), jnp.float32),
    )
    block = min(max(_GRADIENT_BLOCK_FLOATS // (2 * x.shape[1]), 32), MAX_BLOCK_ROWS)
    sizes = _int32(num_out, absent, block, -(-rows // ranges))
    return jnp.sum(call(x, table.astype(jnp.int32), sizes, g), axis=0)[:, :channels]


def sums_serve(x: Any) -> bool:
    """Whether the kernels are at hand and made for sums of these rows."""
    return (
        x.shape[0] > 0
        and jnp.dtype(x.dtype).name in DTYPES
        and 0 < compiler.lanes(compiler.COLUMN_SUMS) <= x.shape[1]
    )


def column_moments(x: Array, num_active: Array) -> Array:
    """``[sum x, sum (x - mean)^2]`` over the active rows, float32 ``[2, channels]``."""
    return _column_sums(compiler.MOMENTS, num_active, x)


def column_products(u: Array, x: Array, center: Array, num_active: Array) -> Array:
    """``[sum u, sum u (x - center)]`` over the active rows, float32 ``[2, channels]``."""
    return _column_sums(compiler.PRODUCTS, num_active, u, x, center)


def _column_sums(kernel: str, num_active: Array, *arrays: Array) -> Array:
    rows, channels = arrays[0].shape
    block = min(max(_SUM_BLOCK_FLOATS // channels, _SUM_BLOCK_ROWS[0]), _SUM_BLOCK_ROWS[1])
    # A fixed number of blocks, whatever the number of threads: the same bits everywhere.
    shapes = [(2, channels), (-(-rows // block), 2, channels)]
    call = jax.ffi.ffi_call(
        compiler.target(kernel), [jax.ShapeDtypeStruct(shape, jnp.float32) for shape in shapes]
    )
    arrays = tuple(array.astype(jnp.float32) for array in arrays)
    return call(*arrays, jnp.asarray(num_active, jnp.int32))[0]


def _table(kernel_map: KernelMap) -> Array:
    return kernel_map.table.astype(jnp.int32)  # a map that was made under x64 may have another type


def _sizes(kernel_map: KernelMap, *rows: int) -> Array:
    return _int32(kernel_map.num_rows, kernel_map.columns, *rows)


def _int32(*numbers: Any) -> Array:
    return jnp.stack([jnp.asarray(number, jnp.int32) for number in numbers])


def _rounded(x: Array, compute_dtype: Any) -> Array:
    """Float32 with the precision of the compute type: products of such numbers are exact."""
    x = x.astype(jnp.float32)
    if jnp.dtype(compute_dtype) == jnp.float32:
        return x
    kind = jnp.finfo(compute_dtype)
    # A conversion there and back would be taken out by XLA.
    return jax.lax.reduce_precision(x, kind.nexp, kind.nmant)


def _fill_lanes(x: Array) -> Array:
    """The last axis filled up with zeros to whole vectors."""
    missing = -x.shape[-1] % compiler.lanes()
    return jnp.pad(x, [(0, 0)] * (x.ndim - 1) + [(0, missing)]) if missing else x
