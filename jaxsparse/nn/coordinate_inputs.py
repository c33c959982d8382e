"""Where a pixel is, as channels of its features."""

import jax.numpy as jnp

from jaxsparse import SparseTensor
from jaxsparse.features import per_channel
from jaxsparse.nn.pointwise import Tensor, check_kind_of, with_features


def append_coordinates(x: Tensor) -> Tensor:
    """The channels of ``x``, then one an axis: ``(2 i + 1) / size - 1``, in (-1, 1).

    A convolution is blind to where in the detector it is; these channels tell it.

    Args:
      x: a batch of either vocabulary.

    Returns:
      The same sites with as many more channels as axes. Zero on padding rows and outside of a
      mask; without a mask every pixel has its coordinates.

    Source: Liu et al., arXiv 1807.03247 ("CoordConv").

    >>> from jaxsparse import sparse_tensor
    >>> x = sparse_tensor([[0, 0, 3]], [[5.0]], spatial_shape=(2, 4), batch_size=1)
    >>> append_coordinates(x).features.tolist()
    [[5.0, -0.5, 0.75]]
    """
    check_kind_of(x)
    dtype = x.features.dtype
    if isinstance(x, SparseTensor):
        pixels = x.coords[:, 1:].astype(jnp.float32)
    else:
        axes = [jnp.arange(size, dtype=jnp.float32) for size in x.spatial_shape]
        grid = jnp.stack(jnp.meshgrid(*axes, indexing="ij"), axis=-1)
        pixels = jnp.broadcast_to(grid, (*x.features.shape[:-1], x.dim))
    sizes = per_channel(x.spatial_shape, pixels)
    places = ((2 * pixels + 1) / sizes - 1).astype(dtype)
    return with_features(x, jnp.concatenate([x.features, places], axis=-1))
