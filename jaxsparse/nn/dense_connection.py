"""Connections of whole images, the dense twin of :mod:`jaxsparse.nn.connection`."""

import dataclasses

from jaxsparse.errors import InputError
from jaxsparse.nn.dense_tensor import DenseGeometry, DenseTensor
from jaxsparse.pytree import pytree


@pytree
@dataclasses.dataclass(frozen=True)
class DenseConnection:
    """Which pixels a convolution or pooling reads and makes, a pytree.

    Output ``o`` reads the pixels ``stride * o + dilation * k - padding``, the padding being that of
    :func:`jaxsparse.ops.hypercube`: ``dilation * (kernel_size - 1) / 2`` of odd kernels, 0 of even
    ones.

    Attributes:
        geometry: of the images.
        source: number of the level that is read (static).
        target: number of the level that is made (static).
        kernel_size: the same along every axis (static).
        dilation: pixels from one kernel position to the next (static).
    """

    geometry: DenseGeometry
    source: int = dataclasses.field(metadata={"static": True})
    target: int = dataclasses.field(metadata={"static": True})
    kernel_size: int = dataclasses.field(metadata={"static": True})
    dilation: int = dataclasses.field(default=1, metadata={"static": True})

    @property
    def stride(self) -> int:
        """Pixels of the source to one of the target."""
        return int(2 ** (self.target - self.source))

    @property
    def dim(self) -> int:
        """Number of spatial axes."""
        return len(self.geometry.spatial_shapes[self.source])

    @property
    def taps(self) -> int:
        """Number of kernel positions."""
        return int(self.kernel_size**self.dim)

    @property
    def padding(self) -> list[tuple[int, int]]:
        """Rows of zeros before and after each axis; a negative number cuts rows off."""
        shapes = self.geometry.spatial_shapes
        before = self.dilation * (self.kernel_size // 2) if self.kernel_size % 2 else 0
        reach = self.dilation * (self.kernel_size - 1) - before
        return [
            (before, self.stride * (made - 1) + reach - (read - 1))
            for read, made in zip(shapes[self.source], shapes[self.target], strict=True)
        ]

    def check(self, x: DenseTensor) -> None:
        """Refuses images of another level.

        Raises:
            InputError: ``x`` is not of the level that is read.
        """
        if x.stride != self.geometry.strides[self.source]:
            raise InputError(
                f"x has stride {x.stride}: the connection reads stride "
                f"{self.geometry.strides[self.source]}"
            )


def neighbours(
    geometry: DenseGeometry, level: int, *, kernel_size: int = 3, dilation: int = 1
) -> DenseConnection:
    """Of stride 1, onto the same pixels.

    Raises:
        InputError: an even kernel, or a level that the geometry does not have.
    """
    if kernel_size % 2 == 0:
        raise InputError(f"kernel_size is {kernel_size}: must be odd to stay on the same sites")
    _check_level(geometry, level)
    return DenseConnection(geometry, level, level, kernel_size, dilation)


def down(geometry: DenseGeometry, level: int, *, kernel_size: int = 2) -> DenseConnection:
    """Of stride 2, to the next level.

    Raises:
        InputError: the geometry has no level below, an even kernel other than 2.

    >>> import jax.numpy as jnp
    >>> from jaxsparse.nn.dense_tensor import geometry
    >>> x = DenseTensor(jnp.zeros((1, 5, 8, 1)), None, (1, 1))
    >>> down(geometry(x, levels=2), 0, kernel_size=3).padding
    [(1, 1), (1, 0)]
    """
    if kernel_size != 2 and kernel_size % 2 == 0:
        raise InputError(f"kernel_size is {kernel_size}: must be 2 or odd")
    _check_level(geometry, level + 1)
    return DenseConnection(geometry, level, level + 1, kernel_size)


def _check_level(geometry: DenseGeometry, level: int) -> None:
    if not 0 <= level < len(geometry.strides):
        raise InputError(
            f"level is {level}: the geometry has levels 0 to {len(geometry.strides) - 1}, build it "
            "with more levels"
        )
