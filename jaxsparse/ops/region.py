"""Which places around an output site a kernel reads: hypercubes, crosses, any list of offsets.

A region is its list of offsets in tap order. Kernel size, dilation and padding meet here and
nowhere else: whatever the shape, a convolution of stride ``s`` reads ``s * out + offset[k]``.
"""

from __future__ import annotations

import dataclasses
import itertools
import operator
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any

from jaxsparse.errors import InputError, check_kind
from jaxsparse.integers import integer, integers

# Offsets stay below this, so that a sum of a coordinate and an offset cannot wrap to a valid one.
OFFSET_LIMIT = 2**30

PerAxis = int | Sequence[int]


@dataclasses.dataclass(frozen=True)
class Region:
    """The places that a kernel reads, relative to ``stride * out``, in tap order.

    Hashable, so that it may be a static argument of ``jax.jit``.

    Attributes:
      offsets: one distinct tuple of ``D`` integers a tap, in units of the input level. Of a
        hypercube tap ``k`` has the offset ``dilation * k - padding``.

    Raises:
      InputError: no offset, one that is not of integers, offsets of different length, repeated or
        too large ones.

    >>> Region(((0,), (3,))).taps
    2
    """

    offsets: tuple[tuple[int, ...], ...]

    def __post_init__(self) -> None:
        offsets = tuple(integers("offsets", offset) for offset in self.offsets)
        object.__setattr__(self, "offsets", offsets)
        if not offsets:
            raise InputError("offsets is empty: a region needs at least one")
        if {len(offset) for offset in offsets} != {self.dim} or not 1 <= self.dim <= 4:
            raise InputError(f"offsets is {offsets}: each must be 1 to 4 integers, as many in each")
        repeated = [offset for offset, times in Counter(offsets).items() if times > 1]
        if repeated:
            raise InputError(f"offsets has {repeated[0]} more than once: offsets must be distinct")
        largest = max(abs(n) for offset in offsets for n in offset)
        if largest >= OFFSET_LIMIT:
            raise InputError(f"offsets reach {largest}: must stay below 2**30")

    @property
    def taps(self) -> int:
        """Number of kernel positions."""
        return len(self.offsets)

    @property
    def dim(self) -> int:
        """Number of spatial axes."""
        return len(self.offsets[0])

    @property
    def symmetric(self) -> bool:
        """Whether tap ``taps - 1 - k`` is the opposite of tap ``k``, the centre among them.

        The table of such a submanifold convolution is its own transpose, mirrored.
        """
        mirrored = tuple(tuple(-n for n in offset) for offset in reversed(self.offsets))
        return self.taps % 2 == 1 and self.offsets == mirrored

    @property
    def low(self) -> tuple[int, ...]:
        """Smallest offset along each axis; of a hypercube the negative padding."""
        return tuple(min(axis) for axis in zip(*self.offsets, strict=True))

    @property
    def high(self) -> tuple[int, ...]:
        """Largest offset along each axis."""
        return tuple(max(axis) for axis in zip(*self.offsets, strict=True))

    def taps_per_input(self, stride: PerAxis = 1) -> int:
        """The most output sites that one input site can feed: taps of equal offset modulo stride.

        >>> hypercube(2, 2).taps_per_input(2), hypercube(3, 2).taps_per_input(2)
        (1, 4)
        """
        steps = per_axis("stride", stride, self.dim, at_least=1)
        return max(
            Counter(
                tuple(n % s for n, s in zip(offset, steps, strict=True)) for offset in self.offsets
            ).values()
        )


