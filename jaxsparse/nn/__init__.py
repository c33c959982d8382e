"""Flax Linen layers over :mod:`jaxsparse.ops`, in two vocabularies with the same names.

:mod:`jaxsparse.nn.sparse` works on sparse tensors, :mod:`jaxsparse.nn.dense` is its dense twin;
blocks are written once for either. The names exported here are the sparse ones.
"""

from jaxsparse.nn import dense, sparse
from jaxsparse.nn.blocks import BlockSettings, ConvolutionUnit, ResidualBlock, vocabulary
from jaxsparse.nn.dense_tensor import DenseGeometry, DenseTensor
from jaxsparse.nn.general import ChannelwiseConv, GeneralConv
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

__all__ = [
    "BatchNorm",
    "BlockSettings",
    "ChannelwiseConv",
    "ConvolutionUnit",
    "DenseGeometry",
    "DenseTensor",
    "GeneralConv",
    "InverseConv",
    "Linear",
    "ResidualBlock",
    "StridedConv",
    "SubmanifoldConv",
    "add",
    "concatenate",
    "dense",
    "relu",
    "sparse",
    "vocabulary",
]
