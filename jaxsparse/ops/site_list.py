"""The coordinates of a batch without features: what a level, or the output of a layer, lies on."""

from __future__ import annotations

import dataclasses

import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int

from jaxsparse.errors import check_kind
from jaxsparse.features import check_rows
from jaxsparse.pytree import pytree
from jaxsparse.same_sites import check_order
from jaxsparse.tensor import SparseTensor


@pytree
@dataclasses.dataclass(frozen=True)
class Sites:
    """The coordinates of a SparseTensor without its features, a pytree.

    Attributes:
      coords: int32 ``[capacity, 1 + D]`` in units of this level, canonical order, padding -1.
      count: int32 scalar, the true number of sites; more than ``capacity`` where not all found
        room (see ``fits``).
      spatial_shape: length of every axis in level units (static).
      batch_size: number of events (static).
      stride: finest pixels per unit and axis (static).
    """

    coords: Int[Array, "sites axes"]
    count: Int[Array, ""]
    spatial_shape: tuple[int, ...] = dataclasses.field(metadata={"static": True})
    batch_size: int = dataclasses.field(metadata={"static": True})
    stride: tuple[int, ...] = dataclasses.field(metadata={"static": True})

    @classmethod
    def of(cls, x: SparseTensor | Sites) -> Sites:
        """The sites of a tensor, or of a level of a geometry without its maps.

        Raises:
          InputError: a tensor with another number of rows of features than of coordinates, or
            coordinates that are no int32; within ``jaxsparse.checking_sites()`` also sites that
            are not in order.
        """
        if type(x) is Sites:
            return x
        check_kind("x", x, SparseTensor, Sites, remedy="whose coordinates are read")
        if isinstance(x, SparseTensor):
            x.check()
        count = jnp.asarray(x.count if isinstance(x, Sites) else x.num_active, jnp.int32)
        if isinstance(x, SparseTensor):
            check_order(x, count)
        return Sites(jnp.asarray(x.coords), count, x.spatial_shape, x.batch_size, x.stride)

    @property
    def capacity(self) -> int:
        """Number of rows, padding included."""
        return self.coords.shape[-2]

    @property
    def dim(self) -> int:
        """Number of spatial axes."""
        return len(self.spatial_shape)

    @property
    def num_active(self) -> Int[Array, ""]:
        """How many rows are sites."""
        return jnp.minimum(self.count, self.capacity)

    @property
    def mask(self) -> Bool[Array, "*stack sites"]:
        """True on the rows that are sites."""
        count = self.count if not jnp.ndim(self.count) else self.count[..., None]
        return jnp.arange(self.capacity, dtype=jnp.int32) < count

    @property
    def fits(self) -> Bool[Array, ""]:
        """Whether all sites found room. Look at it where the capacity was a guess."""
        return self.count <= self.capacity

    def tensor(self, features: Float[Array, "sites channels"]) -> SparseTensor:
        """Features on these sites; what padding rows hold does not matter.

        Raises:
          InputError: features that have not one row for each row of ``coords``.
        """
        check_rows(features, self.capacity)
        return SparseTensor(
            coords=self.coords,
            features=features,
            num_active=self.num_active,
            spatial_shape=self.spatial_shape,
            batch_size=self.batch_size,
            stride=self.stride,
        )
