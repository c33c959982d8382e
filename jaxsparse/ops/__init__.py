"""Functions on coordinates and features: pure JAX, no parameters, no Flax."""

from jaxsparse.ops.convolution import convolution
from jaxsparse.ops.coordinates import count_levels
from jaxsparse.ops.geometry import Geometry, Level, geometry
from jaxsparse.ops.kernel_map import KernelMap, kernel_offsets, submanifold_map
from jaxsparse.ops.normalization import (
    BatchNormResult,
    batch_norm,
    batch_norm_inference,
    masked_moments,
)

__all__ = [
    "BatchNormResult",
    "Geometry",
    "KernelMap",
    "Level",
    "batch_norm",
    "batch_norm_inference",
    "convolution",
    "count_levels",
    "geometry",
    "kernel_offsets",
    "masked_moments",
    "submanifold_map",
]
