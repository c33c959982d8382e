"""The tables of maps by kernels, see ``ops/site_tables.py``: the flows that call them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import jax
import jax.numpy as jnp
from jaxtyping import Array

from jaxsparse.integers import INT32_MAX
from jaxsparse.ops import coordinates
from jaxsparse.ops.implementations import register
from jaxsparse.ops.native import compiler
from jaxsparse.ops.region import Region


def refuses_neighbours(
    coords: Any, _: Any, batch_size: int, spatial_shape: tuple[int, ...], region: Region
) -> str | None:
    """Why the kernel does not look for neighbours of these rows; None where it does."""
    sizes = _sizes_with_rims(spatial_shape, region)
    if max(batch_size, *sizes) > INT32_MAX or math.prod((batch_size, *sizes)) >= 2**62:
        return "places in the volume that 62 bits do not number"
    return _refuses_rows(coords)


def refuses_halving(
    coords: Any, _: Any, batch_size: int, spatial_shape: tuple[int, ...], capacity: int
) -> str | None:
    """Why the kernel does not halve these coordinates; None where it does."""
    cells = coordinates.cell_count(batch_size, coordinates.halved_shape(spatial_shape))
    if cells > coordinates.UNIQUE_GRID_CELLS:
        return f"{cells} cells, at most {coordinates.UNIQUE_GRID_CELLS}"
    if not capacity or capacity * 2 ** len(spatial_shape) > INT32_MAX:
        return f"{capacity} coarse rows"
    return _refuses_rows(coords)


def _refuses_rows(coords: Any) -> str | None:
    if not coords.shape[0]:
        return "no rows"
    return None if compiler.lanes(compiler.SITE_TABLES) else compiler.NONE_HERE


def neighbours(
    coords: Array,
    num_active: Array | int,
    batch_size: int,
    spatial_shape: tuple[int, ...],
    region: Region,
) -> list[Array]:
    """``[table]`` of ``site_tables.neighbours``."""
    rows = coords.shape[0]
    shapes = [(region.taps, rows), (rows, 2)]
    call = jax.ffi.ffi_call(compiler.target(compiler.NEIGHBOURS), _int32_shapes(shapes))
    sizes = jnp.array([batch_size, *_sizes_with_rims(spatial_shape, region)], jnp.int32)
    early = [(0, *offset) for offset in region.offsets[: region.taps // 2]]
    steps = jnp.array(early, jnp.int32).reshape(-1, coords.shape[1])
    return list(call(coords, jnp.asarray(num_active, jnp.int32), sizes, steps)[:1])


def halved(
    coords: Array,
    num_active: Array | int,
    batch_size: int,
    spatial_shape: tuple[int, ...],
    capacity: int,
) -> list[Array]:
    """What ``site_tables.halved`` returns."""
    (rows, axes), shape = coords.shape, coordinates.halved_shape(spatial_shape)
    words = -(-coordinates.cell_count(batch_size, shape) // 32)
    shapes = [(capacity, axes), (), (rows,), (2 ** (axes - 1), capacity), (2, words)]
    call = jax.ffi.ffi_call(compiler.target(compiler.HALVED), _int32_shapes(shapes))
    sizes = jnp.array([batch_size, *shape], jnp.int32)
    return list(call(coords, jnp.asarray(num_active, jnp.int32), sizes)[:-1])


def _int32_shapes(shapes: Sequence[tuple[int, ...]]) -> list[jax.ShapeDtypeStruct]:
    return [jax.ShapeDtypeStruct(shape, jnp.int32) for shape in shapes]


def _sizes_with_rims(spatial_shape: Sequence[int], region: Region) -> list[int]:
    """Lengths of axes with room for all that a region reaches, so that no two places are one."""
    reach = [max(map(abs, steps)) for steps in zip(*region.offsets, strict=True)]
    return [size + 2 * far for size, far in zip(spatial_shape, reach, strict=True)]


for _operation, _flow, _why_not in (
    ("neighbours", neighbours, refuses_neighbours),
    ("halved_sites", halved, refuses_halving),
):
    register(_operation, "native", _flow, platforms=("cpu",), refuses=_why_not, portable=False)
