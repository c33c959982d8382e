"""Operations on tensors, called with bare features: sites on a line stand in for the others."""

import functools

import jax.numpy as jnp

from jaxsparse import ops


def line(rows, count):
    row = jnp.arange(rows, dtype=jnp.int32)
    coords = jnp.where(row[:, None] < count, jnp.stack([0 * row, row], axis=1), -1)
    return ops.Sites(coords, jnp.asarray(count, jnp.int32), (rows,), 1, (1,))


def tensor(features, count):
    return line(features.shape[0], count).tensor(jnp.asarray(features))


def over(kernel_map):
    source = line(kernel_map.capacity_in, kernel_map.num_in)
    target = line(kernel_map.capacity_out, kernel_map.num_out)
    return ops.Connection(source, target, kernel_map, kernel_map.taps, kernel_map.taps)


def over_a_map(operation):
    """A pooling or unpooling of ``(features, kernel map)``, to features."""

    @functools.wraps(operation)
    def run(features, kernel_map, **options):
        connection = over(kernel_map)
        back = operation.__name__.endswith("unpooling")
        sites = connection.target if back else connection.source
        return operation(sites.tensor(jnp.asarray(features)), connection, **options).features

    return run


def max_pooling_with_choice(features, kernel_map):
    connection = over(kernel_map)
    x = connection.source.tensor(jnp.asarray(features))
    largest, choice = ops.max_pooling_with_choice(x, connection)
    return largest.features, choice


def max_unpooling(features, choice, kernel_map):
    connection = over(kernel_map)
    y = connection.target.tensor(jnp.asarray(features))
    return ops.max_unpooling(y, choice, connection).features


average_pooling, average_unpooling, max_pooling, sum_pooling, sum_unpooling = map(
    over_a_map,
    (
        ops.average_pooling, ops.average_unpooling, ops.max_pooling, ops.sum_pooling,
        ops.sum_unpooling,
    ),
)  # fmt: skip


def batch_norm(features, count, scale, bias, **options):
    """Features and moments."""
    y, *moments = ops.batch_norm_with_moments(tensor(features, count), scale, bias, **options)
    return y.features, *moments


def batch_norm_inference(features, count, *vectors, **options):
    return ops.batch_norm_inference(tensor(features, count), *vectors, **options).features


def masked_moments(features, count, **options):
    return ops.masked_moments(tensor(features, count), **options)
