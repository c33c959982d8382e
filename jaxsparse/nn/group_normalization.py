"""Normalisation within an event or a site, as layers: group, instance and layer norm.

Unlike batch norm they keep no statistics and are the same in training and evaluation. Parameters of
each: ``scale`` (1) and ``bias`` (0), float32 ``[channels]``.
"""

from dataclasses import KW_ONLY
from typing import Any

import flax.linen as nn
from jaxtyping import Array, Float32

from jaxsparse import SparseTensor, ops
from jaxsparse.nn.parameters import parameter
from jaxsparse.tensor import check_tensor


class GroupNorm(nn.Module):
    """``scale * (in - mean) / sqrt(variance + epsilon) + bias`` by groups of channels.

    See :func:`jaxsparse.ops.group_norm`, arXiv:1803.08494. Padding rows stay zero.

    Attributes:
      groups: number of groups of consecutive channels; divides the number of channels.
      over: ``"event"``: moments over all sites of an event; ``"site"``: at each site by itself,
        as ``torch.nn.GroupNorm`` on ``[sites, channels]``.
      epsilon: added to the variance.

    Raises:
      InputError: groups that do not divide the channels, an unknown domain.

    >>> import jax
    >>> from jaxsparse import sparse_tensor
    >>> x = sparse_tensor([[0, 0], [0, 1]], [[1.0, 1.0], [3.0, 3.0]], spatial_shape=(4,),
    ...                   batch_size=1)
    >>> y, variables = GroupNorm(groups=1).init_with_output(jax.random.key(0), x)
    >>> y.features.round(3).tolist(), sorted(variables["params"])
    ([[-1.0, -1.0], [1.0, 1.0]], ['bias', 'scale'])
    """

    groups: int
    _: KW_ONLY
    over: str = "event"
    epsilon: float = 1e-5

    @nn.compact
    def __call__(self, x: SparseTensor, geometry: Any = None) -> SparseTensor:
        scale, bias = _scale_and_bias(self, x)
        return ops.group_norm(
            x, scale, bias, groups=self.groups, over=self.over, epsilon=self.epsilon
        )


class InstanceNorm(nn.Module):
    """Normalises every channel over the sites of its event, :func:`jaxsparse.ops.instance_norm`.

    Attributes:
      epsilon: added to the variance; 1e-8 in MinkowskiEngine.

    >>> import jax
    >>> from jaxsparse import sparse_tensor
    >>> x = sparse_tensor([[0, 0], [0, 1]], [[1.0], [3.0]], spatial_shape=(4,), batch_size=1)
    >>> InstanceNorm().init_with_output(jax.random.key(0), x)[0].features.round(3).tolist()
    [[-1.0], [1.0]]
    """

    _: KW_ONLY
    epsilon: float = 1e-5

    @nn.compact
    def __call__(self, x: SparseTensor, geometry: Any = None) -> SparseTensor:
        return ops.instance_norm(x, *_scale_and_bias(self, x), epsilon=self.epsilon)


class LayerNorm(nn.Module):
    """Normalises all channels of a site, :func:`jaxsparse.ops.layer_norm`.

    Attributes:
      epsilon: added to the variance.

    >>> import jax
    >>> from jaxsparse import sparse_tensor
    >>> x = sparse_tensor([[0, 0]], [[1.0, 3.0]], spatial_shape=(4,), batch_size=1)
    >>> LayerNorm().init_with_output(jax.random.key(0), x)[0].features.round(3).tolist()
    [[-1.0, 1.0]]
    """

    _: KW_ONLY
    epsilon: float = 1e-5

    @nn.compact
    def __call__(self, x: SparseTensor, geometry: Any = None) -> SparseTensor:
        return ops.layer_norm(x, *_scale_and_bias(self, x), epsilon=self.epsilon)


def _scale_and_bias(
    module: nn.Module, x: SparseTensor
) -> tuple[Float32[Array, " channels"], Float32[Array, " channels"]]:
    check_tensor(x)
    shape = (x.num_channels,)
    return (
        parameter(module, "scale", nn.initializers.ones, shape),
        parameter(module, "bias", nn.initializers.zeros, shape),
    )
