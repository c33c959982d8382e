"""The dense twin of SparseTensor and Geometry: whole images and, in masked mode, their masks."""

import dataclasses
from typing import Any

import jax.numpy as jnp
from jaxtyping import Array, Bool, Float

from jaxsparse import SparseTensor
from jaxsparse.arithmetic import Arithmetic
from jaxsparse.errors import InputError, check_kind
from jaxsparse.pytree import pytree
from jaxsparse.same_sites import known_to_differ


@pytree
@dataclasses.dataclass(frozen=True)
class DenseTensor(Arithmetic):
    """A batch of whole images, of one level.

    Attributes:
      features: ``[events, *spatial, channels]``.
      mask: ``[events, *spatial]``, True at the active sites; elsewhere features are exactly zero
        (*masked mode*, the same function as the sparse vocabulary). None: every pixel counts
        (*plain mode*, what a user of dense convolutions runs).
      stride: finest pixels to a pixel of this level, for each axis.

    >>> x = DenseTensor(jnp.zeros((2, 8, 8, 1)), mask=None, stride=(1, 1))
    >>> x.dim, x.spatial_shape
    (2, (8, 8))
    """

    features: Float[Array, "events *spatial channels"]
    mask: Bool[Array, " events *spatial"] | None
    stride: tuple[int, ...] = dataclasses.field(metadata={"static": True})

    @property
    def dim(self) -> int:
        """Number of spatial axes."""
        return len(self.stride)

    @property
    def spatial_shape(self) -> tuple[int, ...]:
        """Size of each spatial axis, in pixels of this level."""
        return self.features.shape[1:-1]

    def replace(self, **changes: Any) -> "DenseTensor":
        """The same tensor with other features (or mask).

        Raises:
          InputError: features that are not of the size of the mask.
        """
        new = dataclasses.replace(self, **changes)
        new.check()
        return new

    def check_same_sites(self, other: object) -> None:
        """Refuses images of another stride or size, or, where they are at hand, another mask.

        Raises:
          InputError: they are, or no DenseTensor.
        """
        check_kind("y", other, DenseTensor, remedy="as x is")
        assert isinstance(other, DenseTensor)
        given, expected = ((t.stride, t.features.shape[:-1], t.mask is None) for t in (self, other))
        if given != expected or known_to_differ(self.mask, other.mask):
            raise InputError(
                f"x has stride, size, no mask {given}: y has {expected}, and their masks must "
                "agree; bring both to the same sites"
            )

    def check(self) -> None:
        """Refuses features that are not of the size of the mask.

        Raises:
          InputError: they are not.
        """
        shape = jnp.shape(self.features)
        if self.mask is not None and shape[:-1] != jnp.shape(self.mask):
            sites = ", ".join(map(str, jnp.shape(self.mask)))
            raise InputError(
                f"features has shape {shape}: must be [{sites}, channels], as the mask"
            )


@pytree
@dataclasses.dataclass(frozen=True)
class DenseGeometry:
    """Shapes and masks of all levels, the dense twin of :class:`jaxsparse.Geometry`.

    Attributes:
      masks: one ``[events, *spatial]`` for each level, or None for each level (plain mode).
      spatial_shapes: pixels along each axis, for each level: ``ceil(n / 2)`` from one to the
        next, so that an odd last row keeps its parent.
      strides: finest pixels to a pixel, for each level and axis.
    """

    masks: tuple[Bool[Array, " events *spatial"] | None, ...]
    spatial_shapes: tuple[tuple[int, ...], ...] = dataclasses.field(metadata={"static": True})
    strides: tuple[tuple[int, ...], ...] = dataclasses.field(metadata={"static": True})

    def level_of(self, x: DenseTensor) -> int:
        """The level that has the stride of ``x``.

        Raises:
          InputError: no DenseTensor, or no level has its stride.
        """
        check_dense(x)
        if x.stride not in self.strides:
            raise InputError(
                f"stride {x.stride}: the geometry has levels of strides {list(self.strides)}, "
                "build it with more levels"
            )
        return self.strides.index(x.stride)

    def tensor(self, level: int, features: Float[Array, "events *spatial channels"]) -> DenseTensor:
        """A tensor of ``level``; features outside its mask become zero."""
        mask = self.masks[level]
        if mask is not None:
            features = jnp.where(mask[..., None], features, 0)
        return DenseTensor(features, mask, self.strides[level])


def check_dense(x: object) -> None:
    """Refuses what is no DenseTensor, and one whose features are not of the size of its mask.

    Raises:
      InputError: it is not.
    """
    remedy = "enter of the dense vocabulary makes one of a sparse batch"
    check_kind("x", x, DenseTensor, remedy=remedy)
    assert isinstance(x, DenseTensor)
    x.check()


def dense_geometry(x: DenseTensor, *, levels: int, kernels: Any = (3,)) -> DenseGeometry:
    """Shapes and masks of ``levels`` levels; traceable.

    A pixel of the next level is active where any of its ``2 ** dim`` pixels is: the site rule of
    the sparse strided convolution (``coords >> 1``).

    Args:
      x: the finest level.
      levels: number of levels, at least 1.
      kernels: accepted for symmetry with :func:`jaxsparse.geometry`; a dense convolution needs no
        map.

    >>> x = DenseTensor(jnp.ones((1, 5, 3, 1)), jnp.ones((1, 5, 3), bool), (1, 1))
    >>> dense_geometry(x, levels=3).spatial_shapes
    ((5, 3), (3, 2), (2, 1))
    """
    masks, shapes, strides = [x.mask], [x.spatial_shape], [x.stride]
    for _ in range(levels - 1):
        mask = masks[-1]
        masks.append(None if mask is None else _any_of_children(mask))
        shapes.append(tuple(-(-size // 2) for size in shapes[-1]))
        strides.append(tuple(2 * stride for stride in strides[-1]))
    return DenseGeometry(tuple(masks), tuple(shapes), tuple(strides))


def _any_of_children(mask: Bool[Array, " events *fine"]) -> Bool[Array, " events *coarse"]:
    odd = [(0, size % 2) for size in mask.shape[1:]]
    padded = jnp.pad(mask, [(0, 0), *odd])
    pairs = [part for size in padded.shape[1:] for part in (size // 2, 2)]
    children = padded.reshape(mask.shape[0], *pairs)
    return children.any(axis=tuple(range(2, children.ndim, 2)))


def to_dense_tensor(x: SparseTensor, *, masked: bool) -> DenseTensor:
    """The whole images of a sparse batch, zero where there is no site; traceable.

    Args:
      x: the sparse batch.
      masked: keep the mask of active sites (masked mode), or None (plain mode).
    """
    mask = None
    if masked:
        mask = x.replace(features=x.mask[:, None].astype(jnp.float32)).to_dense()[..., 0] > 0
    return DenseTensor(x.to_dense(), mask, x.stride)


def rows_of(
    images: Float[Array, "events *spatial channels"], x: SparseTensor
) -> Float[Array, "sites channels"]:
    """Values at the sites of ``x``, in its row order; padding rows are zero."""
    index = tuple(jnp.maximum(x.coords, 0).T)
    return jnp.where(x.mask[:, None], images[index], 0)
