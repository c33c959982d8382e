"""Flax Linen layers over :mod:`jaxsparse.ops`, in two vocabularies with the same names.

:mod:`jaxsparse.nn.sparse` works on sparse tensors, :mod:`jaxsparse.nn.dense` is its dense twin;
blocks are written once for either. The names exported here are the sparse ones. What has no
parameters is a function; pooling and the operations per event are those of ``ops``.
"""

from jaxsparse.nn import dense, sparse
from jaxsparse.nn.activations import ACTIVATIONS, PReLU, activation
from jaxsparse.nn.blocks import BlockSettings, ConvolutionUnit, ResidualBlock, vocabulary
from jaxsparse.nn.connection import down, neighbours
from jaxsparse.nn.convolutions import (
    ChannelwiseConv,
    GeneralConv,
    InverseConv,
    StridedConv,
    SubmanifoldConv,
)
from jaxsparse.nn.coordinate_inputs import append_coordinates
from jaxsparse.nn.dense_connection import DenseConnection
from jaxsparse.nn.dense_tensor import DenseGeometry, DenseTensor
from jaxsparse.nn.dropout import AlphaDropout, Dropout
from jaxsparse.nn.fish import FishBlock, FishBridge, FishStem, reduce_channels
from jaxsparse.nn.group_normalization import GroupNorm, InstanceNorm, LayerNorm
from jaxsparse.nn.inverted_residual import InvertedResidual
from jaxsparse.nn.random_relu import RReLU
from jaxsparse.nn.sinusoidal import Sinusoidal
from jaxsparse.nn.sparse import (
    BatchNorm,
    Linear,
    add,
    concatenate,
    relu,
)
from jaxsparse.nn.squeeze_excitation import EventGate, SqueezeExcitation
from jaxsparse.nn.views import MERGES, MergedViews, merged_views
from jaxsparse.ops import (
    average_pooling,
    average_unpooling,
    broadcast_add,
    broadcast_concatenate,
    broadcast_multiply,
    global_average_pooling,
    global_max_pooling,
    global_sum_pooling,
    max_pooling,
    max_pooling_with_choice,
    max_unpooling,
    sum_pooling,
    sum_unpooling,
)

__all__ = [
    "ACTIVATIONS",
    "MERGES",
    "AlphaDropout",
    "BatchNorm",
    "BlockSettings",
    "ChannelwiseConv",
    "ConvolutionUnit",
    "DenseConnection",
    "DenseGeometry",
    "DenseTensor",
    "Dropout",
    "EventGate",
    "FishBlock",
    "FishBridge",
    "FishStem",
    "GeneralConv",
    "GroupNorm",
    "InstanceNorm",
    "InverseConv",
    "InvertedResidual",
    "LayerNorm",
    "Linear",
    "MergedViews",
    "PReLU",
    "RReLU",
    "ResidualBlock",
    "Sinusoidal",
    "SqueezeExcitation",
    "StridedConv",
    "SubmanifoldConv",
    "activation",
    "add",
    "append_coordinates",
    "average_pooling",
    "average_unpooling",
    "broadcast_add",
    "broadcast_concatenate",
    "broadcast_multiply",
    "concatenate",
    "dense",
    "down",
    "global_average_pooling",
    "global_max_pooling",
    "global_sum_pooling",
    "max_pooling",
    "max_pooling_with_choice",
    "max_unpooling",
    "merged_views",
    "neighbours",
    "reduce_channels",
    "relu",
    "sparse",
    "sum_pooling",
    "sum_unpooling",
    "vocabulary",
]
