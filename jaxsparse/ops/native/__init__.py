"""Kernels of our own for the CPU, as foreign functions of XLA: the ``"native"`` data flow.

XLA has no way to say "multiply these scattered rows with this matrix where they lie": it copies
them first, or multiplies what is not there, and its matrix products share badly over threads. These
kernels do just that. They are made when they are first needed, with the LLVM that llvmlite brings,
for the processor at hand: no compiler is installed, and their machine code is kept on disk only
where JAX keeps programs. The data flows of ``xla`` give the same numbers to rounding, everywhere.
"""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
from jaxtyping import Array

from jaxsparse.ops.implementations import register
from jaxsparse.ops.kernel_map import UP, KernelMap
from jaxsparse.ops.native import compiler
from jaxsparse.ops.native import maps as maps  # which registers itself

DTYPES = ("float32", "bfloat16")
# Channels are filled up to multiples of this on every processor, whatever the length of its
# vectors, so that a stored program runs on any of them: a multiple of all lengths.
CHANNEL_MULTIPLE = 16
MAX_CHANNELS = 4096  # a row of this many is scratch memory on the stack of a thread
MAX_BLOCK_ROWS = 1024  # the lists of their addresses are there too
BLOCK_SUMS = 2**15  # and float32 sums of a block that is then rounded
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


def refuses(_: KernelMap, x: Any, w_or_g: Any, compute_dtype: Any, *groups: int) -> str | None:
    """Why the kernels do not serve these operands of a convolution; None where they do."""
    kinds = [jnp.dtype(kind).name for kind in (x.dtype, w_or_g.dtype, compute_dtype)]
    if not all(kind in DTYPES for kind in kinds):
        return f"{', '.join(kinds)}: {' or '.join(DTYPES)} wanted"
    if min(*x.shape, *w_or_g.shape) == 0:
        return "no rows or no channels"
    if max(x.shape[1], w_or_g.shape[-1]) > MAX_CHANNELS:
        return f"{max(x.shape[1], w_or_g.shape[-1])} channels, at most {MAX_CHANNELS}"
    return None if compiler.lanes() else compiler.NONE_HERE


def refuses_groups(
    kernel_map: KernelMap, x: Any, w_or_g: Any, compute_dtype: Any, *groups: int
) -> str | None:
    """The same for a convolution in groups; of the gradient of weights they are given."""
    if groups:
        channelwise = x.shape[1] == w_or_g.shape[1] == groups[0]
    else:
        channelwise = w_or_g.shape[2:] == (1, 1)
    if not channelwise:
        return "more than one channel a group"
    if kernel_map.taps > MAX_TAPS:
        return f"{kernel_map.taps} taps, at most {MAX_TAPS}"
    return refuses(kernel_map, x, w_or_g, compute_dtype)


