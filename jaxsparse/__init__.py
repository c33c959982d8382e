"""Sparse convolutional networks for neutrino detectors, in JAX."""

import importlib
from types import ModuleType

from jaxsparse import ops
from jaxsparse.errors import InputError
from jaxsparse.exported import LoadedProgram, export_program, load_program
from jaxsparse.ops.grids import from_dense
from jaxsparse.ops.levels import Geometry, geometry
from jaxsparse.ops.native.compiler import register_native_kernels
from jaxsparse.same_sites import checking_sites
from jaxsparse.tensor import SparseTensor, sparse_tensor

__version__ = "0.1.0"

__all__ = [
    "Geometry",
    "InputError",
    "LoadedProgram",
    "SparseTensor",
    "checking_sites",
    "export_program",
    "from_dense",
    "geometry",
    "load_program",
    "ops",
    "register_native_kernels",
    "sparse_tensor",
]

_LAYERS = ("models", "nn")


def __getattr__(name: str) -> ModuleType:
    """``jaxsparse.nn`` and ``jaxsparse.models`` load when asked for: only they need Flax."""
    if name in _LAYERS:
        return importlib.import_module(f"jaxsparse.{name}")
    raise AttributeError(f"module 'jaxsparse' has no attribute {name!r}")
