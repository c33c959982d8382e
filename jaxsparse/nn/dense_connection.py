"""Connections of whole images, the dense twin of :mod:`jaxsparse.nn.connection`."""

import dataclasses

from jaxsparse.errors import InputError
from jaxsparse.nn.connection import check_odd, other_level
from jaxsparse.nn.dense_tensor import DenseGeometry, DenseTensor, check_dense
from jaxsparse.ops import Region, hypercube
from jaxsparse.pytree import pytree


@pytree
@dataclasses.dataclass(frozen=True)
class DenseConnection:
    """Which pixels a convolution or pooling reads and makes, a pytree.

    Output ``o`` reads the pixels ``stride * o + dilation * k - padding``, the padding being that of
    :func:`jaxsparse.ops.hypercube`: ``dilation * (kernel_size - 1) / 2`` of odd kernels, 0 of even
    ones. The other way round, transposed, these pixels are what ``o`` feeds.

    Attributes:
      geometry: of the images.
      source: number of the level that is read (static).
      target: number of the level that is made (static).
      kernel_size: the same along every axis (static).
      dilation: pixels from one kernel position to the next (static).
      transposed: whether it is the way back, from coarse to fine (static).
    """

    geometry: DenseGeometry
    source: int = dataclasses.field(metadata={"static": True})
    target: int = dataclasses.field(metadata={"static": True})
    kernel_size: int = dataclasses.field(metadata={"static": True})
    dilation: int = dataclasses.field(default=1, metadata={"static": True})
    transposed: bool = dataclasses.field(default=False, metadata={"static": True})

    @property
    def fine(self) -> tuple[int, ...]:
        """Pixels of the finer side along each axis."""
        return self.geometry.spatial_shapes[min(self.source, self.target)]

    @property
    def coarse(self) -> tuple[int, ...]:
        """Pixels of the coarser side along each axis."""
        return self.geometry.spatial_shapes[max(self.source, self.target)]

    @property
    def stride(self) -> int:
        """Pixels of the fine side to one of the coarse side."""
        first, second = (self.geometry.strides[level] for level in (self.source, self.target))
        return max(first[0] // second[0], second[0] // first[0]) if first else 1

    @property
    def strides(self) -> tuple[tuple[int, ...], tuple[int, ...]]:
        """Of the level that is read and of the one that is made."""
        return self.geometry.strides[self.source], self.geometry.strides[self.target]

    @property
    def offsets(self) -> tuple[tuple[int, ...], ...]:
        """In ``fine = stride * coarse + offset[k]``, as of the sparse twin."""
        return hypercube(self.kernel_size, self.dim, dilation=self.dilation).offsets

    @property
    def dim(self) -> int:
        """Number of spatial axes."""
        return len(self.fine)

    @property
    def taps(self) -> int:
        """Number of kernel positions."""
        return int(self.kernel_size**self.dim)

    @property
    def taps_per_target(self) -> int:
        """The most taps that can feed one pixel that is made."""
        if not self.transposed:
            return self.taps
        region = hypercube(self.kernel_size, self.dim, dilation=self.dilation)
        return region.taps_per_input(self.stride)

    @property
    def before(self) -> int:
        """Rows of zeros before each axis of the fine side."""
        return self.dilation * (self.kernel_size // 2) if self.kernel_size % 2 else 0

    @property
    def padding(self) -> list[tuple[int, int]]:
        """Rows of zeros before and after each fine axis; a negative number cuts rows off."""
        reach = self.dilation * (self.kernel_size - 1) - self.before
        return [
            (self.before, self.stride * (coarse - 1) + reach - (fine - 1))
            for fine, coarse in zip(self.fine, self.coarse, strict=True)
        ]

    def check_source(self, x: DenseTensor) -> None:
        """Refuses what is no image of the level that is read.

        Raises:
          InputError: it is not.
        """
        self._check(x, self.source, "reads")

    def check_target(self, y: DenseTensor) -> None:
        """Refuses what is no image of the level that is made.

        Raises:
          InputError: it is not.
        """
        self._check(y, self.target, "makes")

    def transpose(self) -> "DenseConnection":
        """The way back."""
        return dataclasses.replace(
            self, source=self.target, target=self.source, transposed=not self.transposed
        )

    def _check(self, x: DenseTensor, level: int, role: str) -> None:
        check_dense(x)
        if x.stride != self.geometry.strides[level]:
            raise InputError(
                f"x has stride {x.stride}: the connection {role} stride "
                f"{self.geometry.strides[level]}"
            )


def neighbours(
    geometry: DenseGeometry, level: int, *, kernel_size: int = 3, dilation: int = 1
) -> DenseConnection:
    """Of stride 1, onto the same pixels.

    Raises:
      InputError: an even kernel, or a level that the geometry does not have.
    """
    check_odd(kernel_size)
    _check_level(geometry, level)
    return DenseConnection(geometry, level, level, kernel_size, dilation)


def down(geometry: DenseGeometry, level: int, *, kernel_size: int = 2) -> DenseConnection:
    """Of stride 2, to the next level.

    Raises:
      InputError: the geometry has no level below, an even kernel other than 2.

    >>> import jax.numpy as jnp
    >>> from jaxsparse.nn.dense_tensor import dense_geometry
    >>> x = DenseTensor(jnp.zeros((1, 5, 8, 1)), None, (1, 1))
    >>> down(dense_geometry(x, levels=2), 0, kernel_size=3).padding
    [(1, 1), (1, 0)]
    """
    if kernel_size != 2 and kernel_size % 2 == 0:
        raise InputError(f"kernel_size is {kernel_size}: must be 2 or odd")
    _check_level(geometry, level + 1)
    return DenseConnection(geometry, level, level + 1, kernel_size)


def connect(
    geometry: DenseGeometry,
    x: DenseTensor,
    *,
    kernel_size: int | None,
    stride: int,
    dilation: int,
    region: Region | None,
    transposed: bool,
) -> DenseConnection:
    """What a convolution of ``x`` reads and makes in a geometry, as of sparse tensors.

    Raises:
      InputError: a level that the geometry does not have, an even kernel without a stride, or a
        region: whole images have kernels that are cubes.
    """
    level = geometry.level_of(x)
    if region is not None or kernel_size is None:
        raise InputError("region is given: whole images take kernel_size and dilation alone")
    other = other_level(list(geometry.strides), level, stride, transposed=transposed)
    if other == level:
        check_odd(kernel_size)
    return DenseConnection(geometry, level, other, kernel_size, dilation, transposed)


def _check_level(geometry: DenseGeometry, level: int) -> None:
    if not 0 <= level < len(geometry.strides):
        raise InputError(
            f"level is {level}: the geometry has levels 0 to {len(geometry.strides) - 1}, build it "
            "with more levels"
        )
