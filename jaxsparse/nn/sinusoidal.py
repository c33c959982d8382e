"""A learned sine at every site."""

from dataclasses import KW_ONLY
from typing import Any

import flax.linen as nn
import jax.numpy as jnp
from jax.typing import DTypeLike

from jaxsparse.features import per_channel
from jaxsparse.integers import positive
from jaxsparse.nn.parameters import parameter
from jaxsparse.nn.pointwise import Tensor, check_kind_of, product, site_features, with_features


class Sinusoidal(nn.Module):
    """``out = amplitude * sin(in . weights + bias)``.

    Parameters ``weights`` ``[in, out]``, ``bias`` ``[out]`` and ``amplitude`` ``[out]``, float32,
    all uniform from 0 to 1 at first. Padding rows stay zero.

    Attributes:
      features: channels of the output.
      dtype: type of the product's operands (None: that of the features); sums are float32.

    Source: agrees with ``MinkowskiSinusoidal`` of MinkowskiEngine 0.5.4, which calls its parameters
    ``kernel``, ``bias`` and ``coef``.

    >>> import numpy as np
    >>> from jaxsparse import sparse_tensor
    >>> x = sparse_tensor([[0, 0], [0, 1]], [[np.pi], [2.0]], spatial_shape=(4,), batch_size=1,
    ...                   capacity=3)
    >>> ones = {"weights": np.ones((1, 1)) / 2, "bias": np.zeros(1), "amplitude": np.full(1, 3.0)}
    >>> (100 * Sinusoidal(1).apply({"params": ones}, x).features).round().astype(int).tolist()
    [[300], [252], [0]]
    """

    features: int
    _: KW_ONLY
    dtype: DTypeLike | None = None

    @nn.compact
    def __call__(self, x: Tensor, geometry: Any = None) -> Tensor:
        check_kind_of(x)
        uniform = nn.initializers.uniform(1.0)
        positive("features", self.features)
        weights = parameter(self, "weights", uniform, (x.features.shape[-1], self.features))
        bias = parameter(self, "bias", uniform, (self.features,))
        amplitude = parameter(self, "amplitude", uniform, (self.features,))
        phase = product(site_features(x), weights, self.dtype).astype(jnp.float32)
        out = per_channel(amplitude, phase) * jnp.sin(phase + per_channel(bias, phase))
        return with_features(x, out.astype(x.features.dtype))
