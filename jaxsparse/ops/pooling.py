"""Maximum, sum and average over the sites that a connection leads from, and the ways back.

A site that is absent is absent, not zero: it is no candidate for a maximum, and an average counts
it only if asked to. All of them serve every connection and its transpose, for which every output
row knows its input rows: each adds up (or compares) one gather for each tap, under a mask. The
connection of the pooling is also that of the way back, ``x = sum_unpooling(y, connection)``;
between two levels of a geometry it is ``down_connection``.

The derivative of a sum over a map is the sum over the transposed map; that of a maximum is the
sum over the transposed map of the cotangents whose owner chose this row. Both are gathers again,
with float32 sums in tap order, so that gradients are the same bits from run to run
(``linear_pair.py``).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Int

from jaxsparse.errors import InputError
from jaxsparse.features import check_features
from jaxsparse.ops.connection import Connection, check_connection
from jaxsparse.ops.int32 import clipped_int32
from jaxsparse.ops.kernel_map import KernelMap
from jaxsparse.ops.linear_pair import LinearPair
from jaxsparse.ops.one_program import one_program
from jaxsparse.pytree import register_named_tuple
from jaxsparse.tensor import SparseTensor

DIVISORS = ("active", "kernel")

# Taps to a step of the loop, so that a strided map in 3-D needs none. It bounds what is held, at
# [UNROLLED_TAPS, rows, channels] where XLA does not fuse a gather with a sum (CPU).
UNROLLED_TAPS = 8


@register_named_tuple
class MaxPoolingResult(NamedTuple):
    """What ``max_pooling_with_choice`` returns.

    Attributes:
      tensor: the maxima, on the sites that the connection makes.
      choice: int32 ``[sites, channels]``: the tap whose input was the maximum, the first of equal
        ones; the number of taps where no input site is in reach, as on padding rows.
    """

    tensor: SparseTensor
    choice: Array


def max_pooling(x: SparseTensor, connection: Connection) -> SparseTensor:
    """Maximum over the active sites in reach, for every channel of its own.

    Of equal inputs the first tap is chosen and gets all of the gradient. NaN counts as the largest
    number, as in ``jnp.max``.

    Args:
      x: on the sites that the connection reads; features float32, bfloat16 or float16.
      connection: for example ``strided_connection(x, hypercube(2, 3), 2)``.

    Returns:
      On the sites that the connection makes, of the type of ``x``; zero on padding rows and where
      no site is in reach.

    Raises:
      InputError: a tensor on other sites than the connection's, features of another type.

    Source: agrees with ``MinkowskiMaxPooling`` (Choy et al., arXiv:1904.08755).

    >>> from jaxsparse import geometry, sparse_tensor
    >>> from jaxsparse.ops import down_connection
    >>> x = sparse_tensor([[0, 0], [0, 1], [0, 3]], [[-1.0], [-2.0], [-4.0]], spatial_shape=(4,),
    ...                   batch_size=1)
    >>> y = max_pooling(x, down_connection(geometry(x, levels=2, capacities=(3, 2)), 0))
    >>> y.coords.tolist(), y.features.tolist()
    ([[0, 0], [0, 1]], [[-1.0], [-4.0]])
    """
    return max_pooling_with_choice(x, connection).tensor


def max_pooling_with_choice(x: SparseTensor, connection: Connection) -> MaxPoolingResult:
    """``max_pooling``, and which tap each maximum came from, for ``max_unpooling``.

    Args, errors: as for ``max_pooling``.

    >>> from jaxsparse import geometry, sparse_tensor
    >>> from jaxsparse.ops import down_connection
    >>> x = sparse_tensor([[0, 0], [0, 1], [0, 3]], [[1.0], [2.0], [4.0]], spatial_shape=(4,),
    ...                   batch_size=1)
    >>> down = down_connection(geometry(x, levels=2, capacities=(3, 2)), 0)
    >>> y, choice = max_pooling_with_choice(x, down)
    >>> choice.tolist(), max_unpooling(10 * y, choice, down).features.tolist()
    ([[1], [1]], [[0.0], [20.0], [40.0]])
    """
    check_connection(connection)
    connection.check_source(x)
    check_features(x.features.dtype)
    kernel_map = connection.kernel_map
    choice = _choose(kernel_map, jax.lax.stop_gradient(x.features))
    features = _chosen((kernel_map, choice), x.features, kernel_map.capacity_out)
    return MaxPoolingResult(connection.target.tensor(features), choice)


def sum_pooling(x: SparseTensor, connection: Connection) -> SparseTensor:
    """Sum over the active sites in reach, ``out[o] = sum_k in[in(o, k)]``, in float32.

    Args, result, errors: as for ``max_pooling``.

    Source: agrees with ``MinkowskiSumPooling`` (Choy et al., arXiv:1904.08755).

    >>> from jaxsparse import geometry, sparse_tensor
    >>> from jaxsparse.ops import down_connection
    >>> x = sparse_tensor([[0, 0], [0, 1], [0, 3]], [[1.0], [2.0], [4.0]], spatial_shape=(4,),
    ...                   batch_size=1)
    >>> sum_pooling(x, down_connection(geometry(x, levels=2), 0)).features.tolist()
    [[3.0], [4.0], [0.0]]
    """
    check_connection(connection)
    connection.check_source(x)
    return connection.target.tensor(_summed(connection.kernel_map, x.features))


def average_pooling(
    x: SparseTensor, connection: Connection, *, divisor: str = "active"
) -> SparseTensor:
    """Average over the sites in reach, ``out[o] = sum_k in[in(o, k)] / n``, in float32.

    Args:
      x: as for ``max_pooling``.
      connection: as for ``max_pooling``.
      divisor: ``"active"``: ``n`` is how many of the taps of ``o`` have an active site.
        ``"kernel"``: ``n`` is the number of taps, as if absent sites were zero.

    Returns, errors: as for ``max_pooling``, and an unknown divisor.

    Source: ``"active"`` agrees with ``MinkowskiAvgPooling`` (Choy et al., arXiv:1904.08755),
    ``"kernel"`` with a dense average pooling that counts its padding.

    >>> from jaxsparse import geometry, sparse_tensor
    >>> from jaxsparse.ops import down_connection
    >>> x = sparse_tensor([[0, 0], [0, 1], [0, 3]], [[1.0], [2.0], [4.0]], spatial_shape=(4,),
    ...                   batch_size=1)
    >>> down = down_connection(geometry(x, levels=2, capacities=(3, 2)), 0)
    >>> average_pooling(x, down).features.tolist()
    [[1.5], [4.0]]
    >>> average_pooling(x, down, divisor="kernel").features.tolist()
    [[1.5], [2.0]]
    """
    check_connection(connection)
    connection.check_source(x)
    return connection.target.tensor(_averaged(connection.kernel_map, x.features, divisor))


def max_unpooling(
    y: SparseTensor, choice: Int[Array, "sites channels"], connection: Connection
) -> SparseTensor:
    """Back to where the maxima were: the transpose of ``max_pooling`` at that choice.

    A site gets the sum of the features of all outputs whose maximum it was, else zero.

    Args:
      y: on the sites that the connection of the pooling makes.
      choice: of ``max_pooling_with_choice``; a number that is no tap chooses nothing.
      connection: that of the pooling.

    Returns:
      On the sites that were pooled, of the type of ``y``.

    Raises:
      InputError: a tensor on other sites than those that were made, features of another type, a
        choice of another shape.

    Source: the "unpooling" of Zeiler and Fergus, arXiv:1311.2901, section 2.1.
    """
    check_connection(connection)
    connection.check_target(y)
    check_features(y.features.dtype)
    choice = clipped_int32("choice", choice)
    if y.features.shape != choice.shape:
        raise InputError(
            f"choice has shape {choice.shape}: must be {y.features.shape} as the features, pass "
            "what max_pooling_with_choice over this connection returned"
        )
    kernel_map = connection.kernel_map
    features = _chosen.transpose((kernel_map, choice), y.features, kernel_map.capacity_in)
    return connection.source.tensor(features)


def sum_unpooling(y: SparseTensor, connection: Connection) -> SparseTensor:
    """Back onto the sites that were pooled: the sum of all outputs that a site was pooled into.

    The transpose of ``sum_pooling``. Between levels of a geometry a site copies its parent.

    Args:
      y: on the sites that the connection of the pooling makes.
      connection: that of the pooling.

    Returns:
      On the sites that were pooled, of the type of ``y``.

    Raises:
      InputError: a tensor on other sites than those that were made, features of another type.

    >>> from jaxsparse import geometry, sparse_tensor
    >>> from jaxsparse.ops import down_connection
    >>> x = sparse_tensor([[0, 0], [0, 1], [0, 3]], [[1.0], [2.0], [4.0]], spatial_shape=(4,),
    ...                   batch_size=1)
    >>> down = down_connection(geometry(x, levels=2), 0)
    >>> sum_unpooling(sum_pooling(x, down), down).features.tolist()
    [[3.0], [3.0], [4.0]]
    """
    check_connection(connection)
    connection.check_target(y)
    return connection.source.tensor(_summed(connection.kernel_map.transpose(), y.features))


def average_unpooling(
    y: SparseTensor, connection: Connection, *, divisor: str = "active"
) -> SparseTensor:
    """Back onto the sites that were pooled: the average of all outputs that a site is part of.

    Over kernel 2 and stride 2 a site copies its one parent: the up-sampling by the nearest.

    Args:
      y: on the sites that the connection of the pooling makes.
      connection: that of the pooling.
      divisor: as for ``average_pooling``.

    Returns, errors: as for ``sum_unpooling``, and an unknown divisor.

    Source: agrees with ``MinkowskiPoolingTranspose`` (Choy et al., arXiv:1904.08755).
    """
    check_connection(connection)
    connection.check_target(y)
    features = _averaged(connection.kernel_map.transpose(), y.features, divisor)
    return connection.source.tensor(features)


def _summed(kernel_map: KernelMap, features: Array) -> Array:
    check_features(features.dtype)
    return _tap_sum(kernel_map, features, kernel_map.capacity_out)


def _averaged(kernel_map: KernelMap, features: Array, divisor: str) -> Array:
    if divisor not in DIVISORS:
        raise InputError(f"divisor is {divisor!r}: must be one of {', '.join(DIVISORS)}")
    check_features(features.dtype)
    total = _tap_sum(kernel_map, features, kernel_map.capacity_out, jnp.float32)
    count: Array | float = kernel_map.taps
    if divisor == "active":
        rows, _ = kernel_map.reads()
        present = jnp.sum(rows < kernel_map.capacity_in, axis=0, dtype=jnp.int32)
        count = jnp.maximum(present, 1)[:, None].astype(jnp.float32)
    return (total / count).astype(features.dtype)


def _gather(features: Array, rows: Array) -> Array:
    return features.at[rows].get(mode="fill", fill_value=0)


def _sum(reads: tuple[Array, ...], term: Callable[..., Array], like: Array) -> Array:
    """``sum_k term(reads[k])`` in float32, in the order of the taps."""

    def step(total: Array, read: tuple[Array, ...]) -> tuple[Array, None]:
        return total + term(*read).astype(jnp.float32), None

    zero = jnp.zeros((reads[0].shape[1], like.shape[1]), jnp.float32)
    return jax.lax.scan(step, zero, reads, unroll=UNROLLED_TAPS)[0]


def _sum_over_taps(kernel_map: KernelMap, x: Array) -> Array:
    rows, _ = kernel_map.reads()
    return _sum((rows,), lambda row: _gather(x, row), x)


def _sum_over_transposed(kernel_map: KernelMap, g: Array) -> Array:
    return _sum_over_taps(kernel_map.transpose(), g)


def _at_choice(structure: tuple[KernelMap, Array], x: Array) -> Array:
    """``out[o, c] = x[in(o, choice[o, c]), c]``."""
    kernel_map, choice = structure

    def term(row: Array, tap: Array) -> Array:
        return jnp.where(tap[:, None] == choice, _gather(x, row), 0)

    return _sum(kernel_map.reads(), term, x)


def _from_choice(structure: tuple[KernelMap, Array], g: Array) -> Array:
    """``back[i, c] = sum over pairs (i, k, o) with choice[o, c] = k of g[o, c]``."""
    kernel_map, choice = structure

    def term(row: Array, tap: Array) -> Array:
        chosen = choice.at[row].get(mode="fill", fill_value=-1)
        return jnp.where(tap[:, None] == chosen, _gather(g, row), 0)

    return _sum(kernel_map.transpose().reads(), term, g)


_tap_sum = LinearPair("sparse_tap_sum", _sum_over_taps, _sum_over_transposed)
_chosen = LinearPair("sparse_tap_choice", _at_choice, _from_choice)


@one_program()
def _choose(kernel_map: KernelMap, x: Array) -> Array:
    """The first tap of the largest present input; the number of taps where there is none."""
    absent, nothing = kernel_map.capacity_in, kernel_map.taps

    def step(best: tuple[Array, Array], read: tuple[Array, Array]) -> tuple[Any, None]:
        value, choice = best
        row, tap = read
        candidate = _gather(x, row)
        larger = (candidate > value) | (jnp.isnan(candidate) & ~jnp.isnan(value))
        better = (row < absent)[:, None] & (larger | (choice == nothing))
        return (jnp.where(better, candidate, value), jnp.where(better, tap[:, None], choice)), None

    shape = (kernel_map.capacity_out, x.shape[1])
    start = (jnp.full(shape, -jnp.inf, x.dtype), jnp.full(shape, nothing, jnp.int32))
    return jax.lax.scan(step, start, kernel_map.reads(), unroll=UNROLLED_TAPS)[0][1]