def hypercube(
    kernel_size: PerAxis, dim: int, *, dilation: PerAxis = 1, padding: PerAxis | None = None
) -> Region:
    """The box ``dilation * k - padding``, ``0 <= k < kernel_size`` along every axis.

    Taps count with the last axis fastest, as a dense kernel ``[*kernel_size, in, out]`` reshaped to
    ``[taps, in, out]``. An int stands for the same number along every axis.

    Args:
      kernel_size: positive, odd or even.
      dim: number of spatial axes, 1 to 4.
      dilation: input sites from one kernel position to the next, positive.
      padding: as of a dense convolution; None: ``dilation * (kernel_size - 1) / 2`` along axes of
        odd size and 0 along those of even size.

    Raises:
      InputError: a number out of range, or not as many numbers as axes.

    >>> hypercube((3, 2), 2).offsets
    ((-1, 0), (-1, 1), (0, 0), (0, 1), (1, 0), (1, 1))
    >>> hypercube(3, 1, dilation=2).offsets, hypercube(3, 1, padding=0).offsets
    (((-2,), (0,), (2,)), ((0,), (1,), (2,)))
    """
    sizes = per_axis("kernel_size", kernel_size, dim, at_least=1)
    steps = per_axis("dilation", dilation, dim, at_least=1)
    if padding is None:
        shifts = tuple(
            step * (size // 2) if size % 2 else 0 for size, step in zip(sizes, steps, strict=True)
        )
    else:
        shifts = per_axis("padding", padding, dim, at_least=0)
    axes = [
        [step * k - shift for k in range(size)]
        for size, step, shift in zip(sizes, steps, shifts, strict=True)
    ]
    return Region(tuple(itertools.product(*axes)))


def cross(kernel_size: PerAxis, dim: int, *, dilation: PerAxis = 1) -> Region:
    """The centre and an arm both ways along every axis, in lexicographic order of the offsets.

    Args:
      kernel_size: odd; ``(kernel_size - 1) / 2`` sites in each arm.
      dim: number of spatial axes, 1 to 4.
      dilation: input sites from one kernel position to the next, positive.

    Raises:
      InputError: an even size, a number out of range, or not as many numbers as axes.

    >>> cross(3, 2).offsets
    ((-1, 0), (0, -1), (0, 0), (0, 1), (1, 0))
    """
    sizes = per_axis("kernel_size", kernel_size, dim, at_least=1)
    steps = per_axis("dilation", dilation, dim, at_least=1)
    if any(size % 2 == 0 for size in sizes):
        raise InputError(f"kernel_size is {kernel_size}: a cross needs odd sizes")
    offsets = {(0,) * dim}
    for axis, (size, step) in enumerate(zip(sizes, steps, strict=True)):
        for k in range(-(size // 2), size // 2 + 1):
            offsets.add((*[0] * axis, step * k, *[0] * (dim - 1 - axis)))
    return Region(tuple(sorted(offsets)))


def check_region(region: object, dim: int) -> None:
    """Refuses what is no region, such as a kernel size, and one of another dimension.

    Raises:
      InputError: it is.

    >>> check_region(3, 2)
    Traceback (most recent call last):
        ...
    jaxsparse.errors.InputError: region is an int: must be a Region, such as ops.hypercube(3, 2)
    """
    size = region if isinstance(region, int) else 3
    check_kind("region", region, Region, remedy=f"such as ops.hypercube({size}, {dim})")
    assert isinstance(region, Region)
    if region.dim != dim:
        raise InputError(f"region has {region.dim} axes: the sites have {dim}")


def per_axis(name: str, value: PerAxis, dim: int, *, at_least: int) -> tuple[int, ...]:
    """One integer an axis; a single one stands for all of them.

    >>> per_axis("stride", 2, 3, at_least=1)
    (2, 2, 2)
    """
    if not 1 <= integer("dim", dim) <= 4:
        raise InputError(f"dim is {dim}: must be 1 to 4")
    given: Any = value
    try:
        numbers = (operator.index(given),) * dim
    except TypeError:
        numbers = integers(name, given) if isinstance(given, Iterable) else ()
    if len(numbers) != dim or min(numbers) < at_least or max(numbers) >= OFFSET_LIMIT:
        raise InputError(
            f"{name} is {value}: must be an integer from {at_least} to below 2**30, or {dim} of "
            "them"
        )
    return numbers
