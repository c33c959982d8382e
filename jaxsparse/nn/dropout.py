"""Dropout of single features: to zero, or to the value where SELU saturates."""

from typing import Any

import flax.linen as nn
import jax
import jax.numpy as jnp

from jaxsparse.errors import InputError, check_kind
from jaxsparse.nn.pointwise import Tensor, check_kind_of, with_features


class Dropout(nn.Module):
    """``in / (1 - rate)`` with the probability ``1 - rate``, else 0, feature by feature.

    Draws from the random stream ``"dropout"``: ``layer.apply(..., rngs={"dropout": key})``. No key
    is needed to initialise, in evaluation, or where the rate is 0. A row draws by its number, so
    that more padding changes nothing. Padding rows stay zero.

    Attributes:
      rate: share of the features that is dropped, 0 to 1.
      train: drop; else the layer changes nothing.

    Raises:
      InputError: a rate outside of 0 to 1, ``train`` that is no bool.

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
        check_kind_of(x)
        _check(self.rate, self.train)
        idle = not self.train or self.is_initializing()
        return with_features(x, nn.Dropout(self.rate, deterministic=idle)(x.features))


# Where SELU goes far below zero: the negative product of its two constants.
_SATURATION = -1.0507009873554804934193349852946 * 1.6732632423543772848170429916717


class AlphaDropout(nn.Module):
    """Dropout for networks of SELU: features with mean 0 and variance 1 keep both.

    ``slope * (in with the probability 1 - rate, else saturation) + offset`` with ``saturation =
    -1.7581``, ``slope = ((1 - rate) (1 + rate saturation^2))^(-1/2)`` and ``offset = -slope rate
    saturation``. At ``rate=1`` everything is zero. Draws as :class:`Dropout` does. Padding rows
    stay zero.

    Attributes:
      rate: share of the features that is dropped, 0 to 1.
      train: drop; else the layer changes nothing.

    Raises:
      InputError: a rate outside of 0 to 1, ``train`` that is no bool.

    Source: Klambauer et al., arXiv 1706.02515, section "New Dropout Technique"; agrees with
    ``torch.nn.AlphaDropout``.

    >>> from jaxsparse import sparse_tensor
    >>> x = sparse_tensor([[0, 0], [0, 1]], [[1.0] * 4] * 2, spatial_shape=(4,), batch_size=1)
    >>> y = AlphaDropout(0.5, train=True).apply({}, x, rngs={"dropout": jax.random.key(0)})
    >>> sorted({round(float(value), 4) for value in y.features.ravel()})
    [-0.7792, 1.6656]
    """

    rate: float
    train: bool

    @nn.compact
    def __call__(self, x: Tensor, geometry: Any = None) -> Tensor:
        check_kind_of(x)
        _check(self.rate, self.train)
        if not self.train or self.is_initializing() or self.rate == 0:
            return x
        if self.rate == 1:
            return x.replace(features=jnp.zeros_like(x.features))
        share = jnp.float32(1 - self.rate)
        kept = jax.random.bernoulli(self.make_rng("dropout"), share, x.features.shape)
        slope = ((1 - self.rate) * (1 + self.rate * _SATURATION**2)) ** -0.5
        features = jnp.where(kept, x.features, _SATURATION)
        return with_features(x, slope * features - slope * self.rate * _SATURATION)


def _check(rate: float, train: bool) -> None:
    check_kind("train", train, bool)
    if not 0 <= rate <= 1:
        raise InputError(f"rate is {rate}: must be from 0 to 1")
