"""Functions on coordinates and features: pure JAX, no parameters, no Flax."""

from jaxsparse.ops.connection import (
    Connection,
    generative_connection,
    strided_connection,
    submanifold_connection,
    target_connection,
    transposed_connection,
)
from jaxsparse.ops.convolution import convolution
from jaxsparse.ops.coordinates import count_levels
from jaxsparse.ops.geometry import Geometry, Level, geometry
from jaxsparse.ops.interpolate import features_at, interpolate
from jaxsparse.ops.kernel_map import KernelMap, kernel_offsets, submanifold_map
from jaxsparse.ops.normalization import (
    BatchNormResult,
    batch_norm,
    batch_norm_inference,
    masked_moments,
)
from jaxsparse.ops.region import Region, cross, hypercube
from jaxsparse.ops.rows import sum_rows, take_rows
from jaxsparse.ops.sets import crop, intersection, prune, union
from jaxsparse.ops.sites import Sites, generated_sites, given_sites, strided_sites
from jaxsparse.ops.to_dense import dense_mask, from_dense, to_dense
from jaxsparse.ops.voxelize import PointMap, VoxelizeStatus, vote, voxelize

__all__ = [
    "BatchNormResult",
    "Connection",
    "Geometry",
    "KernelMap",
    "Level",
    "PointMap",
    "Region",
    "Sites",
    "VoxelizeStatus",
    "batch_norm",
    "batch_norm_inference",
    "convolution",
    "count_levels",
    "crop",
    "cross",
    "dense_mask",
    "features_at",
    "from_dense",
    "generated_sites",
    "generative_connection",
    "geometry",
    "given_sites",
    "hypercube",
    "interpolate",
    "intersection",
    "kernel_offsets",
    "masked_moments",
    "prune",
    "strided_connection",
    "strided_sites",
    "submanifold_connection",
    "submanifold_map",
    "sum_rows",
    "take_rows",
    "target_connection",
    "to_dense",
    "transposed_connection",
    "union",
    "vote",
    "voxelize",
]
