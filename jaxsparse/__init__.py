"""Sparse convolutional networks for neutrino detectors, in JAX."""

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from jaxsparse import data as data
    from jaxsparse import detectors as detectors
    from jaxsparse import importers as importers
    from jaxsparse import models as models
    from jaxsparse import nn as nn
    from jaxsparse import ops
    from jaxsparse import pretrained as pretrained
    from jaxsparse.deploy.model import load
    from jaxsparse.errors import InputError
    from jaxsparse.exported import LoadedProgram, export_program, load_program
    from jaxsparse.ops.grids import from_dense
    from jaxsparse.ops.levels import Geometry, geometry
    from jaxsparse.ops.native.compiler import register_native_kernels
    from jaxsparse.points import sparse_tensor
    from jaxsparse.same_sites import checking_sites
    from jaxsparse.tensor import SparseTensor

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

_PACKAGES = ("data", "detectors", "importers", "models", "nn", "ops", "pretrained")
_HOMES = {
    "Geometry": "ops.levels",
    "InputError": "errors",
    "LoadedProgram": "exported",
    "SparseTensor": "tensor",
    "checking_sites": "same_sites",
    "export_program": "exported",
    "from_dense": "ops.grids",
    "geometry": "ops.levels",
    "load": "deploy.model",
    "load_program": "exported",
    "register_native_kernels": "ops.native.compiler",
    "sparse_tensor": "points",
}


def __getattr__(name: str) -> Any:
    """Public names load when they are asked for: programs that need no JAX start without it."""
    if name in _PACKAGES:
        return importlib.import_module(f"jaxsparse.{name}")
    if name not in _HOMES:
        raise AttributeError(f"module 'jaxsparse' has no attribute {name!r}")
    found = getattr(importlib.import_module(f"jaxsparse.{_HOMES[name]}"), name)
    globals()[name] = found
    return found


def __dir__() -> list[str]:
    own = [name for name in globals() if name.startswith("__")]
    return sorted({*own, *__all__, *_PACKAGES})
