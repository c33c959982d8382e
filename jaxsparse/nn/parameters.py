"""Parameters of layers, float32 all of them; convolution weights for both vocabularies."""

from collections.abc import Callable
from typing import Any

import flax.linen as nn
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float32

from jaxsparse.errors import InputError


def parameter(
    module: nn.Module, name: str, initializer: Callable[..., Any], shape: tuple[int, ...]
) -> Float32[Array, "..."]:
    """A parameter of a layer, float32 also where JAX has 64 bits (``jax_enable_x64``).

    Args:
      module: the layer, inside its compact call.
      name: of the parameter.
      initializer: of ``jax.nn.initializers``.
      shape: of the parameter.

    Raises:
      InputError: the stored parameter has another shape.
    """
    # Flax would trace the initializer to compare shapes, a fifth of the time that a network takes.
    stored: Any = module.get_variable("params", name)
    found = getattr(stored, "shape", None)
    if found == shape:
        return stored
    if found is not None:
        raise InputError(_other_shape(module, name, found, shape))
    # Asked for in numbers: left to itself an initializer takes JAX's widest float.
    value: Float32[Array, "..."] = module.param(name, initializer, shape, jnp.float32)
    return value


def _other_shape(
    module: nn.Module, name: str, stored: tuple[int, ...], shape: tuple[int, ...]
) -> str:
    layer = " ".join([type(module).__name__, "/".join(module.path)]).strip()
    text = f"parameter {name} of {layer} has shape {stored}: x and the options of the layer need"
    if len(stored) == len(shape) > 1 and (*stored[:-2], stored[-1]) == (*shape[:-2], shape[-1]):
        expected, got = (one[-2] * getattr(module, "groups", 1) for one in (stored, shape))
        return (
            f"{text} {shape}, give x {expected} channels, not {got}, or initialise the network "
            "with this x"
        )
    return f"{text} {shape}, make the layer and x as they were when it was initialised"


def convolution_weights(
    module: nn.Module, *, taps: int, taps_per_output: int, channels: int, features: int
) -> Float32[Array, " taps in out"]:
    """The parameter ``weights`` of a convolution layer, float32 ``[taps, in, out]``.

    Taps are in row-major order of the kernel, last axis fastest, so that a dense kernel
    ``[k, k, in, out]`` is a reshape of it. Drawn from a normal distribution cut at two standard
    deviations with variance ``2 / fan_in`` (He et al., arXiv 1502.01852, equation 10), where
    ``fan_in = taps_per_output * in`` counts the terms that a fully surrounded output sums. On
    sparse data fewer taps are active (about 6 of 9 in two dimensions); batch norm takes up the
    difference.

    Args:
      module: the layer, inside its compact call.
      taps: ``kernel_size ** dim``.
      taps_per_output: taps that can reach one output site: ``taps``, and 1 for the inverse of a
        strided convolution whose windows do not overlap: a fine site has a single parent.
      channels: channels of the input.
      features: channels of the output.
    """
    he_normal = jax.nn.initializers.variance_scaling(
        2.0 * taps / taps_per_output, "fan_in", "truncated_normal"
    )
    return parameter(module, "weights", he_normal, (taps, channels, features))
