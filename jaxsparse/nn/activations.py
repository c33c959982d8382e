"""Activations: one function for all of them, and the one that is learned.

They serve both vocabularies. What is no site stays exactly zero, also where the function of zero is
not zero (sigmoid, softplus).
"""

import functools
from collections.abc import Callable
from dataclasses import KW_ONLY
from typing import Any

import flax.linen as nn
import jax
import jax.numpy as jnp
from jaxtyping import Array

from jaxsparse import SparseTensor
from jaxsparse.errors import InputError
from jaxsparse.features import per_channel
from jaxsparse.nn.mish import mish
from jaxsparse.nn.parameters import parameter
from jaxsparse.nn.pointwise import Tensor, check_kind_of, site_features, with_features
from jaxsparse.ops.padding import fill_padding


def _hard_shrink(x: Array, threshold: float = 0.5) -> Array:
    return jnp.where(jnp.abs(x) > threshold, x, 0)


def _soft_shrink(x: Array, threshold: float = 0.5) -> Array:
    return x - jnp.clip(x, -threshold, threshold)


def _tanh_shrink(x: Array) -> Array:
    return x - jnp.tanh(x)


# With the defaults of the layers of PyTorch, which the peers wrap: GELU is the exact one.
ACTIVATIONS: dict[str, Callable[..., Any]] = {
    "celu": jax.nn.celu,
    "elu": jax.nn.elu,
    "gelu": functools.partial(jax.nn.gelu, approximate=False),
    "hard_shrink": _hard_shrink,
    "hard_sigmoid": jax.nn.hard_sigmoid,
    "hard_swish": jax.nn.hard_swish,
    "hard_tanh": jax.nn.hard_tanh,
    "leaky_relu": jax.nn.leaky_relu,
    "log_sigmoid": jax.nn.log_sigmoid,
    "mish": mish,
    "relu": jax.nn.relu,
    "relu6": jax.nn.relu6,
    "selu": jax.nn.selu,
    "sigmoid": jax.nn.sigmoid,
    "silu": jax.nn.silu,
    "soft_shrink": _soft_shrink,
    "soft_sign": jax.nn.soft_sign,
    "softplus": jax.nn.softplus,
    "swish": jax.nn.silu,
    "tanh": jnp.tanh,
    "tanh_shrink": _tanh_shrink,
}


def activation(function: str | Callable[..., Any], **options: Any) -> Callable[[Tensor], Tensor]:
    """``out = function(in)`` at every site.

    Args:
      function: a name of ``ACTIVATIONS``: ``celu``, ``elu``, ``gelu``, ``hard_shrink``,
        ``hard_sigmoid``, ``hard_swish``, ``hard_tanh``, ``leaky_relu``, ``log_sigmoid``,
        ``mish``, ``relu``, ``relu6``, ``selu``, ``sigmoid``, ``silu`` (also ``swish``),
        ``soft_shrink``, ``soft_sign``, ``softplus``, ``tanh``, ``tanh_shrink``; or any function
        of ``[sites, channels]`` that looks at one site at a time, such as ``jax.nn.softmax`` or
        ``jnp.log``. It must have a derivative at sites only.
      **options: keyword arguments of it, for example ``negative_slope=0.2`` of ``leaky_relu``
        (0.01 by default), ``alpha`` of ``elu`` and ``celu`` (1), ``threshold`` of
        ``hard_shrink`` and ``soft_shrink`` (0.5).

    Returns:
      A function from tensor to tensor, sparse or dense, that keeps sites and type; padding rows
      and masked pixels are exactly zero and get no gradient.

    Raises:
      InputError: an unknown name.

    Source: :mod:`jax.nn`.

    >>> from jaxsparse import sparse_tensor
    >>> x = sparse_tensor([[0, 0], [0, 1]], [[0.0], [-2.0]], spatial_shape=(4,), batch_size=1,
    ...                   capacity=3)
    >>> (1000 * activation("sigmoid")(x).features).round().astype(int).tolist()
    [[500], [119], [0]]
    >>> activation("leaky_relu", negative_slope=0.5)(x).features.tolist()
    [[0.0], [-1.0], [0.0]]
    """
    named = isinstance(function, str)
    if isinstance(function, str):
        if function not in ACTIVATIONS:
            raise InputError(
                f"activation is {function!r}: must be a function or one of {', '.join(ACTIVATIONS)}"
            )
        function = ACTIVATIONS[function]
    compute = functools.partial(function, **options)

    def apply(x: Tensor) -> Tensor:
        check_kind_of(x)
        features = x.features
        if isinstance(x, SparseTensor) and not named:
            features = fill_padding(features, x.num_active)
        elif x.mask is not None:
            features = jnp.where(x.mask[..., None], features, 0.5)  # see ops/padding.py
        return with_features(x, compute(features))

    return apply


class PReLU(nn.Module):
    """``in`` where it is positive, else ``slope * in`` with a learned slope.

    Parameter: ``slope`` float32, ``[1]`` or ``[channels]``, 0.25 at first.

    Attributes:
      per_channel: a slope for every channel, instead of one for all.

    Source: He et al., arXiv:1502.01852, equation 1; agrees with ``torch.nn.PReLU``.

    >>> from jaxsparse import sparse_tensor
    >>> x = sparse_tensor([[0, 0], [0, 1]], [[4.0], [-4.0]], spatial_shape=(4,), batch_size=1)
    >>> y, variables = PReLU().init_with_output(jax.random.key(0), x)
    >>> y.features.tolist(), variables["params"]["slope"].tolist()
    ([[4.0], [-1.0]], [0.25])
    """

    _: KW_ONLY
    per_channel: bool = False

    @nn.compact
    def __call__(self, x: Tensor, geometry: Any = None) -> Tensor:
        check_kind_of(x)
        size = x.features.shape[-1] if self.per_channel else 1
        slope = parameter(self, "slope", nn.initializers.constant(0.25), (size,))
        features = site_features(x)
        slope = per_channel(slope, features).astype(features.dtype)
        return with_features(x, jnp.where(features > 0, features, slope * features))
