"""Weights of networks trained with MinkowskiEngine or spconv: arrays in, arrays out, no PyTorch.

A state dict is a mapping from names to arrays: ``{k: v.cpu().numpy() for k, v in
model.state_dict().items()}`` where PyTorch is, or an ``.npz`` file made of that.
"""

from jaxsparse.importers.kernels import minkowski_cross_kernel, minkowski_kernel, spconv_kernel
from jaxsparse.importers.rules import (
    LayerRule,
    Target,
    batch_norm,
    flax_dense,
    linear,
    minkowski_channelwise,
    minkowski_convolution,
    minkowski_cross,
    minkowski_pointwise,
    minkowski_sinusoidal,
    normalization,
    prelu,
    spconv_convolution,
    spconv_pointwise,
)
from jaxsparse.importers.state_dict import import_state_dict

__all__ = [
    "LayerRule",
    "Target",
    "batch_norm",
    "flax_dense",
    "import_state_dict",
    "linear",
    "minkowski_channelwise",
    "minkowski_convolution",
    "minkowski_cross",
    "minkowski_cross_kernel",
    "minkowski_kernel",
    "minkowski_pointwise",
    "minkowski_sinusoidal",
    "normalization",
    "prelu",
    "spconv_convolution",
    "spconv_kernel",
    "spconv_pointwise",
]
