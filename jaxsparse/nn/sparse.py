"""The sparse vocabulary: thin layers over :mod:`jaxsparse.ops` on SparseTensor.

Layers are called as ``layer(x, geometry)`` with the geometry of the batch, built once by
:func:`jaxsparse.geometry` and shared by all layers of a level and by both passes, or with a
connection in its place. The dense twin, with the same names, signatures and parameter trees, is
:mod:`jaxsparse.nn.dense`.
"""

from jaxtyping import Array, Float

from jaxsparse import Geometry, SparseTensor
from jaxsparse.nn.connection import down, neighbours
from jaxsparse.nn.convolutions import (
    ChannelwiseConv,
    GeneralConv,
    InverseConv,
    StridedConv,
    SubmanifoldConv,
)
from jaxsparse.nn.normalization import BatchNorm
from jaxsparse.nn.pointwise import Linear, add, concatenate, relu
from jaxsparse.nn.views import merged_views
from jaxsparse.ops import (
    average_unpooling,
    broadcast_add,
    broadcast_multiply,
    global_average_pooling,
    global_max_pooling,
    global_sum_pooling,
    max_pooling,
)

__all__ = [
    "BatchNorm",
    "ChannelwiseConv",
    "GeneralConv",
    "InverseConv",
    "Linear",
    "StridedConv",
    "SubmanifoldConv",
    "add",
    "average_unpooling",
    "broadcast_add",
    "broadcast_multiply",
    "concatenate",
    "down",
    "enter",
    "global_average_pooling",
    "global_max_pooling",
    "global_sum_pooling",
    "leave",
    "max_pooling",
    "merged_views",
    "neighbours",
    "relu",
]


def enter(x: SparseTensor, geometry: Geometry) -> tuple[SparseTensor, Geometry]:
    """A batch in the form that this vocabulary works on: as it is."""
    return x, geometry


def leave(y: SparseTensor, x: SparseTensor) -> Float[Array, "sites channels"]:
    """Features of ``y`` at the sites of the batch ``x`` that entered: the same rows."""
    return y.features
