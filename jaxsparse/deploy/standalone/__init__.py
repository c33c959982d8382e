"""Scores images with the model file that it lies in; needs JAX, numpy and flatbuffers alone.

    python model.pyz pixels.npz scores.npz

    import sys
    sys.path.insert(0, "model.pyz")
    import jaxsparse_model

    model = jaxsparse_model.load()
    scores = model((coords, values)).pixels["Y"]

``jaxsparse export`` puts a copy of this package into every model file, by the name
``jaxsparse_model``. So nothing here imports jaxsparse, but for its kernels where it is installed.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from jaxsparse.deploy.standalone.error import ModelError

if TYPE_CHECKING:
    from jaxsparse.deploy.standalone.arrays import arrays_of, event_of
    from jaxsparse.deploy.standalone.model import Model, Scores, load

__all__ = ["Model", "ModelError", "Scores", "arrays_of", "event_of", "load"]

_ARRAYS = ("arrays_of", "event_of")


def __getattr__(name: str) -> Any:
    """What needs numpy loads when it is asked for, so that ``--help`` and ``--about`` do not."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    home = "arrays" if name in _ARRAYS else "model"
    return getattr(importlib.import_module(f"{__name__}.{home}"), name)
