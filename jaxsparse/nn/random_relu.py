"""ReLU whose slope below zero is drawn in training."""

from typing import Any

import flax.linen as nn
import jax
import jax.numpy as jnp

from jaxsparse.errors import InputError, check_kind
from jaxsparse.nn.pointwise import Tensor, check_kind_of


class RReLU(nn.Module):
    """``in`` where it is positive, else ``slope * in`` with a random slope for every feature.

    In training a slope is uniform from ``lower`` to ``upper``, drawn from the random stream
    ``"dropout"``: ``layer.apply(..., rngs={"dropout": key})``. In evaluation, and to initialise, it
    is the mean of the two and no key is needed. A row draws by its number, so that more padding
    changes nothing. Padding rows stay zero.

    Attributes:
      train: draw the slopes.
      lower: smallest slope; the defaults, 1/8 and 1/3, are the paper's.
      upper: largest slope.

    Raises:
      InputError: ``lower`` is above ``upper``, ``train`` is no bool.

    Source: Xu et al., arXiv 1505.00853, section 2.4; agrees with ``torch.nn.RReLU``.

    >>> from jaxsparse import sparse_tensor
    >>> x = sparse_tensor([[0, 0], [0, 1]], [[4.0], [-4.0]], spatial_shape=(4,), batch_size=1)
    >>> RReLU(train=False, lower=0.25, upper=0.75).apply({}, x).features.tolist()
    [[4.0], [-2.0]]
    """

    train: bool
    lower: float = 1 / 8
    upper: float = 1 / 3

    @nn.compact
    def __call__(self, x: Tensor, geometry: Any = None) -> Tensor:
        check_kind_of(x)
        check_kind("train", self.train, bool)
        if self.lower > self.upper:
            raise InputError(f"lower is {self.lower}: must not be above upper, {self.upper}")
        features = x.features
        slope: Any = (self.lower + self.upper) / 2
        if self.train and not self.is_initializing():
            # Drawn in float32: the same slopes for features of every type, to rounding.
            slope = jax.random.uniform(
                self.make_rng("dropout"),
                features.shape,
                jnp.float32,
                minval=self.lower,
                maxval=self.upper,
            ).astype(features.dtype)
        return x.replace(features=jnp.where(features > 0, features, slope * features))
