"""How many digits the factors of a matrix product keep on an accelerator."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
from jax.typing import DTypeLike


def precision_for(dtype: DTypeLike) -> jax.lax.Precision | None:
    """All digits of float32 factors, unless the user has set JAX's ``default_matmul_precision``.

    Left alone, a GPU rounds float32 factors to 10 bits (TF32) and a TPU to 7 (bfloat16); what a CPU
    computes would not be what they compute. ``jax.default_matmul_precision("tensorfloat32")``, the
    configuration of that name or the environment's ``JAX_DEFAULT_MATMUL_PRECISION`` buy that speed.

    >>> precision_for("float32") == jax.lax.Precision.HIGHEST, precision_for("bfloat16")
    (True, None)
    """
    if jnp.dtype(dtype) != jnp.float32 or _given():
        return None
    return jax.lax.Precision.HIGHEST


def _given() -> bool:
    config: Any = jax.config  # its attributes are made at run time
    return bool(config.jax_default_matmul_precision)
