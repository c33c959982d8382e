"""Pooling of whole images over a connection, the dense twins of those of :mod:`jaxsparse.ops`."""

import jax.numpy as jnp
from jax import lax

from jaxsparse.errors import InputError
from jaxsparse.nn.dense_connection import DenseConnection
from jaxsparse.nn.dense_tensor import DenseTensor


def max_pooling(x: DenseTensor, connection: DenseConnection) -> DenseTensor:
    """Maximum over the pixels in reach, in masked mode over the active ones.

    Of equal pixels the first one gets all of the gradient, as in :func:`jaxsparse.nn.max_pooling`.

    Raises:
      InputError: images of another level than the connection reads.

    >>> from jaxsparse.nn.dense_connection import down
    >>> from jaxsparse.nn.dense_tensor import dense_geometry
    >>> x = DenseTensor(jnp.array([[[1.0], [3.0], [-2.0]]]), None, (1,))
    >>> max_pooling(x, down(dense_geometry(x, levels=2), 0)).features.ravel().tolist()
    [3.0, -2.0]
    """
    connection.check_source(x)
    candidates = x.features
    if x.mask is not None:
        candidates = jnp.where(x.mask[..., None], candidates, -jnp.inf)
    out = lax.reduce_window(
        candidates,
        -jnp.inf,
        lax.max,
        window_dimensions=(1, *(connection.kernel_size,) * x.dim, 1),
        window_strides=(1, *(connection.stride,) * x.dim, 1),
        padding=((0, 0), *connection.padding, (0, 0)),
        window_dilation=(1, *(connection.dilation,) * x.dim, 1),
    )
    return connection.geometry.tensor(connection.target, out)


def average_unpooling(y: DenseTensor, connection: DenseConnection) -> DenseTensor:
    """Back onto the pixels that were pooled: each copies its parent, the up-sampling by nearest.

    Args:
      y: images of the level that the connection makes.
      connection: of kernel 2 and stride 2, that of the pooling.

    Raises:
      InputError: images of another level, or windows that overlap.
    """
    connection.check_target(y)
    if connection.kernel_size != connection.stride:
        raise InputError(
            f"kernel_size is {connection.kernel_size} and stride {connection.stride}: must be "
            "equal, so that a pixel has one parent"
        )
    out = y.features
    for axis in range(y.dim):
        out = jnp.repeat(out, connection.stride, axis=1 + axis)
    fine = tuple(slice(size) for size in connection.fine)
    return connection.geometry.tensor(connection.source, out[(slice(None), *fine)])
