"""Functions on coordinates and features: pure JAX, no parameters, no Flax."""

# Data flows, which register themselves.
from jaxsparse.ops import native as native
from jaxsparse.ops import xla as xla
from jaxsparse.ops.batches import concatenate_events, stack, unstack
from jaxsparse.ops.connection import (
    Connection,
    down_connection,
    generative_connection,
    strided_connection,
    submanifold_connection,
    target_connection,
    transposed_connection,
)
from jaxsparse.ops.convolve import convolution, linear
from jaxsparse.ops.coordinates import count_levels
from jaxsparse.ops.event_reduction import (
    broadcast_add,
    broadcast_concatenate,
    broadcast_multiply,
    global_average_pooling,
    global_max_pooling,
    global_sum_pooling,
)
from jaxsparse.ops.grids import dense_mask, from_dense, to_dense
from jaxsparse.ops.group_normalization import group_norm, instance_norm, layer_norm
from jaxsparse.ops.interpolation import features_at, interpolate
from jaxsparse.ops.kernel_map import KernelMap, kernel_offsets, submanifold_map
from jaxsparse.ops.levels import Geometry, Level, geometry
from jaxsparse.ops.normalization import (
    BatchNormResult,
    batch_norm,
    batch_norm_inference,
    batch_norm_with_moments,
    masked_moments,
)
from jaxsparse.ops.point_map import PointMap, vote
from jaxsparse.ops.pooling import (
    MaxPoolingResult,
    average_pooling,
    average_unpooling,
    max_pooling,
    max_pooling_with_choice,
    max_unpooling,
    sum_pooling,
    sum_unpooling,
)
from jaxsparse.ops.quantize import sparse_quantize
from jaxsparse.ops.region import Region, cross, hypercube
from jaxsparse.ops.rows import sum_rows, take_rows
from jaxsparse.ops.sets import crop, intersection, prune, union, union_sites
from jaxsparse.ops.sites import Sites, generated_sites, given_sites, strided_sites
from jaxsparse.ops.voxels import VoxelizeStatus, voxelize

__all__ = [
    "BatchNormResult",
    "Connection",
    "Geometry",
    "KernelMap",
    "Level",
    "MaxPoolingResult",
    "PointMap",
    "Region",
    "Sites",
    "VoxelizeStatus",
    "average_pooling",
    "average_unpooling",
    "batch_norm",
    "batch_norm_inference",
    "batch_norm_with_moments",
    "broadcast_add",
    "broadcast_concatenate",
    "broadcast_multiply",
    "concatenate_events",
    "convolution",
    "count_levels",
    "crop",
    "cross",
    "dense_mask",
    "down_connection",
    "features_at",
    "from_dense",
    "generated_sites",
    "generative_connection",
    "geometry",
    "given_sites",
    "global_average_pooling",
    "global_max_pooling",
    "global_sum_pooling",
    "group_norm",
    "hypercube",
    "instance_norm",
    "interpolate",
    "intersection",
    "kernel_offsets",
    "layer_norm",
    "linear",
    "masked_moments",
    "max_pooling",
    "max_pooling_with_choice",
    "max_unpooling",
    "prune",
    "sparse_quantize",
    "stack",
    "strided_connection",
    "strided_sites",
    "submanifold_connection",
    "submanifold_map",
    "sum_pooling",
    "sum_rows",
    "sum_unpooling",
    "take_rows",
    "target_connection",
    "to_dense",
    "transposed_connection",
    "union",
    "union_sites",
    "unstack",
    "vote",
    "voxelize",
]
