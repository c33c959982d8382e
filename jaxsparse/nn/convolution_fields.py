"""What the fields of a convolution layer may be, and whether a connection is what they say."""

from typing import Any

from jaxsparse import ops
from jaxsparse.errors import InputError
from jaxsparse.integers import positive
from jaxsparse.nn.dense_connection import DenseConnection

_ONE_FOR_ALL_AXES = {
    "kernel_size": "give region=ops.hypercube(kernel_size, dim) for others",
    "stride": "give a connection for others, such as ops.strided_connection(x, region, stride)",
    "dilation": "give region=ops.hypercube(kernel_size, dim, dilation=dilation) for others",
}


def check_fields(module: Any, features: int) -> None:
    """Refuses numbers that no convolution has.

    Args:
      module: the layer.
      features: channels of its output.

    Raises:
      InputError: one that is no positive integer.
    """
    positive("features", features)
    for name, remedy in _ONE_FOR_ALL_AXES.items():
        value = getattr(module, name)
        if isinstance(value, tuple | list):
            raise InputError(
                f"{name} is {tuple(value)}: must be one integer for all axes, {remedy}"
            )
        if not (name == "kernel_size" and value is None):
            positive(name, value)


def check_connection_of(module: Any, connection: ops.Connection | DenseConnection) -> None:
    """Refuses a connection of another kind than the layer, as far as both say what they are.

    A layer without a kernel takes any connection, or any of its stride if it has one.

    Raises:
      InputError: another stride or direction, another number of taps, or other places that they
        read; a dilation without a kernel.
    """
    name, size, region = type(module).__name__, module.kernel_size, module.region
    any_kernel = size is None and region is None
    if any_kernel and module.dilation != 1:
        raise InputError(
            f"dilation is {module.dilation} and kernel_size of {name} None: say the kernel too, "
            "or leave both to the connection"
        )
    if not any_kernel or module.stride != 1:
        _check_strides(module, connection)
    if any_kernel:
        return
    remedy = f"make one for it, or take nn.{_takes_any(name)} without kernel_size, which takes any"
    dim = len(connection.strides[0])
    taps = size**dim if region is None else region.taps
    if taps != connection.taps:
        raise InputError(
            f"the connection has {connection.taps} taps: the kernel of this {name} has {taps}, "
            f"{remedy}"
        )
    if connection.offsets is None:
        return
    if region is not None and connection.offsets != region.offsets:
        raise InputError(
            f"the connection reads the offsets {_few(connection.offsets)}: the region of this "
            f"{name} has {_few(region.offsets)}, {remedy}"
        )
    if region is None:
        # A connection says its padding by itself: what the layer says is the spacing.
        cube = ops.hypercube(size, dim, dilation=module.dilation, padding=0).offsets
        low = [min(axis) for axis in zip(*connection.offsets, strict=True)]
        found = tuple(
            tuple(n - first for n, first in zip(offset, low, strict=True))
            for offset in connection.offsets
        )
        if found != cube:
            raise InputError(
                f"the connection reads the offsets {_few(connection.offsets)}: this {name} has "
                f"kernel_size {size} and dilation {module.dilation}, {remedy}"
            )


def _check_strides(module: Any, connection: ops.Connection | DenseConnection) -> None:
    name, stride = type(module).__name__, module.stride
    source, target = connection.strides
    fine, coarse = (target, source) if module.transposed else (source, target)
    if coarse == tuple(stride * unit for unit in fine):
        return
    leads = "stays on one level"
    if stride != 1:
        leads = f"leads to a level {'finer' if module.transposed else 'coarser'} by {stride}"
    found, fields = _stride_of(connection)
    any_kernel = f"nn.{_takes_any(name)} without kernel_size and stride, which takes any connection"
    if fine == tuple(stride * unit for unit in coarse):
        remedy = "take the layer for the other way, or give connection.transpose()"
    elif fields and name == _takes_any(name):
        remedy = f"give it {fields}, or take {any_kernel}"
    elif fields:
        remedy = f"take nn.{_takes_any(name)} with {fields}, or {any_kernel}"
    else:
        remedy = f"take {any_kernel}"
    raise InputError(
        f"the connection has stride {found}, from stride {source} to {target}: {name} has stride "
        f"{stride} and {leads}, {remedy}"
    )


def _stride_of(connection: ops.Connection | DenseConnection) -> tuple[str, str]:
    """That of a connection, and the fields of a layer for it; none where axes differ."""
    source, target = connection.strides
    down = all(coarse >= fine for fine, coarse in zip(source, target, strict=True))
    fine, coarse = (source, target) if down else (target, source)
    found = tuple(long // short for short, long in zip(fine, coarse, strict=True))
    if len(set(found)) > 1:
        return str(found), ""
    return str(found[0]), f"stride={found[0]}" if down else f"stride={found[0]}, transposed=True"


def _takes_any(name: str) -> str:
    return name if name == "ChannelwiseConv" else "GeneralConv"


def _few(offsets: tuple[tuple[int, ...], ...]) -> str:
    """The first ones, as a kernel may have hundreds."""
    return ", ".join(map(str, offsets[:3])) + (", ..." if len(offsets) > 3 else "")
