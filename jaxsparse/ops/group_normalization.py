"""Normalisation within an event or a site: instance, group and layer norm.

All are the group norm of Wu and He, arXiv:1803.08494: features are normalised with the mean and the
biased variance of a group of channels, over the sites of one event or at one site. No statistics
are kept, and none cross events or devices. Moments take two passes in float32, as those of batch
norm do: the sum of squares loses a small variance on a large mean.
"""

from __future__ import annotations

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from jaxsparse.errors import InputError
from jaxsparse.features import check_channels, check_features, per_channel
from jaxsparse.ops.event_reduction import EventRows, event_average, event_spread
from jaxsparse.tensor import SparseTensor, check_tensor

DOMAINS = ("event", "site")


def group_norm(
    x: SparseTensor,
    scale: Float[Array, " channels"],
    bias: Float[Array, " channels"],
    *,
    groups: int,
    over: str = "event",
    epsilon: float = 1e-5,
) -> SparseTensor:
    """``scale * (in - mean) / sqrt(variance + epsilon) + bias`` by groups of consecutive channels.

    Args:
      x: a batch, features float32, bfloat16 or float16.
      scale: float32 ``[channels]``.
      bias: float32 ``[channels]``.
      groups: number of groups; divides the number of channels.
      over: ``"event"``: moments of a group of channels over all sites of an event, the group norm
        of the paper. ``"site"``: over the channels of the group at one site, which is what
        ``torch.nn.GroupNorm`` does to ``[sites, channels]``, and WarpConvNet with it.
      epsilon: added to the variance.

    Returns:
      The sites of ``x``, features of its type; padding rows are zero. An event of one site is
      finite: where the variance is 0 the result is ``bias``.

    Raises:
      InputError: groups that do not divide the channels, an unknown domain, features of another
        type, a scale or bias of another shape.

    Source: Wu and He, arXiv:1803.08494, equations 2 and 7.

    >>> from jaxsparse import sparse_tensor
    >>> x = sparse_tensor([[0, 0], [0, 1], [1, 2]], [[1.0, 5.0], [3.0, 7.0], [2.0, 2.0]],
    ...                   spatial_shape=(4,), batch_size=2)
    >>> one, zero = jnp.ones(2), jnp.zeros(2)
    >>> y = group_norm(x, one, zero, groups=2, epsilon=0.25).features
    >>> (100 * y).round().astype(int).tolist()
    [[-89, -89], [89, 89], [0, 0]]
    """
    check_tensor(x)
    check_features(x.features.dtype)
    channels = x.num_channels
    if groups < 1 or channels % groups:
        raise InputError(
            f"groups is {groups}: must divide the {channels} channels, choose one of their divisors"
        )
    if over not in DOMAINS:
        raise InputError(f"over is {over!r}: must be one of {', '.join(DOMAINS)}")
    check_channels("scale", scale, channels)
    check_channels("bias", bias, channels)
    values = x.features.astype(jnp.float32)
    rows = EventRows.of(x)

    def mean(of: Array) -> Array:
        """Of every group, ``[sites, channels]``."""
        if over == "event":
            return event_spread(_of_groups(event_average(of, rows), groups), rows)
        return _of_groups(of, groups)

    centred = jnp.where(x.mask[:, None], values - mean(values), 0)
    # One on padding: with epsilon 0 the slope of scale would be zero times infinity there.
    variance = jnp.where(x.mask[:, None], mean(jnp.square(centred)), 1)
    out = centred * jax.lax.rsqrt(variance + epsilon) * per_channel(scale, values)
    out = out + per_channel(bias, values)
    return x.replace(jnp.where(x.mask[:, None], out, 0).astype(x.features.dtype))


def instance_norm(
    x: SparseTensor,
    scale: Float[Array, " channels"],
    bias: Float[Array, " channels"],
    *,
    epsilon: float = 1e-5,
) -> SparseTensor:
    """Normalises every channel over the sites of its event: group norm with a group a channel.

    Args, result: as for ``group_norm``.

    Source: Ulyanov et al., arXiv:1607.08022; agrees with ``MinkowskiInstanceNorm`` but for its
    epsilon of 1e-8.

    >>> from jaxsparse import sparse_tensor
    >>> x = sparse_tensor([[0, 0], [0, 1]], [[1.0], [3.0]], spatial_shape=(4,), batch_size=1)
    >>> instance_norm(x, jnp.ones(1), jnp.zeros(1)).features.round(3).tolist()
    [[-1.0], [1.0]]
    """
    check_tensor(x)
    return group_norm(x, scale, bias, groups=x.num_channels, epsilon=epsilon)


def layer_norm(
    x: SparseTensor,
    scale: Float[Array, " channels"],
    bias: Float[Array, " channels"],
    *,
    epsilon: float = 1e-5,
) -> SparseTensor:
    """Normalises all channels of a site: group norm with one group, site by site.

    Args, result: as for ``group_norm``.

    Source: Ba et al., arXiv:1607.06450; agrees with WarpConvNet's ``LayerNorm``.

    >>> from jaxsparse import sparse_tensor
    >>> x = sparse_tensor([[0, 0]], [[1.0, 3.0]], spatial_shape=(4,), batch_size=1)
    >>> layer_norm(x, jnp.ones(2), jnp.zeros(2)).features.round(3).tolist()
    [[-1.0, 1.0]]
    """
    return group_norm(x, scale, bias, groups=1, over="site", epsilon=epsilon)


def _of_groups(values: Array, groups: int) -> Array:
    """The mean of its group in place of every channel."""
    grouped = values.reshape(values.shape[0], groups, -1)
    means = jnp.broadcast_to(grouped.mean(axis=2, keepdims=True), grouped.shape)
    return means.reshape(values.shape)
