"""The dense vocabulary: the names of :mod:`jaxsparse.nn.sparse` on whole images.

Layers are called as ``layer(x, geometry)`` with a :class:`~jaxsparse.nn.dense_tensor.DenseTensor`
and have the very parameter tree of their sparse namesakes, so that one set of weights serves both.

*Masked mode* (``x.mask`` given) computes the function of the sparse vocabulary: features are zero
outside the mask after every layer and statistics count the active pixels only. *Plain mode*
(``x.mask`` is None) is what a user of dense convolutions runs: :func:`jax.lax` convolutions and
ordinary batch norm over every pixel. The first is the oracle of the tests, the second the baseline
that is timed.
"""

from jaxtyping import Array, Float

from jaxsparse import Geometry, SparseTensor
from jaxsparse.errors import InputError
from jaxsparse.nn.convolutions import (
    ChannelwiseConv,
    GeneralConv,
    InverseConv,
    StridedConv,
    SubmanifoldConv,
)
from jaxsparse.nn.dense_connection import down, neighbours
from jaxsparse.nn.dense_events import (
    broadcast_add,
    broadcast_multiply,
    global_average_pooling,
    global_max_pooling,
    global_sum_pooling,
)
from jaxsparse.nn.dense_pooling import average_unpooling, max_pooling
from jaxsparse.nn.dense_tensor import (
    DenseGeometry,
    DenseTensor,
    dense_geometry,
    rows_of,
    to_dense_tensor,
)
from jaxsparse.nn.normalization import BatchNorm
from jaxsparse.nn.pointwise import Linear, add, concatenate, relu
from jaxsparse.nn.views import dense_merged_views as merged_views

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


def enter(
    x: SparseTensor | DenseTensor, geometry: Geometry | DenseGeometry
) -> tuple[DenseTensor, DenseGeometry]:
    """A batch in the form that this vocabulary works on.

    A sparse batch becomes plain whole images, zero where it has no site, with a geometry of as many
    levels: a dense network trains and evaluates on the batches of a sparse one. A dense batch stays
    as it is.
    """
    if isinstance(x, SparseTensor) and isinstance(geometry, Geometry):
        images = to_dense_tensor(x, masked=False)
        return images, dense_geometry(images, levels=len(geometry.levels))
    if isinstance(x, DenseTensor) and isinstance(geometry, DenseGeometry):
        return x, geometry
    raise InputError(
        f"geometry is a {type(geometry).__name__} and the batch a {type(x).__name__}: must be both "
        "sparse or both dense"
    )


def leave(
    y: DenseTensor, x: SparseTensor | DenseTensor
) -> Float[Array, "sites channels"] | Float[Array, "events *spatial channels"]:
    """Features of ``y`` at the sites of the batch ``x`` that entered; padding rows are zero."""
    return y.features if isinstance(x, DenseTensor) else rows_of(y.features, x)
