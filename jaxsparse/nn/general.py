"""Convolution layers for any kernel region, stride and pair of coordinate sets.

Called as ``layer(x, connection)``. The connection, made by ``ops.strided_connection`` and its
like, says which sites are read and made; the layer has the weights. So one layer is the strided,
inverse, transposed, generative and submanifold convolution, and layers of a level share a map.
"""

from typing import Any

import flax.linen as nn
from jax.typing import DTypeLike
from jaxtyping import Array, Float

from jaxsparse import SparseTensor, ops
from jaxsparse.errors import InputError
from jaxsparse.nn.parameters import convolution_weights, parameter

__all__ = ["ChannelwiseConv", "GeneralConv"]


class GeneralConv(nn.Module):
    """``out[o] = bias + sum_k weights[k] . in[i(o, k)]`` over the pairs of a connection.

    Parameters: ``weights`` ``[taps, in / groups, out]``, see
    :func:`~jaxsparse.nn.parameters.convolution_weights`, and ``bias`` ``[out]``, zero.

    Attributes:
        features: channels of the output.
        groups: parts of the channels that do not see each other; divides both numbers of channels.
        use_bias: add a learned bias.
        dtype: type of the matrix products' operands (None: that of the features).

    Raises:
        InputError: a tensor on other sites than the connection's, groups that do not divide.

    >>> import jax
    >>> from jaxsparse import sparse_tensor
    >>> x = sparse_tensor([[0, 1], [0, 4]], [[1.0], [2.0]], spatial_shape=(6,), batch_size=1)
    >>> down = ops.strided_connection(x, ops.hypercube(3, 1), 2)
    >>> y, variables = GeneralConv(features=5).init_with_output(jax.random.key(0), x, down)
    >>> y.coords.tolist(), y.features.shape, variables["params"]["weights"].shape
    ([[0, 0], [0, 2]], (2, 5), (3, 1, 5))
    """

    features: int
    groups: int = 1
    use_bias: bool = False
    dtype: DTypeLike | None = None

    @nn.compact
    def __call__(self, x: SparseTensor, connection: ops.Connection) -> SparseTensor:
        return _convolve(self, x, connection, features=self.features, groups=self.groups)


class ChannelwiseConv(nn.Module):
    """Depthwise convolution: every channel by itself, with ``multiplier`` kernels of its own.

    Output channel ``j`` reads input channel ``j // multiplier``. Parameters: ``weights``
    ``[taps, 1, in * multiplier]`` and ``bias`` ``[in * multiplier]``.

    Attributes:
        multiplier: output channels per input channel.
        use_bias: add a learned bias.
        dtype: type of the products' operands (None: that of the features).

    Raises:
        InputError: a tensor on other sites than the connection's.
    """

    multiplier: int = 1
    use_bias: bool = False
    dtype: DTypeLike | None = None

    @nn.compact
    def __call__(self, x: SparseTensor, connection: ops.Connection) -> SparseTensor:
        channels = x.num_channels
        features = channels * self.multiplier
        return _convolve(self, x, connection, features=features, groups=channels)


def _convolve(
    module: Any, x: SparseTensor, connection: ops.Connection, *, features: int, groups: int
) -> SparseTensor:
    connection.check_source(x)
    if groups < 1 or x.num_channels % groups or features % groups:
        raise InputError(
            f"groups is {groups}: must divide {x.num_channels} input and {features} output channels"
        )
    weights: Float[Array, " taps in out"] = convolution_weights(
        module,
        taps=connection.kernel_map.taps,
        taps_per_output=connection.taps_per_target,
        channels=x.num_channels // groups,
        features=features,
    )
    bias = None
    if module.use_bias:
        bias = parameter(module, "bias", nn.initializers.zeros, (features,))
    out = ops.convolution(
        x.features,
        weights,
        connection.kernel_map,
        bias=bias,
        groups=groups,
        compute_dtype=module.dtype,
    )
    return connection.target.tensor(out)