def apply(kernel_map: KernelMap, x: Array, w: Array, compute_dtype: Any) -> Array:
    """``out[o] = sum_k x[in(o, k)] . w[k]``, ``[capacity_out, out]``, float32 or as ``x``."""
    if _takes_bfloat16(compute_dtype):
        return _apply_bfloat16(kernel_map, x, w)
    out = w.shape[2]
    w = _fill_channels(_rounded(w, compute_dtype))
    block = min(max(_BLOCK_FLOATS // max(x.shape[1], out), _BLOCK_ROWS[0]), _BLOCK_ROWS[1])
    call = jax.ffi.ffi_call(
        compiler.target(compiler.APPLY_BY_INPUT if kernel_map.kind == UP else compiler.APPLY),
        jax.ShapeDtypeStruct((kernel_map.capacity_out, w.shape[2]), jnp.float32),
    )
    x = _rounded(x, compute_dtype)
    return call(x, _table(kernel_map), _int32(kernel_map.num_rows, block), w)[:, :out]


def _apply_bfloat16(kernel_map: KernelMap, x: Array, w: Array) -> Array:
    out, rounded = w.shape[2], x.dtype == jnp.bfloat16
    x, w = _fill(x.astype(jnp.bfloat16), 2), _fill(_fill_channels(w.astype(jnp.float32)), 2, axis=1)
    kernel, dtype = compiler.APPLY_BFLOAT16, jnp.float32
    if kernel_map.kind == UP:
        kernel = compiler.BY_INPUT_BFLOAT16
    elif rounded:  # sums of a block are rounded while they are in a cache
        kernel, dtype = compiler.ROUNDED_BFLOAT16, jnp.bfloat16
    block = min(
        max(_BLOCK_FLOATS // max(x.shape[1] // 2, w.shape[2]), _BLOCK_ROWS[0]), _BLOCK_ROWS[1]
    )
    sizes = _int32(kernel_map.num_rows, min(block, BLOCK_SUMS // w.shape[2]))
    shape = jax.ShapeDtypeStruct((kernel_map.capacity_out, w.shape[2]), dtype)
    call = jax.ffi.ffi_call(compiler.target(kernel), shape)
    return call(x, _table(kernel_map), sizes, w)[:, :out]


def weight_gradient(kernel_map: KernelMap, x: Array, g: Array, compute_dtype: Any) -> Array:
    """``w[k] = sum_o x[in(o, k)]^T . g[o]``, float32 ``[taps, in, out]``; not for ``"up"`` maps."""
    channels, out = x.shape[1], g.shape[1]
    halves = _takes_bfloat16(compute_dtype)
    x, g = _factor(x, compute_dtype), _fill_channels(_factor(g, compute_dtype))
    if halves:
        x = _fill_channels(x)
    # A fixed number of partial sums, whatever the number of threads: the same bits everywhere.
    ranges = min(max(kernel_map.rows // _RANGE_ROWS, 1), _MAX_RANGES)
    shape = (ranges, kernel_map.taps, x.shape[1], g.shape[1])
    kernel = compiler.WEIGHT_GRADIENT_BFLOAT16 if halves else compiler.WEIGHT_GRADIENT
    call = jax.ffi.ffi_call(compiler.target(kernel), jax.ShapeDtypeStruct(shape, jnp.float32))
    block = min(max(_GRADIENT_BLOCK_FLOATS // (x.shape[1] + out), 32), MAX_BLOCK_ROWS)
    if halves:
        block = min(block, 2 * (BLOCK_SUMS // max(x.shape[1], g.shape[1])))
    parts = call(x, _table(kernel_map), _int32(kernel_map.num_rows, block), g)
    return jnp.sum(parts, axis=0)[:, :channels, :out]


def channelwise_apply(kernel_map: KernelMap, x: Array, w: Array, compute_dtype: Any) -> Array:
    """``out[o, c] = sum_k x[in(o, k), c] w[k, c]``, ``[capacity_out, channels]``.

    Float32 or, where bfloat16 is multiplied, as ``x``.
    """
    channels, kernel, dtype = x.shape[1], compiler.CHANNELWISE, jnp.dtype(jnp.float32)
    if _takes_bfloat16(compute_dtype):
        kernel = compiler.CHANNELWISE_APPLY_BFLOAT16
        if x.dtype == jnp.bfloat16:
            kernel, dtype = compiler.CHANNELWISE_ROUNDED_BFLOAT16, x.dtype
    x = _fill_channels(_factor(x, compute_dtype))
    w = _fill_channels(_rounded(w[..., 0, 0], compute_dtype))
    call = jax.ffi.ffi_call(
        compiler.target(kernel), jax.ShapeDtypeStruct((kernel_map.capacity_out, x.shape[1]), dtype)
    )
    sizes = _int32(kernel_map.num_out, _CHANNELWISE_BLOCK_ROWS)
    return call(x, kernel_map.table_of_outputs().astype(jnp.int32), sizes, w)[:, :channels]


def channelwise_weight_gradient(
    kernel_map: KernelMap, x: Array, g: Array, compute_dtype: Any, groups: int
) -> Array:
    """``w[k, c] = sum_o x[in(o, k), c] g[o, c]``, float32 ``[taps, channels, 1, 1]``."""
    halves = _takes_bfloat16(compute_dtype)
    kernel = compiler.CHANNELWISE_GRADIENT_BFLOAT16 if halves else compiler.CHANNELWISE_GRADIENT
    x, g = (_fill_channels(_factor(factor, compute_dtype)) for factor in (x, g))
    taps, rows = kernel_map.taps, kernel_map.capacity_out
    ranges = min(max(rows // _RANGE_ROWS, 1), _MAX_RANGES)
    shape = (ranges, taps, x.shape[1])
    call = jax.ffi.ffi_call(compiler.target(kernel), jax.ShapeDtypeStruct(shape, jnp.float32))
    block = min(max(_GRADIENT_BLOCK_FLOATS // (2 * x.shape[1]), 32), MAX_BLOCK_ROWS)
    sizes = _int32(kernel_map.num_out, block)
    parts = call(x, kernel_map.table_of_outputs().astype(jnp.int32), sizes, g)
    return jnp.sum(parts, axis=0)[:, :groups, None, None]


def refuses_rows(*arrays: Any) -> str | None:
    """Why the kernels do not serve maps and sums of these rows; None where they do."""
    kinds = [jnp.dtype(array.dtype).name for array in arrays]
    if kinds[0] not in DTYPES or len(set(kinds)) > 1:
        return f"{', '.join(kinds)}: {' or '.join(DTYPES)} wanted"
    if not arrays[0].shape[0]:
        return "no rows"
    if arrays[0].shape[1] < CHANNEL_MULTIPLE:
        return f"{arrays[0].shape[1]} channels, at least {CHANNEL_MULTIPLE}"
    return None if compiler.lanes() else compiler.NONE_HERE


def column_moments(x: Array, num_active: Array) -> Array:
    """``[sum x, sum (x - mean)^2]`` over the active rows, float32 ``[2, channels]``."""
    kernel = _by_type(x, compiler.MOMENTS, compiler.MOMENTS_BFLOAT16)
    shapes = [_sums(x), _sums(x, _rows_of_a_block(x))]
    return _call(kernel, shapes, x, jnp.asarray(num_active, jnp.int32))[0]


def normalise(x: Array, lines: Array, num_active: Array) -> Array:
    """``max(factor (x - center) + bias, floor)`` of the active rows, else zero, as ``x``."""
    (kernel,) = _by_type(x, compiler.NORMALISE, compiler.NORMALISE_BFLOAT16)
    return _call(kernel, _as(x), x, lines, _int32(num_active, _rows_of_a_block(x)))


def project(u: Array, x: Array, lines: Array, num_active: Array) -> list[Array]:
    """``factor u`` and ``[sum u, sum u (x - center)]`` where the gate is open."""
    kernel = _by_type(x, compiler.PROJECT, compiler.PROJECT_BFLOAT16)
    block = _rows_of_a_block(x)
    shapes = [_as(u), _sums(x), _sums(x, block)]
    return _call(kernel, shapes, u, x, lines, _int32(num_active, block))[:2]


def spread(v: Array, c: Array, x: Array, lines: Array, num_active: Array) -> list[Array]:
    """``c[0] + c[1] (x - center) + factor v`` where the gate is open, else zero, as ``v``."""
    kernel = _by_type(x, compiler.SPREAD, compiler.SPREAD_BFLOAT16)
    lines = jnp.concatenate([lines, c])
    return [_call(kernel, _as(v), v, x, lines, _int32(num_active, _rows_of_a_block(x)))]


def _by_type(x: Array, float32: Any, bfloat16: Any) -> Any:
    return bfloat16 if x.dtype == jnp.bfloat16 else float32


def _rows_of_a_block(x: Array) -> int:
    """A fixed number, whatever the number of threads: the same bits everywhere."""
    return min(max(_SUM_BLOCK_FLOATS // x.shape[1], _SUM_BLOCK_ROWS[0]), _SUM_BLOCK_ROWS[1])


def _as(x: Array) -> jax.ShapeDtypeStruct:
    return jax.ShapeDtypeStruct(x.shape, x.dtype)


def _sums(x: Array, block: int | None = None) -> jax.ShapeDtypeStruct:
    """Two sums a channel, or as many a block."""
    blocks = () if block is None else (-(-x.shape[0] // block),)
    return jax.ShapeDtypeStruct((*blocks, 2, x.shape[1]), jnp.float32)


def _call(kernel: str, shapes: Any, *operands: Array) -> Any:
    return jax.ffi.ffi_call(compiler.target(kernel), shapes)(*operands)


def _table(kernel_map: KernelMap) -> Array:
    return kernel_map.table.astype(jnp.int32)  # a map that was made under x64 may have another type


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


def _factor(x: Array, compute_dtype: Any) -> Array:
    """Rows as the kernels read them: bfloat16 where it is multiplied, else float32."""
    if _takes_bfloat16(compute_dtype):
        return x.astype(jnp.bfloat16)
    return _rounded(x, compute_dtype)


def _takes_bfloat16(compute_dtype: Any) -> bool:
    """Whether the processor multiplies bfloat16; else float32 with rounded factors serves."""
    return jnp.dtype(compute_dtype) == jnp.bfloat16 and compiler.lanes(compiler.BFLOAT16) > 0


def _fill_channels(x: Array) -> Array:
    """The last axis filled up with zeros to whole vectors of any processor."""
    return _fill(x, CHANNEL_MULTIPLE)


def _fill(x: Array, multiple: int, axis: int = -1) -> Array:
    missing = [(0, 0)] * x.ndim
    missing[axis] = (0, -x.shape[axis] % multiple)
    return jnp.pad(x, missing) if any(missing[axis]) else x


def _register(operation: str, call: Any, why_not: Any) -> None:
    register(operation, "native", call, platforms=("cpu",), refuses=why_not, portable=False)


_register("convolution", apply, refuses)
_register("convolution_weight_gradient", weight_gradient, refuses)
_register("grouped_convolution", channelwise_apply, refuses_groups)
_register("grouped_convolution_weight_gradient", channelwise_weight_gradient, refuses_groups)
_register("column_moments", column_moments, lambda x, _: refuses_rows(x))
_register("normalise", normalise, lambda x, *_: refuses_rows(x))
_register("project", project, lambda u, x, *_: refuses_rows(u, x))
_register("spread", spread, lambda v, _, x, *__: refuses_rows(v, x))
