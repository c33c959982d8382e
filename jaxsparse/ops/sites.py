"""Sets of sites, and those that a convolution makes out of another set.

The relation is always that of a strided convolution, ``fine = stride * coarse + offset[k]``: read
from fine to coarse it makes the sites of a strided convolution, from coarse to fine those of a
generative transposed one.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Int

from jaxsparse import origins
from jaxsparse.errors import InputError
from jaxsparse.integers import INT32_MAX, integers, positive
from jaxsparse.ops import coordinates
from jaxsparse.ops.one_program import one_program
from jaxsparse.ops.region import PerAxis, Region, check_region, per_axis
from jaxsparse.ops.site_list import Sites
from jaxsparse.points import checked_points, checked_shape, tensor_of_points
from jaxsparse.tensor import SparseTensor, check_room

OUTPUT_SITES = ("stride", "receptive_field")


def given_sites(
    coords: Int[np.ndarray, "points axes"] | Sequence[Sequence[int]],
    *,
    spatial_shape: Sequence[int],
    batch_size: int,
    capacity: int | None = None,
    stride: PerAxis = 1,
) -> Sites:
    """Checks, sorts and pads a list of coordinates, on the host.

    Args:
      coords: distinct integers ``[points, 1 + D]``, event index first, in any order, in level
        units.
      spatial_shape: length of every axis in level units.
      batch_size: number of events.
      capacity: rows of the result; the number of points if None.
      stride: finest pixels per unit.

    Raises:
      InputError: as ``sparse_tensor``: a coordinate or event index out of range, repeated rows,
        more sites than ``capacity``.

    >>> given_sites([[0, 2], [0, 1]], spatial_shape=(3,), batch_size=1).coords.tolist()
    [[0, 1], [0, 2]]
    """
    shape = checked_shape(spatial_shape, batch_size)
    remedy = "given_sites works on the host, call it before, or take the sites of ops.voxelize"
    points = checked_points(coords, shape, batch_size, remedy)
    none, once = np.zeros((len(points), 1), np.float32), "give each once: np.unique(coords, axis=0)"
    x, _ = tensor_of_points(points, none, shape, batch_size, capacity, "error", once)
    units = per_axis("stride", stride, x.dim, at_least=1)
    return dataclasses.replace(Sites.of(x), stride=units)


def strided_sites(
    x: SparseTensor | Sites,
    region: Region,
    stride: PerAxis,
    *,
    output_sites: str = "stride",
    capacity: int | None = None,
) -> Sites:
    """Output sites of a strided convolution.

    Args:
      x: the input sites.
      region: what an output site reads, relative to ``stride * out``.
      stride: input units per output unit.
      output_sites: ``"stride"``: ``floor(x / stride)`` of every site, in the shape
        ``ceil(n / stride)``; or ``"receptive_field"``: every site whose region holds an active
        one, in the shape of a dense convolution with the padding ``-region.low`` on either
        side.
      capacity: rows of the result. None: as many as can ever be needed, which is
        ``x.capacity`` for ``"stride"`` and ``region.taps_per_input(stride)`` times that for
        ``"receptive_field"``.

    Returns:
      The sites in canonical order, of the stride ``x.stride * stride``. Where the capacity is too
      small the first ones are there, ``count`` tells the true number and ``fits`` is False.

    Raises:
      InputError: outside jit, more sites than ``capacity``; a region of another dimension, an
        unknown rule, a volume that holds no window.

    Source: the rules of MinkowskiEngine (``"stride"``) and of spconv (``"receptive_field"``).

    >>> from jaxsparse.ops import hypercube
    >>> x = given_sites([[0, 1], [0, 4]], spatial_shape=(6,), batch_size=1)
    >>> for rule in OUTPUT_SITES:
    ...     y = strided_sites(x, hypercube(3, 1), 2, output_sites=rule)
    ...     print(y.coords[:y.count, 1].tolist(), y.spatial_shape)
    [0, 2] (3,)
    [0, 1, 2] (3,)
    """
    x = Sites.of(x)
    steps = per_axis("stride", stride, x.dim, at_least=1)
    check_region(region, x.dim)
    if output_sites not in OUTPUT_SITES:
        raise InputError(
            f"output_sites is {output_sites!r}: must be one of {', '.join(OUTPUT_SITES)}"
        )
    if output_sites == "stride":
        shape = tuple(-(-n // s) for n, s in zip(x.spatial_shape, steps, strict=True))
        points, valid = _strided_places(x, steps)
        made = _distinct_sites(x, points, valid, shape, _scaled(x.stride, steps), capacity, 1)
        origins.scaled(made.coords, x.coords, steps)
        return made
    shape = tuple(
        (n - 2 * low - (high - low) - 1) // s + 1
        for n, low, high, s in zip(x.spatial_shape, region.low, region.high, steps, strict=True)
    )
    if min(shape) < 1:
        raise InputError(
            f"spatial_shape is {x.spatial_shape}: no output has room for offsets {region.low} to "
            f"{region.high}, enlarge the padding"
        )
    check_int32(x.spatial_shape, region, (1,) * x.dim)
    points, valid = coarse_places(x, region, steps)
    made = _distinct_sites(
        x, points, valid, shape, _scaled(x.stride, steps), capacity, region.taps_per_input(steps)
    )
    origins.derived(made.coords, "of a strided convolution", x.coords, region, steps)
    return made


def generated_sites(
    x: SparseTensor | Sites,
    region: Region,
    stride: PerAxis,
    *,
    spatial_shape: Sequence[int] | None = None,
    capacity: int | None = None,
) -> Sites:
    """Output sites of a generative transposed convolution: all of ``stride * x + offset[k]``.

    Args:
      x: the input sites; their stride must be a multiple of ``stride``.
      region: as of the strided convolution that this is the transpose of.
      stride: output units per input unit.
      spatial_shape: shape of the output; what an input reaches outside it is cut off, as a dense
        transposed convolution does by its padding. None: ``(n - 1) * stride + high + 1``, which
        cuts off nothing but negative coordinates; ``stride * n`` where kernel and stride are 2.
      capacity: rows of the result. None: ``region.taps * x.capacity``, which is always enough.

    Returns:
      The sites in canonical order, of the stride ``x.stride / stride``; ``count`` and ``fits`` as
      of ``strided_sites``.

    Raises:
      InputError: outside jit, more sites than ``capacity``; a stride that does not divide that of
        ``x``, a region of another dimension, coordinates beyond int32.

    >>> from jaxsparse.ops import hypercube
    >>> x = given_sites([[0, 1], [0, 2]], spatial_shape=(3,), batch_size=1, stride=2)
    >>> generated_sites(x, hypercube(3, 1), 2).coords.tolist()
    [[0, 1], [0, 2], [0, 3], [0, 4], [0, 5], [-1, -1]]
    """
    x = Sites.of(x)
    steps = per_axis("stride", stride, x.dim, at_least=1)
    check_region(region, x.dim)
    if any(unit % s for unit, s in zip(x.stride, steps, strict=True)):
        raise InputError(
            f"stride is {steps}: must divide the stride {x.stride} of the sites, "
            f"sites that come from nowhere get one by dataclasses.replace(x, stride={steps})"
        )
    check_int32(x.spatial_shape, region, steps)
    if spatial_shape is None:
        spatial_shape = [
            max((n - 1) * s + high + 1, 1)
            for n, high, s in zip(x.spatial_shape, region.high, steps, strict=True)
        ]
    shape = integers("spatial_shape", spatial_shape)
    if len(shape) != x.dim or min(shape) < 1 or max(shape) >= INT32_MAX:
        raise InputError(
            f"spatial_shape is {shape}: must be {x.dim} positive lengths below 2**31 - 1"
        )
    points, valid = _generated_places(x, region, steps)
    units = tuple(unit // s for unit, s in zip(x.stride, steps, strict=True))
    made = _distinct_sites(x, points, valid, shape, units, capacity, region.taps)
    origins.derived(made.coords, "of a generative convolution", x.coords, region, steps)
    return made


def fine_places(
    coarse: Int[Array, "sites axes"], region: Region, stride: tuple[int, ...]
) -> Int[Array, "taps sites axes"]:
    """``stride * coarse + offset[k]`` for every tap; the event stays."""
    offsets = jnp.array([(0, *offset) for offset in region.offsets], jnp.int32)
    return (coarse * jnp.array([(1, *stride)], jnp.int32))[None] + offsets[:, None]


@one_program("region", "stride")
def _generated_places(
    x: Sites, region: Region, stride: tuple[int, ...]
) -> tuple[Int[Array, "taps sites axes"], Bool[Array, "taps sites"]]:
    points = fine_places(x.coords, region, stride)
    return points, jnp.broadcast_to(x.mask, points.shape[:2])


@one_program("stride")
def _strided_places(
    x: Sites, stride: tuple[int, ...]
) -> tuple[Int[Array, "sites axes"], Bool[Array, " sites"]]:
    """``floor(x / stride)`` of every site."""
    return x.coords // jnp.array([(1, *stride)], jnp.int32), x.mask


@one_program("region", "stride")
def coarse_places(
    x: Sites, region: Region, stride: tuple[int, ...]
) -> tuple[Int[Array, "taps sites axes"], Bool[Array, "taps sites"]]:
    """``(x - offset[k]) / stride`` for every tap, and where that is a whole number >= 0."""
    offsets = jnp.array([(0, *offset) for offset in region.offsets], jnp.int32)
    moved = x.coords[None] - offsets[:, None]
    steps = jnp.broadcast_to(jnp.array((1, *stride), jnp.int32), moved.shape)
    whole = (moved >= 0) & (jax.lax.rem(moved, steps) == 0)
    return jax.lax.div(moved, steps), x.mask[None] & whole.all(axis=-1)


def check_int32(coarse_shape: Sequence[int], region: Region, stride: tuple[int, ...]) -> None:
    """Proves with Python integers that no ``stride * coarse + offset`` wraps.

    Raises:
      InputError: one may.
    """
    for n, s, low, high in zip(coarse_shape, stride, region.low, region.high, strict=True):
        if s * (n - 1) + max(abs(low), abs(high)) > INT32_MAX:
            raise InputError(
                f"spatial_shape is {tuple(coarse_shape)}: with stride {stride} and offsets up to "
                f"{region.high} coordinates would pass 2**31, split the volume"
            )


def _distinct_sites(
    x: Sites,
    points: Array,
    valid: Array,
    shape: tuple[int, ...],
    stride: tuple[int, ...],
    capacity: int | None,
    points_per_site: int,
) -> Sites:
    """The distinct points inside ``shape``; ``points_per_site`` bounds them a site of ``x``."""
    enough = min(x.capacity * points_per_site, coordinates.cell_count(x.batch_size, shape))
    rows = max(enough, 1) if capacity is None else positive("capacity", capacity)
    coords, count = _distinct_inside(
        points, valid, batch_size=x.batch_size, spatial_shape=shape, capacity=rows
    )
    check_room(count, rows)
    return Sites(coords, count, shape, x.batch_size, stride)


@one_program("batch_size", "spatial_shape", "capacity")
def _distinct_inside(
    points: Array, valid: Array, *, batch_size: int, spatial_shape: tuple[int, ...], capacity: int
) -> tuple[Array, Array]:
    place = points[..., 1:]
    limits = jnp.broadcast_to(jnp.array(spatial_shape, jnp.int32), place.shape)
    inside = valid & ((place >= 0) & (place < limits)).all(axis=-1)
    coords, count, _ = coordinates.distinct(
        points.reshape(-1, points.shape[-1]),
        inside.reshape(-1),
        batch_size=batch_size,
        spatial_shape=spatial_shape,
        capacity=capacity,
    )
    return coords, count


def _scaled(stride: tuple[int, ...], factors: tuple[int, ...]) -> tuple[int, ...]:
    return tuple(s * f for s, f in zip(stride, factors, strict=True))
