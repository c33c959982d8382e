"""Kernels of the peers in our order of taps: last spatial axis fastest, ``[taps, in, out]``.

All three compute a cross-correlation and use the kernel of a transposed or inverse convolution
unflipped, as the strided convolution that it reverses would: the order of the taps and of the axes
is all that differs.
"""

from collections.abc import Sequence
from math import prod

import numpy as np
from jaxtyping import Float

from jaxsparse.errors import InputError
from jaxsparse.integers import integers
from jaxsparse.ops.region import cross

SPCONV_LAYOUTS = ("KRSC", "RSKC", "RSCK")


def minkowski_kernel(
    kernel: Float[np.ndarray, "..."], kernel_size: Sequence[int]
) -> Float[np.ndarray, " taps in out"]:
    """The kernel of a ``MinkowskiConvolution`` or ``MinkowskiConvolutionTranspose``.

    MinkowskiEngine counts taps with the **first** spatial axis fastest: tap ``k`` has the position
    ``k % size[0]`` along axis 0, ``k // size[0] % size[1]`` along axis 1 and so on.

    Args:
      kernel: ``[taps, in, out]``; ``[in, out]`` where all of ``kernel_size`` is 1 and the stride
        too.
      kernel_size: one number an axis, in the order of the coordinates.

    Returns:
      ``[taps, in, out]`` for ``ops.hypercube(kernel_size, dim)``, of the type of ``kernel``.

    Raises:
      InputError: another number of taps or axes.

    Source: ``kernel_region::coordinate_at`` in ``src/kernel_region.hpp`` of MinkowskiEngine 0.5.

    >>> kernel = np.arange(6.0).reshape(6, 1, 1) # positions (0, 0), (1, 0), (2, 0), (0, 1), ...
    >>> minkowski_kernel(kernel, (3, 2)).ravel().tolist() # (0, 0), (0, 1), (1, 0), (1, 1), ...
    [0.0, 3.0, 1.0, 4.0, 2.0, 5.0]
    """
    kernel = np.asarray(kernel)
    sizes = sizes_of_axes(kernel_size)
    if kernel.ndim == 2 and prod(sizes) == 1:
        kernel = kernel[None]
    _check_taps(kernel, prod(sizes), f"of kernel_size {sizes}")
    grid = kernel.reshape(*reversed(sizes), *kernel.shape[1:])
    dim = len(sizes)
    return grid.transpose(*reversed(range(dim)), dim, dim + 1).reshape(kernel.shape)


def minkowski_cross_kernel(
    kernel: Float[np.ndarray, " taps in out"], kernel_size: Sequence[int]
) -> Float[np.ndarray, " taps in out"]:
    """The kernel of a convolution with ``RegionType.HYPER_CROSS``.

    MinkowskiEngine has the centre first, then axis by axis the offsets ``1 .. r`` and ``-r .. -1``
    with ``r = (size - 1) / 2``.

    Args:
      kernel: ``[taps, in, out]``.
      kernel_size: one odd number an axis.

    Returns:
      ``[taps, in, out]`` for ``ops.cross(kernel_size, dim)``.

    Raises:
      InputError: another number of taps or axes, an even size.

    Source: as of ``minkowski_kernel``.

    >>> kernel = np.arange(5.0).reshape(5, 1, 1) # (0, 0), (1, 0), (-1, 0), (0, 1), (0, -1)
    >>> minkowski_cross_kernel(kernel, (3, 3)).ravel().tolist()
    [2.0, 4.0, 0.0, 3.0, 1.0]
    """
    kernel = np.asarray(kernel)
    sizes = sizes_of_axes(kernel_size)
    dim = len(sizes)
    ours = cross(sizes, dim).offsets
    theirs = [(0,) * dim]
    for axis, size in enumerate(sizes):
        arm = [*range(1, size // 2 + 1), *range(-(size // 2), 0)]
        theirs += [(*[0] * axis, step, *[0] * (dim - 1 - axis)) for step in arm]
    _check_taps(kernel, len(theirs), f"of a cross of kernel_size {sizes}")
    return kernel[[theirs.index(offset) for offset in ours]]


def spconv_kernel(
    kernel: Float[np.ndarray, "..."], *, layout: str = "KRSC"
) -> Float[np.ndarray, " taps in out"]:
    """The weight of any convolution of spconv.

    Args:
      kernel: of the layout ``"KRSC"``, ``[out, *kernel_size, in]``.
      layout: spconv's names, of its variable ``SPCONV_SAVED_WEIGHT_LAYOUT``: ``"KRSC"``, that of
        2.2 and later; ``"RSKC"``, ``[*kernel_size, out, in]``; ``"RSCK"``,
        ``[*kernel_size, in, out]``, that of 1.x.

    Returns:
      ``[taps, in, out]`` for ``ops.hypercube(kernel_size, dim)``, of the type of ``kernel``.

    Raises:
      InputError: an unknown layout, not 1 to 4 spatial axes.

    Source: ``spconv/pytorch/conv.py`` of spconv 2.3.8, and a comparison with it (tests).

    >>> spconv_kernel(np.zeros((8, 3, 3, 3, 4))).shape
    (27, 4, 8)
    """
    kernel = np.asarray(kernel)
    if layout not in SPCONV_LAYOUTS:
        raise InputError(f"layout is {layout!r}: must be one of {', '.join(SPCONV_LAYOUTS)}")
    if not 3 <= kernel.ndim <= 6:
        raise InputError(
            f"kernel has shape {kernel.shape}: must have 1 to 4 axes beside in and out"
        )
    if layout == "KRSC":
        kernel = np.moveaxis(kernel, 0, -1)
    elif layout == "RSKC":
        kernel = np.swapaxes(kernel, -1, -2)
    return kernel.reshape(-1, *kernel.shape[-2:])


def sizes_of_axes(kernel_size: Sequence[int]) -> tuple[int, ...]:
    """The sizes of a kernel as Python integers.

    Raises:
      InputError: one number for all axes, or anything else that is no sequence of integers.

    >>> sizes_of_axes([3, 5])
    (3, 5)
    """
    if isinstance(kernel_size, int | np.integer):
        raise InputError(
            f"kernel_size is {kernel_size}: must be a sequence of integers, one an axis, such as "
            f"{(int(kernel_size),) * 3} in three dimensions"
        )
    return integers("kernel_size", kernel_size)


def _check_taps(kernel: np.ndarray, taps: int, of_what: str) -> None:
    if kernel.ndim != 3 or len(kernel) != taps:
        shape = f"[{taps} taps, in, out]" if taps > 1 else "[in, out]"
        raise InputError(f"kernel has shape {kernel.shape}: one {of_what} has {shape}")
