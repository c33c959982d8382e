"""Batch norm with running statistics, for both vocabularies."""

import math
import numbers
from dataclasses import KW_ONLY
from typing import Any

import flax.linen as nn
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float32

from jaxsparse import SparseTensor, ops
from jaxsparse.errors import InputError, check_kind
from jaxsparse.features import per_channel
from jaxsparse.nn.dense_tensor import DenseTensor
from jaxsparse.nn.parameters import parameter
from jaxsparse.nn.pointwise import Tensor, check_kind_of, with_features


class BatchNorm(nn.Module):
    """Batch normalisation over the active sites of all events, and of all devices.

    ``out = (in - mean) / sqrt(variance + epsilon) * scale + bias``, in float32 (Ioffe and Szegedy,
    arXiv 1502.03167).

    In training, mean and (biased) variance are those of the batch: the exact moments of the sites
    of all devices of ``axis_name`` together, however unevenly they are spread. Running statistics
    move by ``running = momentum * running + (1 - momentum) * batch``; a batch without any site
    leaves them alone. In evaluation the running statistics are used.

    Variables: ``params`` ``scale`` (1) and ``bias`` (0), ``batch_stats`` ``mean`` (0) and
    ``variance`` (1), all float32 ``[channels]``.

    Attributes:
      train: use and record the statistics of the batch.
      momentum: share of the running statistics that stays at a step; 0.9 and epsilon 1e-4 are the
        defaults of SparseConvNet, with which the published network was built.
      epsilon: added to the variance.
      axis_name: the mapped axis over which moments are summed (None: this device alone).
      relu: take the positive part of the result: batch norm and ReLU in one pass over memory.
      implementation: of the passes over sparse rows, see :func:`jaxsparse.ops.batch_norm`.

    Raises:
      InputError: ``train`` that is no bool, such as a number of channels, a momentum outside of 0
        to 1, a negative epsilon.
    """

    train: bool
    _: KW_ONLY
    momentum: float = 0.9
    epsilon: float = 1e-4
    axis_name: str | None = None
    relu: bool = False
    implementation: str = "auto"

    @nn.compact
    def __call__(self, x: Tensor, geometry: Any = None) -> Tensor:
        check_kind_of(x)
        self._check_fields()
        channels = (x.features.shape[-1],)
        scale = parameter(self, "scale", nn.initializers.ones, channels)
        bias = parameter(self, "bias", nn.initializers.zeros, channels)
        mean = self.variable("batch_stats", "mean", jnp.zeros, channels, jnp.float32)
        variance = self.variable("batch_stats", "variance", jnp.ones, channels, jnp.float32)
        # Parameters are made outside the mapped step, where the axis has no name yet.
        axis_name = None if self.is_initializing() else self.axis_name
        if isinstance(x, SparseTensor):
            options: dict[str, Any] = {
                "epsilon": self.epsilon,
                "relu": self.relu,
                "implementation": self.implementation,
            }
            if not self.train:
                moments = (mean.value, variance.value)
                return ops.batch_norm_inference(x, scale, bias, *moments, **options)
            out, batch_mean, batch_variance, count = ops.batch_norm_with_moments(
                x, scale, bias, axis_name=axis_name, **options
            )
        else:
            if not self.train:
                return self._dense(x, mean.value, variance.value, scale, bias)
            batch_mean, batch_variance, count = _dense_moments(x, axis_name)
            out = self._dense(x, batch_mean, batch_variance, scale, bias)
        if not self.is_initializing():
            keep = jnp.where(count > 0, self.momentum, 1.0)
            mean.value = keep * mean.value + (1 - keep) * batch_mean
            variance.value = keep * variance.value + (1 - keep) * batch_variance
        return out

    def _check_fields(self) -> None:
        remedy = "as in BatchNorm(train=True): the number of channels is that of x"
        check_kind("train", self.train, bool, remedy=remedy)
        if not _is_within(self.momentum, 1):
            raise InputError(
                f"momentum is {self.momentum!r}: must be from 0 to 1, the share that stays; "
                "PyTorch's 0.1 is 0.9 here"
            )
        if not _is_within(self.epsilon, math.inf):
            raise InputError(f"epsilon is {self.epsilon!r}: must be a number and not negative")

    def _dense(
        self, x: DenseTensor, mean: Array, variance: Array, scale: Array, bias: Array
    ) -> DenseTensor:
        features = x.features
        vectors = (per_channel(vector, features) for vector in (mean, variance, scale, bias))
        mean, variance, scale, bias = vectors
        factor = scale * jax.lax.rsqrt(variance + self.epsilon)
        out = (features.astype(jnp.float32) - mean) * factor + bias
        out = jax.nn.relu(out) if self.relu else out
        return with_features(x, out.astype(features.dtype))


def _is_within(value: Any, highest: float) -> bool:
    """Whether it is a number from 0 to ``highest``; what is traced is taken for one."""
    if isinstance(value, jax.core.Tracer):
        return True
    return isinstance(value, numbers.Real | jax.Array) and bool(0 <= float(value) <= highest)


def _dense_moments(
    x: DenseTensor, axis_name: str | None
) -> tuple[Float32[Array, " channels"], Float32[Array, " channels"], Float32[Array, ""]]:
    """Mean, biased variance and number of the pixels that count, those of all devices."""
    features = x.features.astype(jnp.float32)
    axes = tuple(range(features.ndim - 1))
    where = None if x.mask is None else x.mask[..., None]
    pixels = features.size // features.shape[-1]
    count = jnp.float32(pixels) if x.mask is None else jnp.sum(x.mask, dtype=jnp.float32)

    def total(values: Array) -> Array:
        summed = jnp.sum(values, axes, where=where)
        return summed if axis_name is None else jax.lax.psum(summed, axis_name)

    if axis_name is not None:
        count = jax.lax.psum(count, axis_name)
    divisor = jnp.maximum(count, 1)
    mean = total(features) / divisor
    return mean, total((features - per_channel(mean, features)) ** 2) / divisor, count
