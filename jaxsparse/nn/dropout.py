"""Dropout of single features."""

from typing import Any

import flax.linen as nn

from jaxsparse.errors import InputError
from jaxsparse.nn.pointwise import Tensor, with_features


class Dropout(nn.Module):
    """``in / (1 - rate)`` with the probability ``1 - rate``, else 0, feature by feature.

    Draws from the random stream ``"dropout"``: ``layer.apply(..., rngs={"dropout": key})``. No key
    is needed to initialise, in evaluation, or where the rate is 0. A row draws by its number, so
    that more padding changes nothing. Padding rows stay zero.

    Attributes:
        rate: share of the features that is dropped, 0 to 1.
        train: drop; else the layer changes nothing.

    Raises:
        InputError: a rate outside of 0 to 1.

    Source: Srivastava et al., JMLR 15 (2014) 1929.

    >>> import jax
    >>> from jaxsparse import sparse_tensor
    >>> x = sparse_tensor([[0, 0], [0, 1]], [[1.0] * 4] * 2, spatial_shape=(4,), batch_size=1)
    >>> y = Dropout(0.5, train=True).apply({}, x, rngs={"dropout": jax.random.key(0)})
    >>> sorted({float(value) for value in y.features.ravel()})
    [0.0, 2.0]
    """

    rate: float
    train: bool

    @nn.compact
    def __call__(self, x: Tensor, geometry: Any = None) -> Tensor:
        if not 0 <= self.rate <= 1:
            raise InputError(f"rate is {self.rate}: must be from 0 to 1")
        idle = not self.train or self.is_initializing()
        return with_features(x, nn.Dropout(self.rate, deterministic=idle)(x.features))
