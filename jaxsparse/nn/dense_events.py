"""Per-event operations on whole images: the dense twins of those of :mod:`jaxsparse.ops`.

In masked mode they look at active pixels only; in plain mode at every pixel.
"""

import jax.numpy as jnp
from jaxtyping import Array, Float

from jaxsparse.nn.dense_tensor import DenseTensor
from jaxsparse.nn.pointwise import with_features


def global_sum_pooling(x: DenseTensor) -> Float[Array, "events channels"]:
    """Sum over the pixels of every event, in float32, of the type of the features.

    >>> x = DenseTensor(jnp.ones((2, 3, 4, 5)), None, (1, 1))
    >>> global_sum_pooling(x).tolist()[1]
    [12.0, 12.0, 12.0, 12.0, 12.0]
    """
    # Features are zero outside of the mask.
    total = jnp.sum(x.features, axis=_spatial(x), dtype=jnp.float32)
    return total.astype(x.features.dtype)


def global_average_pooling(x: DenseTensor) -> Float[Array, "events channels"]:
    """Average over the pixels of every event; 0 without an active pixel."""
    total = jnp.sum(x.features, axis=_spatial(x), dtype=jnp.float32)
    if x.mask is None:
        average = total / (x.features[0].size // x.features.shape[-1])
    else:
        average = total / jnp.maximum(jnp.sum(x.mask, axis=_spatial(x)), 1)[:, None]
    return average.astype(x.features.dtype)


def global_max_pooling(x: DenseTensor) -> Float[Array, "events channels"]:
    """Maximum over the pixels of every event; 0 without an active pixel."""
    if x.mask is None:
        return jnp.max(x.features, axis=_spatial(x))
    largest = jnp.max(jnp.where(x.mask[..., None], x.features, -jnp.inf), axis=_spatial(x))
    return jnp.where(x.mask.any(axis=_spatial(x))[:, None], largest, 0).astype(x.features.dtype)


def broadcast_add(x: DenseTensor, vectors: Float[Array, "events channels"]) -> DenseTensor:
    """``out[i] = in[i] + vectors[event of i]``; zero outside of the mask."""
    return with_features(x, x.features + _spread(x, vectors))


def broadcast_multiply(x: DenseTensor, vectors: Float[Array, "events channels"]) -> DenseTensor:
    """``out[i] = in[i] * vectors[event of i]``, channel by channel."""
    return with_features(x, x.features * _spread(x, vectors))


def _spatial(x: DenseTensor) -> tuple[int, ...]:
    return tuple(range(1, 1 + x.dim))


def _spread(
    x: DenseTensor, vectors: Float[Array, "events channels"]
) -> Float[Array, "events ... channels"]:
    return jnp.expand_dims(vectors, _spatial(x)).astype(x.features.dtype)
