"""One family of convolution layers, for sparse tensors and for whole images.

A layer is called as ``layer(x, where)``. ``where`` is the geometry of the batch, in which the layer
finds by its size, stride, dilation or region what it reads and makes; or a connection, which says
so itself: one of ``neighbours`` or ``down``, or of ``ops.strided_connection`` and its like. Layers
that share a connection share a map. All fields but the first go by name: layers of PyTorch are told
the channels of their input first, and those of ``x`` are known here.

``dtype`` converts the operands around the matrix products only: sums are float32 and features keep
their own type between layers (gathers and elementwise code in bfloat16 are slow on CPU).
"""

from dataclasses import KW_ONLY
from typing import Any, ClassVar

import flax.linen as nn
from jax.typing import DTypeLike

from jaxsparse import Geometry, ops
from jaxsparse.errors import InputError, kind_of
from jaxsparse.integers import positive
from jaxsparse.nn import connection as sparse_connections
from jaxsparse.nn import dense_connection as dense_connections
from jaxsparse.nn.convolution_fields import check_connection_of, check_fields
from jaxsparse.nn.dense_connection import DenseConnection
from jaxsparse.nn.dense_convolution import dense_convolution
from jaxsparse.nn.dense_tensor import DenseGeometry
from jaxsparse.nn.parameters import convolution_weights, parameter
from jaxsparse.nn.pointwise import Tensor, check_kind_of
from jaxsparse.same_sites import check_same_sites

Where = Geometry | ops.Connection | DenseGeometry | DenseConnection


class GeneralConv(nn.Module):
    """``out[o] = bias + sum_k weights[k] . in[i(o, k)]`` for any kernel, stride and sites.

    Parameters: ``weights`` ``[taps, in / groups, out]``, see
    :func:`~jaxsparse.nn.parameters.convolution_weights`, and ``bias`` ``[out]``, zero.

    Attributes:
      features: channels of the output.
      kernel_size: the same along every axis; a connection needs none. Without it and without a
        region the layer takes a connection of any kernel, of any stride too unless it says one.
      stride: how much coarser the output is, to the level of a geometry that is so.
      dilation: sites from one kernel position to the next.
      region: instead of size and dilation, for sparse tensors.
      transposed: the way back of such a convolution: the output is finer by the stride.
      groups: parts of the channels that do not see each other; divides both numbers of channels.
      use_bias: add a learned bias.
      dtype: type of the matrix products' operands (None: that of the features).
      implementation: data flow of a sparse convolution, see :func:`jaxsparse.ops.convolution`.

    Raises:
      InputError: a tensor on other sites than the geometry's or the connection's, a geometry
        without the level or the map, a connection of another stride, direction or kernel than the
        layer says, fields that are no positive integers, groups that do not divide, or no geometry
        and no connection.

    >>> import jax
    >>> from jaxsparse import geometry, sparse_tensor
    >>> x = sparse_tensor([[0, 1], [0, 4]], [[1.0], [2.0]], spatial_shape=(6,), batch_size=1)
    >>> down = ops.strided_connection(x, ops.hypercube(3, 1), 2)
    >>> y, variables = GeneralConv(features=5).init_with_output(jax.random.key(0), x, down)
    >>> y.coords.tolist(), y.features.shape, variables["params"]["weights"].shape
    ([[0, 0], [0, 2]], (2, 5), (3, 1, 5))
    >>> layer = GeneralConv(features=5, kernel_size=3, stride=2)
    >>> layer.apply(variables, x, geometry(x, levels=2)).coords.tolist()
    [[0, 0], [0, 2]]
    """

    keeps_sites: ClassVar[bool] = False  # whether the output has the sites of the input

    features: int
    _: KW_ONLY
    kernel_size: int | None = None
    stride: int = 1
    dilation: int = 1
    region: ops.Region | None = None
    transposed: bool = False
    groups: int = 1
    use_bias: bool = False
    dtype: DTypeLike | None = None
    implementation: str = "auto"

    @nn.compact
    def __call__(self, x: Tensor, where: Where | None = None) -> Tensor:
        return _convolved(self, x, where, features=self.features, groups=self.groups)


class SubmanifoldConv(GeneralConv):
    """Convolution of stride 1 whose output sites are its input sites (arXiv 1706.01307).

    ``out[o] = bias + sum_k weights[k] . in[o + dilation * (k - (kernel_size - 1) / 2)]`` over the
    taps whose site is active; in plain images over all. A geometry must have the map of the kernel.
    Attributes as of :class:`GeneralConv`; the stride is 1.
    """

    keeps_sites: ClassVar[bool] = True

    _: KW_ONLY
    kernel_size: int | None = 3


