"""Sparse convolutional networks for neutrino detectors, in JAX."""

import importlib
from typing import Any

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
    "load",
    "load_program",
    "ops",
    "register_native_kernels",
    "sparse_tensor",
]

_LAYERS = ("models", "nn")


def __getattr__(name: str) -> Any:
    """``jaxsparse.nn``, ``jaxsparse.models`` and ``jaxsparse.load`` load when asked for.

    They alone need Flax.
    """
    if name in _LAYERS:
        return importlib.import_module(f"jaxsparse.{name}")
    if name == "load":
        return importlib.import_module("jaxsparse.deploy.model").load
    raise AttributeError(f"module 'jaxsparse' has no attribute {name!r}")
