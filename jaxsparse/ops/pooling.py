"""Maximum, sum and average over the taps of a kernel map, and the ways back.

A site that is absent is absent, not zero: it is no candidate for a maximum, and an average counts
it only if asked to. All of them serve every kind of map and its transpose, for which every output
row knows its input rows: each adds up (or compares) one gather for each tap, under a mask.

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
from jaxtyping import Array, Float, Int

from jaxsparse.errors import InputError
from jaxsparse.features import check_features
from jaxsparse.ops.int32 import clipped_int32
from jaxsparse.ops.kernel_map import KernelMap
from jaxsparse.ops.linear_pair import LinearPair
from jaxsparse.pytree import register_named_tuple

DIVISORS = ("active", "kernel")

# Taps to a step of the loop, so that a strided map in 3-D needs none. It bounds what is held, at
# [UNROLLED_TAPS, rows, channels] where XLA does not fuse a gather with a sum (CPU).
UNROLLED_TAPS = 8


@register_named_tuple
class MaxPoolingResult(NamedTuple):
    """What ``max_pooling`` returns.

    Attributes:
        features: ``[capacity_out, channels]``, of the type of the input, padding rows zero.
        choice: int32 ``[capacity_out, channels]``: the tap whose input was the maximum, the first
            of equal ones; the number of taps where no input site is in reach, as on padding rows.
    """

    features: Array
    choice: Array


def sum_pooling(
    features: Float[Array, "sites channels"], kernel_map: KernelMap
) -> Float[Array, "rows channels"]:
    """Sum over the active sites in reach, ``out[o] = sum_k in[in(o, k)]``.

    Args:
        features: ``[capacity_in, channels]``, float32, bfloat16 or float16; sums are float32.
        kernel_map: which rows feed which, of any kind.

    Returns:
        ``[capacity_out, channels]`` of the type of ``features``; zero on padding rows and where no
        site is in reach.

    Raises:
        InputError: features of another type, or another number of rows than the map takes.

    Source: agrees with ``MinkowskiSumPooling`` (Choy et al., arXiv:1904.08755).

    >>> from jaxsparse import geometry, sparse_tensor
    >>> x = sparse_tensor([[0, 0], [0, 1], [0, 3]], [[1.0], [2.0], [4.0]], spatial_shape=(4,),
    ...                   batch_size=1)
    >>> level = geometry(x, levels=2).levels[0]
    >>> sum_pooling(x.features, level.kernel_maps[3]).tolist()
    [[3.0], [3.0], [4.0]]
    >>> sum_pooling(x.features, level.down).tolist()
    [[3.0], [4.0], [0.0]]
    """
    features = _checked(features, kernel_map)
    return _tap_sum(kernel_map, features, kernel_map.capacity_out)


def average_pooling(
    features: Float[Array, "sites channels"], kernel_map: KernelMap, *, divisor: str = "active"
) -> Float[Array, "rows channels"]:
    """Average over the sites in reach, ``out[o] = sum_k in[in(o, k)] / n``.

    Args:
        features: ``[capacity_in, channels]``, float32, bfloat16 or float16; sums are float32.
        kernel_map: which rows feed which, of any kind.
        divisor: ``"active"``: ``n`` is how many of the taps of ``o`` have an active site.
            ``"kernel"``: ``n`` is the number of taps, as if absent sites were zero.

    Returns:
        ``[capacity_out, channels]`` of the type of ``features``; zero on padding rows and where no
        site is in reach.

    Raises:
        InputError: an unknown divisor, features of another type or another number of rows than the
            map takes.

    Source: ``"active"`` agrees with ``MinkowskiAvgPooling`` (Choy et al., arXiv:1904.08755),
    ``"kernel"`` with a dense average pooling that counts its padding.

    >>> from jaxsparse import geometry, sparse_tensor
    >>> x = sparse_tensor([[0, 0], [0, 1], [0, 3]], [[1.0], [2.0], [4.0]], spatial_shape=(4,),
    ...                   batch_size=1)
    >>> down = geometry(x, levels=2, capacities=(3, 2)).levels[0].down
    >>> average_pooling(x.features, down).tolist()
    [[1.5], [4.0]]
    >>> average_pooling(x.features, down, divisor="kernel").tolist()
    [[1.5], [2.0]]
    """
    if divisor not in DIVISORS:
        raise InputError(f"divisor is {divisor!r}: must be one of {', '.join(DIVISORS)}")
    features = _checked(features, kernel_map)
    total = _tap_sum(kernel_map, features, kernel_map.capacity_out, jnp.float32)
    count: Array | float = kernel_map.taps
    if divisor == "active":
        rows, _ = kernel_map.reads()
        present = jnp.sum(rows < kernel_map.capacity_in, axis=0, dtype=jnp.int32)
        count = jnp.maximum(present, 1)[:, None].astype(jnp.float32)
    return (total / count).astype(features.dtype)


def max_pooling(
    features: Float[Array, "sites channels"], kernel_map: KernelMap
) -> MaxPoolingResult:
    """Maximum over the active sites in reach, for every channel of its own.

    Of equal inputs the first tap is chosen and gets all of the gradient. NaN counts as the largest
    number, as in ``jnp.max``.

    Args:
        features: ``[capacity_in, channels]``, float32, bfloat16 or float16.
        kernel_map: which rows feed which, of any kind.

    Returns:
        ``MaxPoolingResult``: the maxima, and which tap each came from.

    Raises:
        InputError: features of another type, or another number of rows than the map takes.

    Source: agrees with ``MinkowskiMaxPooling`` (Choy et al., arXiv:1904.08755).

    >>> from jaxsparse import geometry, sparse_tensor
    >>> x = sparse_tensor([[0, 0], [0, 1], [0, 3]], [[-1.0], [-2.0], [-4.0]], spatial_shape=(4,),
    ...                   batch_size=1)
    >>> features, choice = max_pooling(x.features, geometry(x, levels=2).levels[0].down)
    >>> features.tolist(), choice.tolist()
    ([[-1.0], [-4.0], [0.0]], [[0], [1], [2]])
    """
    features = _checked(features, kernel_map)
    choice = _choose(kernel_map, jax.lax.stop_gradient(features))
    return MaxPoolingResult(
        _chosen((kernel_map, choice), features, kernel_map.capacity_out), choice
    )


def sum_unpooling(
    features: Float[Array, "rows channels"], kernel_map: KernelMap
) -> Float[Array, "sites channels"]:
    """Back onto the sites that were pooled: the sum of all outputs that a site was pooled into.

    The transpose of ``sum_pooling``. Over ``level.down`` a site copies the features of its parent.

    Args:
        features: ``[kernel_map.capacity_out, channels]``, float32, bfloat16 or float16.
        kernel_map: the map of the pooling, not its transpose.

    Returns:
        ``[kernel_map.capacity_in, channels]`` of the type of ``features``; padding rows are zero.

    Raises:
        InputError: features of another type, or another number of rows than the map makes.

    >>> from jaxsparse import geometry, sparse_tensor
    >>> x = sparse_tensor([[0, 0], [0, 1], [0, 3]], [[1.0], [2.0], [4.0]], spatial_shape=(4,),
    ...                   batch_size=1)
    >>> down = geometry(x, levels=2, capacities=(3, 2)).levels[0].down
    >>> sum_unpooling(jnp.array([[3.0], [4.0]]), down).tolist()
    [[3.0], [3.0], [4.0]]
    """
    return sum_pooling(features, kernel_map.transpose())


def average_unpooling(
    features: Float[Array, "rows channels"], kernel_map: KernelMap, *, divisor: str = "active"
) -> Float[Array, "sites channels"]:
    """Back onto the sites that were pooled: the average of all outputs that a site is part of.

    ``average_pooling`` over the transposed map. Over ``level.down`` with the divisor ``"active"`` a
    site copies the features of its one parent.

    Args:
        features: ``[kernel_map.capacity_out, channels]``, float32, bfloat16 or float16.
        kernel_map: the map of the pooling, not its transpose.
        divisor: as for ``average_pooling``.

    Returns:
        ``[kernel_map.capacity_in, channels]`` of the type of ``features``; padding rows are zero.

    Raises:
        InputError: an unknown divisor, features of another type or another number of rows than the
            map makes.

    Source: agrees with ``MinkowskiPoolingTranspose`` (Choy et al., arXiv:1904.08755).
    """
    return average_pooling(features, kernel_map.transpose(), divisor=divisor)


def max_unpooling(
    features: Float[Array, "rows channels"],
    choice: Int[Array, "rows channels"],
    kernel_map: KernelMap,
) -> Float[Array, "sites channels"]:
    """Back to where the maxima were: the transpose of ``max_pooling`` at that choice.

    A site gets the sum of the features of all outputs whose maximum it was, else zero.

    Args:
        features: ``[kernel_map.capacity_out, channels]``, float32, bfloat16 or float16; sums
            are float32.
        choice: integers of the same shape, from ``max_pooling``; a number that is no tap chooses
            nothing.
        kernel_map: the map of the pooling, not its transpose.

    Returns:
        ``[kernel_map.capacity_in, channels]`` of the type of ``features``; padding rows are zero.

    Raises:
        InputError: features of another type or another number of rows than the map makes, a choice
            of another shape.

    Source: the "unpooling" of Zeiler and Fergus, arXiv:1311.2901, section 2.1.

    >>> from jaxsparse import geometry, sparse_tensor
    >>> x = sparse_tensor([[0, 0], [0, 1], [0, 3]], [[1.0], [2.0], [4.0]], spatial_shape=(4,),
    ...                   batch_size=1)
    >>> down = geometry(x, levels=2, capacities=(3, 2)).levels[0].down
    >>> features, choice = max_pooling(x.features, down)
    >>> max_unpooling(10 * features, choice, down).tolist()
    [[0.0], [20.0], [40.0]]
    """
    features, choice = jnp.asarray(features), clipped_int32("choice", choice)
    check_features(features.dtype)
    if features.shape != choice.shape or features.shape[:1] != (kernel_map.capacity_out,):
        raise InputError(
            f"features has shape {features.shape} and choice {choice.shape}: both must be "
            f"[{kernel_map.capacity_out}, channels], pass what max_pooling over this map returned"
        )
    return _chosen.transpose((kernel_map, choice), features, kernel_map.capacity_in)


def _checked(features: Array, kernel_map: KernelMap) -> Array:
    features = jnp.asarray(features)
    check_features(features.dtype)
    if features.ndim != 2 or features.shape[0] != kernel_map.capacity_in:
        raise InputError(
            f"features has shape {features.shape}: this map takes "
            f"[{kernel_map.capacity_in}, channels], pass the features of the level it starts from"
        )
    return features


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
