"""Features at points: between sites by multilinear interpolation, and at the nearest site."""

from __future__ import annotations

import itertools

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float

from jaxsparse.errors import InputError
from jaxsparse.features import check_features
from jaxsparse.ops.int32 import clipped_int32
from jaxsparse.ops.lookup import find_rows
from jaxsparse.ops.rows import take_rows
from jaxsparse.ops.site_list import Sites
from jaxsparse.tensor import SparseTensor, check_tensor

# The largest whole number below 2^31 that float32 holds.
_FLOAT32_BELOW_LIMIT = 2.0**31 - 128


def interpolate(
    x: SparseTensor,
    points: Float[Array | np.ndarray, "points axes"],
    *,
    normalized: bool = False,
    strategy: str = "auto",
) -> Float[Array, "points channels"]:
    """Multilinear interpolation, ``out[p] = sum over corners c of w(p, c) . features[c]``.

    The corners of a point are the ``2^D`` integer positions around it, and the weight of a corner
    is ``prod over axes of (1 - |point - corner|)``. A site lies **on** its integer coordinate; to
    interpolate between the centres of the voxels of ``voxelize`` subtract 0.5 from its points.

    Args:
      x: the sites, of any level.
      points: ``[points, 1 + D]``, event index, then positions in units of the level of ``x``.
        They become float32, which holds whole pixels up to 2^24.
      normalized: divide by the weights of the corners that exist. Otherwise a corner without a
        site counts as zero.
      strategy: of the look-up, ``"bitmap"``, ``"search"`` or ``"auto"``; the same rows.

    Returns:
      ``[points, channels]`` of the type of ``x.features``, summed in float32. Zero where no
      corner exists: far from all sites, outside of the volume, or in no event (an event index
      that is negative, too large or not whole). NaN where a position is not finite.
      Differentiable any number of times in the features, with terms added in a fixed order, and
      in the positions, where a whole position takes the slope of the cell above it.

    Raises:
      InputError: points of another shape or type, features of another type than float32, bfloat16
        and float16 or of another number of rows than the coordinates.

    Source: agrees with the unnormalised interpolation of MinkowskiEngine (tests).

    >>> from jaxsparse import sparse_tensor
    >>> x = sparse_tensor([[0, 0], [0, 1]], [[1.0], [3.0]], spatial_shape=(4,), batch_size=1)
    >>> interpolate(x, jnp.array([[0, 0.5], [0, 1.5], [0, 3.0]])).tolist()
    [[2.0], [1.5], [0.0]]
    >>> interpolate(x, jnp.array([[0, 1.5]]), normalized=True).tolist()
    [[3.0]]
    """
    check_tensor(x)
    points = _checked_points(x, points)
    check_features(x.features.dtype)
    whole, valid = _whole(points)
    lower = jnp.floor(points[:, 1:])
    fraction = points[:, 1:] - jax.lax.stop_gradient(lower)
    corners = np.array(list(itertools.product((0, 1), repeat=x.dim)), np.int32)
    steps = np.pad(corners, ((0, 0), (1, 0)))
    rows = find_rows(
        Sites.of(x),
        whole[:, None] + steps[None],
        jnp.broadcast_to(valid[:, None], (len(points), len(corners))),
        strategy,
    )
    sides = jnp.where(corners[None] == 1, fraction[:, None], 1 - fraction[:, None])
    weights = jnp.prod(sides, axis=-1)
    read = take_rows(x.features, rows.reshape(-1)).reshape(*rows.shape, x.num_channels)
    out = jnp.sum(weights[..., None] * read.astype(weights.dtype), axis=1)
    if normalized:
        present = jnp.sum(jnp.where(rows < x.capacity, weights, 0), axis=1)
        # Where nothing is present the sum is zero already; dividing by one keeps gradients finite.
        out = out / jnp.where(present == 0, 1, present)[:, None]
    return out.astype(x.features.dtype)


def features_at(
    x: SparseTensor,
    points: Array | np.ndarray,
    *,
    strategy: str = "auto",
) -> tuple[Float[Array, "points channels"], Bool[Array, " points"]]:
    """Features of the sites at given coordinates; those of the nearest site for real positions.

    Args:
      x: the sites, of any level.
      points: ``[points, 1 + D]``, event index, then coordinates in units of the level of ``x``:
        integers of any width, or floats, which become float32 and are rounded to the nearest
        integer, halves up.
      strategy: of the look-up, ``"bitmap"``, ``"search"`` or ``"auto"``; the same rows.

    Returns:
      ``(features, found)``: ``[points, channels]`` of the type of ``x.features`` and bool
      ``[points]``. Features are zero where no site was found, which includes positions that are
      not finite and event indices that are not whole. Differentiable any number of times in
      the features.

    Raises:
      InputError: points of another shape or type, another number of rows of features than of
        coordinates.

    >>> from jaxsparse import sparse_tensor
    >>> x = sparse_tensor([[0, 0], [0, 1]], [[1.0], [3.0]], spatial_shape=(4,), batch_size=1)
    >>> features, found = features_at(x, jnp.array([[0, 1], [0, 2], [1, 0]]))
    >>> features.tolist(), found.tolist()
    ([[3.0], [0.0], [0.0]], [True, False, False])
    """
    check_tensor(x)
    points = points if isinstance(points, jax.Array) else np.asarray(points)
    if jnp.issubdtype(points.dtype, jnp.integer):
        _check_columns(x, points)
        whole = clipped_int32("points", points)  # the ends of the range are outside of any volume
        valid = jnp.ones(len(points), bool)
    else:
        points = jax.lax.stop_gradient(_checked_points(x, points))
        lower = jnp.floor(points)
        # Not floor(p + 0.5), which takes the largest float32 below one half to 1.
        nearest = lower + (points - lower >= 0.5).astype(jnp.float32)
        whole, valid = _whole(jnp.concatenate([points[:, :1], nearest[:, 1:]], axis=1))
    rows = find_rows(Sites.of(x), whole, valid, strategy)
    return take_rows(x.features, rows), rows < x.capacity


def _checked_points(x: SparseTensor, points: Array | np.ndarray) -> Array:
    points = points if isinstance(points, jax.Array) else np.asarray(points)
    _check_columns(x, points)
    if not (
        jnp.issubdtype(points.dtype, jnp.integer) or jnp.issubdtype(points.dtype, jnp.floating)
    ):
        raise InputError(f"points has type {points.dtype}: must be real numbers")
    return jnp.asarray(points.astype(np.float32))


def _check_columns(x: SparseTensor, points: Array | np.ndarray) -> None:
    if points.ndim != 2 or points.shape[1] != 1 + x.dim:
        raise InputError(
            f"points has shape {points.shape}: must be [points, {1 + x.dim}], event index first"
        )


def _whole(points: Array) -> tuple[Array, Array]:
    """Floors as int32, and where they are of an event and of the range of int32."""
    points = jax.lax.stop_gradient(points)
    lower = jnp.floor(points)
    valid = ((lower >= -2) & (lower <= _FLOAT32_BELOW_LIMIT)).all(axis=1)
    valid &= lower[:, 0] == points[:, 0]
    return jnp.where(valid[:, None], lower, -2).astype(jnp.int32), valid
