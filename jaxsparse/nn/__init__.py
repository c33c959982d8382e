"""Flax Linen layers over :mod:`jaxsparse.ops`, in two vocabularies with the same names.

:mod:`jaxsparse.nn.sparse` works on sparse tensors, :mod:`jaxsparse.nn.dense` is its dense twin;
blocks are written once for either. The names exported here are the sparse ones. What has no
parameters is a function; the operations per event, which already work on tensors, are those of
``ops``.
"""

from jaxsparse.nn import dense, sparse
from jaxsparse.nn.activation import ACTIVATIONS, PReLU, activation
from jaxsparse.nn.blocks import BlockSettings, ConvolutionUnit, ResidualBlock, vocabulary
from jaxsparse.nn.dense_tensor import DenseGeometry, DenseTensor
from jaxsparse.nn.dropout import Dropout
from jaxsparse.nn.general import ChannelwiseConv, GeneralConv
from jaxsparse.nn.group_normalization import GroupNorm, InstanceNorm, LayerNorm
from jaxsparse.nn.pooling import (
    average_pooling,
    average_unpooling,
    max_pooling,
    max_pooling_with_choice,
    max_unpooling,
    sum_pooling,
    sum_unpooling,
)
from jaxsparse.nn.sparse import (
    BatchNorm,
    InverseConv,
    Linear,
    StridedConv,
    SubmanifoldConv,
    add,
    concatenate,
    relu,
)
from jaxsparse.ops import (
    broadcast_add,
    broadcast_concatenate,
    broadcast_multiply,
    global_average_pooling,
    global_max_pooling,
    global_sum_pooling,
)

__all__ = [
    "ACTIVATIONS",
    "BatchNorm",
    "BlockSettings",
    "ChannelwiseConv",
    "ConvolutionUnit",
    "DenseGeometry",
    "DenseTensor",
    "Dropout",
    "GeneralConv",
    "GroupNorm",
    "InstanceNorm",
    "InverseConv",
    "LayerNorm",
    "Linear",
    "PReLU",
    "ResidualBlock",
    "StridedConv",
    "SubmanifoldConv",
    "activation",
    "add",
    "average_pooling",
    "average_unpooling",
    "broadcast_add",
    "broadcast_concatenate",
    "broadcast_multiply",
    "concatenate",
    "dense",
    "global_average_pooling",
    "global_max_pooling",
    "global_sum_pooling",
    "max_pooling",
    "max_pooling_with_choice",
    "max_unpooling",
    "relu",
    "sparse",
    "sum_pooling",
    "sum_unpooling",
    "vocabulary",
]
