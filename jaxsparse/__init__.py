"""Sparse convolutional networks for neutrino detectors, in JAX."""

import importlib
from types import ModuleType

from jaxsparse import ops
from jaxsparse.errors import InputError
from jaxsparse.ops.grids import from_dense
from jaxsparse.ops.levels import Geometry, geometry
from jaxsparse.same_sites import checking_sites
from jaxsparse.tensor import SparseTensor, sparse_tensor

__version__ = "0.1.0"

__all__ = [
    "Geometry",
    "InputError",
    "SparseTensor",
    "checking_sites",
    "from_dense",
    "geometry",
    "ops",
    "sparse_tensor",
]

_LAYERS = ("models", "nn")


def __getattr__(name: str) -> ModuleType:
    """``jaxsparse.nn`` and ``jaxsparse.models`` load when asked for: only they need Flax."""
    if name in _LAYERS:
        return importlib.import_module(f"jaxsparse.{name}")
    raise AttributeError(f"module 'jaxsparse' has no attribute {name!r}")
