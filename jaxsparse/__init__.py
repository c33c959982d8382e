"""Sparse convolutional networks for neutrino detectors, in JAX."""

from jaxsparse.errors import InputError
from jaxsparse.ops.geometry import Geometry, geometry
from jaxsparse.sparse_tensor import SparseTensor, from_dense, sparse_tensor

__version__ = "0.1.0"

__all__ = [
    "Geometry",
    "InputError",
    "SparseTensor",
    "from_dense",
    "geometry",
    "sparse_tensor",
]
