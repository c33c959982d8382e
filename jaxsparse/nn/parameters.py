"""Convolution weights: one shape and one initialisation for both vocabularies."""

import flax.linen as nn
import jax
from jaxtyping import Array, Float32


def convolution_weights(
    module: nn.Module, *, taps: int, taps_per_output: int, channels: int, features: int
) -> Float32[Array, "taps in out"]:
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
    return module.param("weights", he_normal, (taps, channels, features))
