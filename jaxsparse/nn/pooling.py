"""Pooling and unpooling of tensors over a connection.

They have no parameters, so they are functions: ``y = max_pooling(x, connection)``. The connection
of the pooling is also that of the way back, ``x = sum_unpooling(y, connection)``. Between two
levels of a geometry it is ``ops.down_connection``.
"""

from jaxtyping import Array, Int

from jaxsparse import SparseTensor, ops
from jaxsparse.nn.general import check_sites


def max_pooling(x: SparseTensor, connection: ops.Connection) -> SparseTensor:
    """Maximum over the active sites in reach, channel by channel.

    Args:
        x: on the sites that the connection reads.
        connection: for example ``ops.strided_connection(x, ops.hypercube(2, 3), 2)``.

    Returns:
        On the sites that the connection makes; zero on padding rows and where nothing is in reach.

    Raises:
        InputError: a tensor on other sites than the connection's.

    Source: agrees with ``MinkowskiMaxPooling``; see :func:`jaxsparse.ops.max_pooling`.

    >>> from jaxsparse import sparse_tensor
    >>> x = sparse_tensor([[0, 0], [0, 1], [0, 3]], [[-1.0], [-2.0], [-4.0]], spatial_shape=(4,),
    ...                   batch_size=1)
    >>> y = max_pooling(x, ops.strided_connection(x, ops.hypercube(2, 1), 2, capacity=2))
    >>> y.coords.tolist(), y.features.tolist()
    ([[0, 0], [0, 1]], [[-1.0], [-4.0]])
    """
    return max_pooling_with_choice(x, connection)[0]


def max_pooling_with_choice(
    x: SparseTensor, connection: ops.Connection
) -> tuple[SparseTensor, Int[Array, "sites channels"]]:
    """``max_pooling``, and which tap each maximum came from, for ``max_unpooling``.

    Args, errors: as for ``max_pooling``.

    Returns:
        ``(tensor, choice)``, the choice int32 of the shape of the tensor's features.

    >>> from jaxsparse import sparse_tensor
    >>> x = sparse_tensor([[0, 0], [0, 1], [0, 3]], [[1.0], [2.0], [4.0]], spatial_shape=(4,),
    ...                   batch_size=1)
    >>> down = ops.strided_connection(x, ops.hypercube(2, 1), 2, capacity=2)
    >>> y, choice = max_pooling_with_choice(x, down)
    >>> max_unpooling(y, choice, down).features.tolist()
    [[0.0], [2.0], [4.0]]
    """
    check_sites(x, connection.source, "reads")
    features, choice = ops.max_pooling(x.features, connection.kernel_map)
    return connection.target.tensor(features), choice


def average_pooling(
    x: SparseTensor, connection: ops.Connection, *, divisor: str = "active"
) -> SparseTensor:
    """Average over the active sites in reach.

    Args:
        x: on the sites that the connection reads.
        connection: as for ``max_pooling``.
        divisor: ``"active"`` divides by the active sites in reach, ``"kernel"`` by the taps.

    Returns, errors: as for ``max_pooling``, and an unknown divisor.

    Source: agrees with ``MinkowskiAvgPooling``; see :func:`jaxsparse.ops.average_pooling`.

    >>> from jaxsparse import sparse_tensor
    >>> x = sparse_tensor([[0, 0], [0, 1], [0, 3]], [[1.0], [2.0], [4.0]], spatial_shape=(4,),
    ...                   batch_size=1)
    >>> down = ops.strided_connection(x, ops.hypercube(2, 1), 2, capacity=2)
    >>> average_pooling(x, down).features.tolist()
    [[1.5], [4.0]]
    """
    check_sites(x, connection.source, "reads")
    features = ops.average_pooling(x.features, connection.kernel_map, divisor=divisor)
    return connection.target.tensor(features)


def sum_pooling(x: SparseTensor, connection: ops.Connection) -> SparseTensor:
    """Sum over the active sites in reach. Args, result, errors: as for ``max_pooling``.

    Source: agrees with ``MinkowskiSumPooling``; see :func:`jaxsparse.ops.sum_pooling`.

    >>> from jaxsparse import sparse_tensor
    >>> x = sparse_tensor([[0, 0], [0, 1], [0, 3]], [[1.0], [2.0], [4.0]], spatial_shape=(4,),
    ...                   batch_size=1)
    >>> down = ops.strided_connection(x, ops.hypercube(2, 1), 2, capacity=2)
    >>> sum_pooling(x, down).features.tolist()
    [[3.0], [4.0]]
    """
    check_sites(x, connection.source, "reads")
    return connection.target.tensor(ops.sum_pooling(x.features, connection.kernel_map))


def max_unpooling(
    y: SparseTensor, choice: Int[Array, "sites channels"], connection: ops.Connection
) -> SparseTensor:
    """Back to where the maxima were, zero elsewhere.

    Args:
        y: on the sites that the connection of the pooling makes.
        choice: of ``max_pooling_with_choice``.
        connection: that of the pooling.

    Returns:
        On the sites that were pooled.

    Raises:
        InputError: a tensor on other sites than those that were made, a choice of another shape.
    """
    check_sites(y, connection.target, "makes")
    features = ops.max_unpooling(y.features, choice, connection.kernel_map)
    return connection.source.tensor(features)


def average_unpooling(
    y: SparseTensor, connection: ops.Connection, *, divisor: str = "active"
) -> SparseTensor:
    """Back onto the sites that were pooled: the average of the outputs that a site is part of.

    Over kernel 2 and stride 2 a site copies its one parent: the up-sampling by the nearest.

    Args:
        y: on the sites that the connection of the pooling makes.
        connection: that of the pooling.
        divisor: as for ``average_pooling``.

    Returns:
        On the sites that were pooled.

    Raises:
        InputError: a tensor on other sites than those that were made, an unknown divisor.

    Source: agrees with ``MinkowskiPoolingTranspose``; see :func:`jaxsparse.ops.average_unpooling`.

    >>> from jaxsparse import geometry, sparse_tensor
    >>> x = sparse_tensor([[0, 0], [0, 1], [0, 3]], [[1.0], [2.0], [4.0]], spatial_shape=(4,),
    ...                   batch_size=1)
    >>> down = ops.down_connection(geometry(x, levels=2), 0)
    >>> average_unpooling(sum_pooling(x, down), down).features.tolist()
    [[3.0], [3.0], [4.0]]
    """
    check_sites(y, connection.target, "makes")
    features = ops.average_unpooling(y.features, connection.kernel_map, divisor=divisor)
    return connection.source.tensor(features)


def sum_unpooling(y: SparseTensor, connection: ops.Connection) -> SparseTensor:
    """Back onto the sites that were pooled: the sum of all outputs that a site was pooled into.

    Args, result, errors: as for ``average_unpooling``. The transpose of ``sum_pooling``.
    """
    check_sites(y, connection.target, "makes")
    return connection.source.tensor(ops.sum_unpooling(y.features, connection.kernel_map))
