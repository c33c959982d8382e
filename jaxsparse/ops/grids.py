"""Whole grids from sites, and sites from whole grids, for one to four spatial axes."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float

from jaxsparse.errors import InputError
from jaxsparse.features import as_features
from jaxsparse.integers import INT32_MAX, positive
from jaxsparse.ops import coordinates
from jaxsparse.ops.one_program import one_program
from jaxsparse.ops.rows import sum_rows, take_rows
from jaxsparse.ops.site_list import Sites
from jaxsparse.tensor import SparseTensor, check_room, check_tensor


def to_dense(x: SparseTensor) -> Float[Array, "events ..."]:
    """The features on their grid, ``[batch_size, *spatial_shape, channels]``, zero elsewhere.

    Traceable; differentiable any number of times, with gathers both ways. The same numbers as
    ``SparseTensor.to_dense``, for volumes that int32 can number.

    Raises:
      InputError: a volume of 2^31 - 1 cells or more, another number of rows of features than of
        coordinates.

    >>> from jaxsparse import sparse_tensor
    >>> x = sparse_tensor([[0, 1], [1, 0]], [[2.0], [3.0]], spatial_shape=(2,), batch_size=2)
    >>> to_dense(x)[..., 0].tolist()
    [[0.0, 2.0], [3.0, 0.0]]
    """
    check_tensor(x)
    cells = _cell_count(x.batch_size, x.spatial_shape)
    grid = sum_rows(x.features, _cells(Sites.of(x)), cells, distinct=True)
    return grid.reshape(x.batch_size, *x.spatial_shape, x.num_channels)


def dense_mask(x: SparseTensor) -> Bool[Array, "events ..."]:
    """True on the cells that are sites, ``[batch_size, *spatial_shape]``. Traceable.

    Raises:
      InputError: a volume of 2^31 - 1 cells or more.

    >>> from jaxsparse import sparse_tensor
    >>> x = sparse_tensor([[0, 1], [1, 0]], [[0.0], [3.0]], spatial_shape=(2,), batch_size=2)
    >>> dense_mask(x).tolist()
    [[False, True], [True, False]]
    """
    check_tensor(x)
    cells = _cell_count(x.batch_size, x.spatial_shape)
    grid = jnp.zeros(cells, bool).at[_cells(Sites.of(x))].set(True, mode="drop")
    return grid.reshape(x.batch_size, *x.spatial_shape)


def from_dense(
    array: Float[Array | np.ndarray, "events ..."],
    *,
    capacity: int | None = None,
    threshold: float = 0.0,
    mask: Bool[Array | np.ndarray, "events ..."] | None = None,
) -> SparseTensor:
    """The cells of a grid that are sites, in canonical order. Traceable.

    The inverse of ``to_dense``, given ``mask=dense_mask(x)``.

    Args:
      array: ``[batch, *spatial, channels]``, 1 to 4 spatial axes. float32, bfloat16 and float16
        stay; wider floats, integers and booleans become float32.
      capacity: rows of the result (static); None: the number of sites, at least 1, which can be
        found outside of ``jit`` only. Under ``jit`` the last sites are missing where a smaller
        one does not suffice.
      threshold: without a mask, a cell is a site where ``|value|`` of any channel exceeds it, or
        is NaN.
      mask: bool ``[batch, *spatial]``, which cells are sites.

    Returns:
      A tensor of stride 1, padding rows -1 and 0, differentiable any number of times in the
      values.

    Raises:
      InputError: another number of axes or another mask shape, another type, a volume of
        2^31 - 1 cells or more; outside of ``jit`` more sites than ``capacity``, under ``jit``
        none that is given.

    >>> x = from_dense(jnp.eye(2)[None, :, :, None], capacity=3)
    >>> x.coords.tolist(), int(x.num_active)
    ([[0, 0, 0], [0, 1, 1], [-1, -1, -1]], 2)
    """
    array = jnp.asarray(as_features(array, "array"))
    if not 3 <= array.ndim <= 6:
        raise InputError(
            f"array has shape {array.shape}: must be [batch, 1 to 4 spatial axes, channels]"
        )
    batch_size, *shape, channels = array.shape
    cells = _cell_count(batch_size, tuple(shape))
    if mask is None:
        active = ~(jnp.abs(jax.lax.stop_gradient(array)) <= threshold).all(axis=-1)
    else:
        active = jnp.asarray(mask)
        if active.shape != array.shape[:-1] or active.dtype != bool:
            raise InputError(
                f"mask has shape {active.shape} and type {active.dtype}: must be bool "
                f"{array.shape[:-1]}"
            )
    active = active.reshape(cells)
    # Row-major order of the cells is the canonical order of the sites.
    rank = jnp.cumsum(active, dtype=jnp.int32) - 1
    num_sites = rank[-1] + 1
    if capacity is None:
        if isinstance(num_sites, jax.core.Tracer):
            raise InputError(
                "capacity is None under jit, where sites cannot be counted: say how many rows the "
                "result has"
            )
        capacity = max(int(num_sites), 1)
    capacity = positive("capacity", capacity)
    check_room(num_sites, capacity, "array has")
    coords, cell = _sites_of_cells(active, rank, shape=tuple(shape), capacity=capacity)
    return SparseTensor(
        coords=coords,
        features=take_rows(array.reshape(cells, channels), cell, distinct=True),
        num_active=jnp.minimum(num_sites, capacity),
        spatial_shape=tuple(shape),
        batch_size=batch_size,
        stride=(1,) * len(shape),
    )


@one_program()
def _cells(x: Sites) -> Array:
    return coordinates.cell_index(x.coords, x.mask, x.batch_size, x.spatial_shape)


@one_program("shape", "capacity")
def _sites_of_cells(
    active: Array, rank: Array, *, shape: tuple[int, ...], capacity: int
) -> tuple[Array, Array]:
    """Coordinates and cells of the first ``capacity`` active cells."""
    cells = active.shape[0]
    row = jnp.where(active & (rank < capacity), rank, capacity)
    number = jnp.arange(cells, dtype=jnp.int32)
    cell = jnp.full(capacity, cells, jnp.int32).at[row].set(number, mode="drop")
    columns = []
    rest = cell
    for length in reversed(shape):
        columns.append(rest % length)
        rest = rest // length
    coords = jnp.stack([rest, *reversed(columns)], axis=1)
    return jnp.where((cell < cells)[:, None], coords, -1), cell


def _cell_count(batch_size: int, shape: tuple[int, ...]) -> int:
    cells = coordinates.cell_count(batch_size, shape)
    if not 0 < cells < INT32_MAX:
        raise InputError(
            f"batch_size {batch_size} of spatial_shape {shape} has {cells} cells: a dense array "
            "needs between 1 and 2**31 - 2, crop the tensor first"
        )
    return cells
