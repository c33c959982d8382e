"""Layers that look at one site at a time: written once, they serve both vocabularies.

They need no more of a tensor than ``features``, ``mask`` and ``replace(features=...)``, which
:class:`jaxsparse.SparseTensor` and :class:`jaxsparse.nn.dense_tensor.DenseTensor` both have.
Padding rows and masked pixels of every result are exactly zero.
"""

from dataclasses import KW_ONLY
from typing import Any, TypeVar

import flax.linen as nn
import jax
import jax.numpy as jnp
from jax.typing import DTypeLike
from jaxtyping import Array, Float

from jaxsparse import SparseTensor, ops
from jaxsparse.errors import InputError, check_kind, kind_of
from jaxsparse.features import check_features, per_channel
from jaxsparse.integers import positive
from jaxsparse.nn.dense_tensor import DenseTensor
from jaxsparse.nn.parameters import parameter
from jaxsparse.ops.precision import precision_for

Tensor = TypeVar("Tensor", SparseTensor, DenseTensor)


class Linear(nn.Module):
    """The same matrix at every site: ``out = in . weights + bias``; a convolution of kernel 1.

    Parameters ``weights`` ``[in, out]`` float32, He-normal with fan-in ``in``, and ``bias``
    ``[out]``, zero.

    Attributes:
      features: channels of the output.
      use_bias: add a learned bias.
      dtype: type of the product's operands (None: that of the features); sums are float32.
      implementation: data flow of sparse rows, see :func:`jaxsparse.ops.convolution`.

    Raises:
      InputError: features that are no positive integer.
    """

    features: int
    _: KW_ONLY
    use_bias: bool = True
    dtype: DTypeLike | None = None
    implementation: str = "auto"

    @nn.compact
    def __call__(self, x: Tensor, geometry: Any = None) -> Tensor:
        check_kind_of(x)
        shape = (x.features.shape[-1], positive("features", self.features))
        weights = parameter(self, "weights", jax.nn.initializers.he_normal(), shape)
        bias = None
        if self.use_bias:
            bias = parameter(self, "bias", nn.initializers.zeros, (self.features,))
        if isinstance(x, SparseTensor):
            return ops.linear(
                x,
                weights,
                bias=bias,
                compute_dtype=self.dtype,
                implementation=self.implementation,
            )
        out = product(site_features(x), weights, self.dtype)
        return with_features(x, out if bias is None else add_bias(out, bias))


def add_bias(
    features: Float[Array, "... channels"], bias: Float[Array, " channels"]
) -> Float[Array, "... channels"]:
    """``features + bias``, summed in float32, of the type of the features."""
    return (features.astype(jnp.float32) + per_channel(bias, features)).astype(features.dtype)


def relu(x: Tensor) -> Tensor:
    """``max(in, 0)`` at every site."""
    check_kind_of(x)
    return x.replace(features=jax.nn.relu(x.features))


def add(x: Tensor, y: Tensor) -> Tensor:
    """``x + y``, of tensors on the same sites; ``ops.union`` adds any two.

    Raises:
      InputError: the tensors have different sites, as far as :mod:`jaxsparse.same_sites` can
        tell.
    """
    check_kind_of(x)
    check_kind_of(y, "y")
    return x + y


def concatenate(x: Tensor, *others: Tensor) -> Tensor:
    """The channels of ``x``, then those of each other tensor; all have the same sites.

    Raises:
      InputError: as of :func:`add`; one list of tensors.
    """
    if isinstance(x, list | tuple):
        raise InputError(
            f"x is {kind_of(x)}: must be a tensor, give them one by one, nn.concatenate(x, y)"
        )
    check_kind_of(x)
    for y in others:
        check_kind_of(y, "y")
        x.check_same_sites(y)
    features = [x.features, *(y.features for y in others)]
    return x.replace(features=jnp.concatenate(features, axis=-1))


def check_kind_of(x: Any, name: str = "x") -> None:
    """Refuses what is no tensor of either vocabulary, and one that is not well made.

    Raises:
      InputError: it is not, or its features and coordinates do not belong together.
    """
    remedy = (
        "layers take tensors, not their features; an array of whole events, which global poolings "
        "make, goes into layers of flax.linen"
    )
    check_kind(name, x, SparseTensor, DenseTensor, remedy=remedy)
    x.check()


def product(
    features: Float[Array, "... in"], weights: Float[Array, "in out"], dtype: DTypeLike | None
) -> Float[Array, "... out"]:
    """``features . weights`` with operands of ``dtype`` (None: that of the features).

    Sums are float32; the result has the type of the features.

    Raises:
      InputError: features or operands that are not of a type that features may have.
    """
    check_features(features.dtype)
    dtype = check_features(features.dtype if dtype is None else dtype, "dtype")
    return jnp.matmul(
        features.astype(dtype),
        weights.astype(dtype),
        precision=precision_for(dtype),
        preferred_element_type=jnp.float32,
    ).astype(features.dtype)


def with_type(x: Tensor, dtype: DTypeLike) -> Tensor:
    """``x`` with features of another type."""
    return x.replace(features=x.features.astype(dtype))


def site_features(x: Tensor) -> Float[Array, "... channels"]:
    """The features, made zero where there is no site.

    They are zero there by rule; a parameter multiplied with them gets no NaN if one breaks it.
    """
    return with_features(x, x.features).features


def with_features(x: Tensor, features: Float[Array, "... channels"]) -> Tensor:
    """``x`` with other features, made zero where there is no site.

    Raises:
      InputError: features that have not one row for each site and row of padding.
    """
    x = x.replace(features=features)
    if x.mask is None:
        return x
    zero = jnp.zeros((), features.dtype)
    return x.replace(features=jnp.where(x.mask[..., None], features, zero))