class StridedConv(GeneralConv):
    """Convolution with kernel 2 and stride 2, to the sites ``floor(x / 2)`` of the next level.

    ``out[o] = bias + sum_k weights[k] . in[2 o + k]`` over the active fine sites; in images with
    zeros past an odd edge. Attributes as of :class:`GeneralConv`.
    """

    _: KW_ONLY
    kernel_size: int | None = 2
    stride: int = 2


class InverseConv(GeneralConv):
    """The inverse of :class:`StridedConv`: back onto the sites that the finer level had.

    ``out[2 o + k] = bias + weights[k] . in[o]``: each fine site reads its one parent. Attributes as
    of :class:`GeneralConv`.
    """

    _: KW_ONLY
    kernel_size: int | None = 2
    stride: int = 2
    transposed: bool = True


class ChannelwiseConv(nn.Module):
    """Depthwise convolution: every channel by itself, with ``multiplier`` kernels of its own.

    Output channel ``j`` reads input channel ``j // multiplier``. Parameters: ``weights``
    ``[taps, 1, in * multiplier]`` and ``bias`` ``[in * multiplier]``.

    Attributes:
      multiplier: output channels per input channel; the others as of :class:`GeneralConv`.
    """

    keeps_sites: ClassVar[bool] = False

    multiplier: int = 1
    _: KW_ONLY
    kernel_size: int | None = None
    stride: int = 1
    dilation: int = 1
    region: ops.Region | None = None
    transposed: bool = False
    use_bias: bool = False
    dtype: DTypeLike | None = None
    implementation: str = "auto"

    @nn.compact
    def __call__(self, x: Tensor, where: Where | None = None) -> Tensor:
        check_kind_of(x)
        positive("multiplier", self.multiplier)
        channels = x.features.shape[-1]
        return _convolved(self, x, where, features=channels * self.multiplier, groups=channels)


def _convolved(module: Any, x: Any, where: Any, *, features: int, groups: int) -> Any:
    check_fields(module, features)
    connection = _connection(module, x, where)
    channels = x.features.shape[-1]
    if groups < 1 or channels % groups or features % groups:
        raise InputError(
            f"groups is {groups}: must divide {channels} input and {features} output channels"
        )
    weights = convolution_weights(
        module,
        taps=connection.taps,
        taps_per_output=connection.taps_per_target,
        channels=channels // groups,
        features=features,
    )
    bias = None
    if module.use_bias:
        bias = parameter(module, "bias", nn.initializers.zeros, (features,))
    if isinstance(connection, DenseConnection):
        return dense_convolution(x, weights, connection, bias, groups, module.dtype)
    return ops.convolution(
        x,
        weights,
        connection,
        bias=bias,
        groups=groups,
        compute_dtype=module.dtype,
        implementation=module.implementation,
    )


def _connection(module: Any, x: Any, where: Any) -> Any:
    """What the layer reads and makes: ``where`` itself, or what its fields say in a geometry."""
    name = type(module).__name__
    if module.keeps_sites and module.stride != 1:
        raise InputError(f"stride of {name} is {module.stride}: must be 1, take nn.StridedConv")
    if isinstance(where, ops.Connection | DenseConnection):
        where.check_source(x)
        check_connection_of(module, where)
        if module.keeps_sites and isinstance(where, ops.Connection):
            remedy = f"{name} keeps the sites of x, take nn.GeneralConv"
            check_same_sites(where.source, where.target, "the connection makes", remedy)
        return where
    if not isinstance(where, Geometry | DenseGeometry):
        given = "no geometry" if where is None else kind_of(where)
        raise InputError(
            f"{name} was given {given}: must be the geometry of the batch or a connection, as in "
            "layer(x, geometry) with geometry = jaxsparse.geometry(x, ...)"
        )
    if module.kernel_size is None and module.region is None:
        raise InputError(
            f"kernel_size of {name} is None: with a geometry say the kernel, or give a connection"
        )
    make = sparse_connections if isinstance(where, Geometry) else dense_connections
    return make.connect(
        where,
        x,
        kernel_size=module.kernel_size,
        stride=module.stride,
        dilation=module.dilation,
        region=module.region,
        transposed=module.transposed,
    )
