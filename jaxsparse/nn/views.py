"""Several views of an event brought together on one set of sites.

Views of a detector share an axis and differ in the other; a merged pixel is a place in the images,
not in space. A view that has no site there gives zeros.
"""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Sequence

import jax.numpy as jnp
from jaxtyping import Array, Int

from jaxsparse import Geometry, SparseTensor, ops
from jaxsparse import geometry as build_geometry
from jaxsparse.errors import InputError, check_kind
from jaxsparse.features import check_rows
from jaxsparse.nn.dense_tensor import DenseGeometry, DenseTensor
from jaxsparse.ops.coordinates import cell_count
from jaxsparse.ops.lookup import Lookup
from jaxsparse.pytree import pytree

MERGES = ("add", "concatenate")


@pytree
@dataclasses.dataclass(frozen=True)
class MergedViews:
    """The union of the sites of all views, level by level, a pytree.

    Attributes:
      geometry: of the union.
      rows: int32 ``[rows of the union]`` for every level and view: the row of that site in the
        view, the capacity of the view where it has none.
      capacities: those capacities, for every level and view (static).
    """

    geometry: Geometry
    rows: tuple[tuple[Int[Array, " sites"], ...], ...]
    capacities: tuple[tuple[int, ...], ...] = dataclasses.field(metadata={"static": True})

    def merge(self, tensors: Sequence[SparseTensor], how: str) -> SparseTensor:
        """The views' features on the sites of the union.

        Args:
          tensors: one a view, all of the same level.
          how: ``"add"``, the sum over views, or ``"concatenate"``, their channels one after the
            other; a view without the site counts as zeros.

        Raises:
          InputError: another way to merge, tensors of different levels, of one that the union
            does not have, or of another number of rows than the views have there.
        """
        for index, tensor in enumerate(tensors):
            check_kind(f"tensors[{index}]", tensor, SparseTensor)
        _check_views([(t.spatial_shape, t.batch_size, t.stride) for t in tensors])
        level = self.geometry.level_of_stride(tensors[0].stride)
        for tensor, rows in zip(tensors, self.capacities[level], strict=True):
            check_rows(tensor.features, rows)
        taken = [
            ops.take_rows(tensor.features, rows, distinct=True)
            for tensor, rows in zip(tensors, self.rows[level], strict=True)
        ]
        return self.geometry.tensor(level, _combine(taken, how))


@pytree
@dataclasses.dataclass(frozen=True)
class DenseMergedViews:
    """Whole images of all views, pixel on pixel; in masked mode active where any view is."""

    geometry: DenseGeometry

    def merge(self, tensors: Sequence[DenseTensor], how: str) -> DenseTensor:
        """As :meth:`MergedViews.merge`."""
        level = self.geometry.level_of(tensors[0])
        return self.geometry.tensor(level, _combine([t.features for t in tensors], how))


def merged_views(
    geometries: Sequence[Geometry], first_level: int, *, kernels: Sequence[int] = (3,)
) -> MergedViews:
    """The union of the views' sites on ``first_level`` and all coarser levels; traceable.

    Its rows always suffice: a level has those of all views together, or one for each of its pixels
    where that is less.

    Args:
      geometries: one a view, of the same events, shape and levels.
      first_level: number of the finest level of the union in the views' geometries.
      kernels: of the maps that the union gets.

    Raises:
      InputError: geometries that do not belong together.
    """
    levels = list(zip(*(geometry.levels[first_level:] for geometry in geometries), strict=True))
    for views in levels:
        _check_views([(v.spatial_shape, v.batch_size, v.stride) for v in views])
    capacities = [
        min(sum(v.capacity for v in views), cell_count(views[0].batch_size, views[0].spatial_shape))
        for views in levels
    ]
    bare = [view.tensor(jnp.zeros((view.capacity, 0), jnp.float32)) for view in levels[0]]
    union = functools.reduce(ops.union, bare)
    # What lies beyond the smaller of the two bounds is padding.
    union = dataclasses.replace(
        union, coords=union.coords[: capacities[0]], features=union.features[: capacities[0]]
    )
    geometry = build_geometry(union, levels=len(levels), kernels=kernels, capacities=capacities)
    rows = []
    for views, level in zip(levels, geometry.levels, strict=True):
        finders = [Lookup.of(view) for view in views]
        rows.append(tuple(find(level.coords, level.mask) for find in finders))
    view_rows = tuple(tuple(view.capacity for view in views) for views in levels)
    return MergedViews(geometry, tuple(rows), view_rows)


def dense_merged_views(
    geometries: Sequence[DenseGeometry], first_level: int, *, kernels: Sequence[int] = (3,)
) -> DenseMergedViews:
    """The dense twin of :func:`merged_views`, with the same arguments and errors."""
    _check_views([(g.spatial_shapes, g.strides, g.masks[0] is None) for g in geometries])
    masks = tuple(
        None if views[0] is None else functools.reduce(jnp.logical_or, views)
        for views in zip(*(g.masks[first_level:] for g in geometries), strict=True)
    )
    shapes, strides = geometries[0].spatial_shapes, geometries[0].strides
    return DenseMergedViews(DenseGeometry(masks, shapes[first_level:], strides[first_level:]))


def _combine(features: Sequence[Array], how: str) -> Array:
    if how not in MERGES:
        raise InputError(f"merge is {how!r}: must be one of {', '.join(MERGES)}")
    if how == "concatenate":
        return jnp.concatenate(features, axis=-1)
    return functools.reduce(jnp.add, features)


def _check_views(described: Sequence[tuple]) -> None:
    for index, view in enumerate(described):
        if view != described[0]:
            raise InputError(
                f"view {index} has (shape, events, stride) {view} and view 0 {described[0]}: views "
                "that are merged must have the same, give all of them the shape that holds all"
            )
